"""Pools, sweeps and positions between companies in the database."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.corporate.pool_types import (
    Leg,
    Member,
    Pool,
    Position,
    Sweep,
    SweepRule,
)

_ADD: Final = """
    INSERT INTO payments.pools (id, name, merchant_id, account_id, currency, sweeps_at,
                                interval_minutes, next_sweep_at, opened_at)
    VALUES (:id, :name, :merchant_id, :account_id, :currency, :sweeps_at, :interval_minutes,
            :next_sweep_at, :opened_at)
"""
_ADD_MEMBER: Final = """
    INSERT INTO payments.pool_members (pool_id, position, merchant_id, account_id, rule, keeps,
                                       above, share_bps, least, is_funded)
    VALUES (:pool_id, :position, :merchant_id, :account_id, :rule, :keeps, :above, :share_bps,
            :least, :is_funded)
"""
_POOLS: Final = """
    SELECT p.id, p.name, p.merchant_id, p.account_id, p.currency, p.sweeps_at, p.interval_minutes,
           p.next_sweep_at, p.number, p.opened_at, p.ended_at
      FROM payments.pools p
"""
_TAKE: Final = f"""
    {_POOLS} WHERE p.ended_at IS NULL AND p.next_sweep_at <= :now
     ORDER BY p.next_sweep_at, p.id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_LIST: Final = f"""
    {_POOLS} WHERE (CAST(:before AS uuid) IS NULL OR p.id < :before)
     ORDER BY p.id DESC LIMIT :count
"""
_LIST_OF: Final = f"""
    {_POOLS}
     WHERE p.merchant_id = :merchant_id
        OR EXISTS (SELECT FROM payments.pool_members m
                    WHERE m.pool_id = p.id AND m.merchant_id = :merchant_id)
     ORDER BY p.id DESC LIMIT :count
"""
_MEMBERS: Final = """
    SELECT pool_id, position, merchant_id, account_id, rule, keeps, above, share_bps, least,
           is_funded
      FROM payments.pool_members WHERE pool_id = ANY(CAST(:ids AS uuid[])) ORDER BY position
"""
# Whoever opens a pool at the same moment waits here, so that no account comes into two.
_TAKEN: Final = """
    SELECT account_id FROM payments.pool_members
     WHERE ended_at IS NULL AND account_id = ANY(CAST(:ids AS bigint[]))
     UNION
    SELECT account_id FROM payments.pools
     WHERE ended_at IS NULL AND account_id = ANY(CAST(:members AS bigint[]))
"""
_END: Final = """
    UPDATE payments.pools SET ended_at = greatest(:now, opened_at), next_sweep_at = NULL
     WHERE id = :id AND ended_at IS NULL
    RETURNING id
"""
_END_MEMBERS: Final = """
    UPDATE payments.pool_members SET ended_at = :now WHERE pool_id = :id AND ended_at IS NULL
"""
_SET_NEXT: Final = """
    UPDATE payments.pools SET number = :number, next_sweep_at = :next_sweep_at WHERE id = :id
"""
_ADD_SWEEP: Final = """
    INSERT INTO payments.pool_sweeps (id, pool_id, number, due_at, swept_at, entry_id, up, down)
    VALUES (:id, :pool_id, :number, :due_at, :swept_at, :entry_id, :up, :down)
"""
_ADD_LEGS: Final = """
    INSERT INTO payments.pool_legs (sweep_id, account_id, amount, transfer_id, reason)
    SELECT $1, n.account_id, n.amount, n.transfer_id, n.reason
      FROM unnest($2::bigint[], $3::bigint[], $4::uuid[], $5::text[])
           n(account_id, amount, transfer_id, reason)
"""
_ADD_TO_POSITIONS: Final = """
    INSERT INTO payments.pool_positions AS p (header_account_id, member_account_id, lent)
    SELECT $1, n.account_id, n.amount FROM unnest($2::bigint[], $3::bigint[]) n(account_id, amount)
     ORDER BY n.account_id
    ON CONFLICT (header_account_id, member_account_id) DO UPDATE SET lent = p.lent + excluded.lent
"""
_POSITIONS: Final = """
    SELECT header_account_id, member_account_id, lent FROM payments.pool_positions
     WHERE header_account_id = :account_id ORDER BY member_account_id
"""
_SWEEPS: Final = """
    SELECT id, pool_id, number, due_at, swept_at, entry_id FROM payments.pool_sweeps
     WHERE pool_id = :pool_id AND number < :before ORDER BY number DESC LIMIT :count
"""
_LEGS: Final = """
    SELECT l.sweep_id, l.account_id, l.amount, l.transfer_id, l.reason
      FROM payments.pool_legs l
      JOIN payments.pool_sweeps s ON s.id = l.sweep_id
      JOIN payments.pool_members m ON m.pool_id = s.pool_id AND m.account_id = l.account_id
     WHERE l.sweep_id = ANY(CAST(:ids AS uuid[])) ORDER BY m.position
"""


async def lock(uow: UnitOfWork) -> None:
    """Let nobody else open a pool before this transaction ends."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('payments.pools'))")


async def find_taken(uow: UnitOfWork, header: int, members: Sequence[int]) -> list[int]:
    """Return those accounts that are in a pool, and headers among the members."""
    rows = await uow.execute(_TAKEN, ids=[header, *members], members=list(members))
    return sorted(row.account_id for row in rows)


async def add_pool(uow: UnitOfWork, pool: Pool) -> None:
    """Add a pool with its members."""
    await uow.execute(
        _ADD,
        id=pool.id,
        name=pool.name,
        merchant_id=pool.merchant_id,
        account_id=pool.account_id,
        currency=pool.currency,
        sweeps_at=pool.sweeps_at,
        interval_minutes=pool.interval_minutes,
        next_sweep_at=pool.next_sweep_at,
        opened_at=pool.opened_at,
    )
    for member in pool.members:
        await uow.execute(
            _ADD_MEMBER,
            pool_id=pool.id,
            position=member.position,
            merchant_id=member.merchant_id,
            account_id=member.account_id,
            rule=member.rule.value,
            keeps=member.keeps,
            above=member.above,
            share_bps=member.share_bps,
            least=member.least,
            is_funded=member.is_funded,
        )


async def find_pool(uow: UnitOfWork, pool_id: uuid.UUID, *, is_locked: bool = False) -> Pool | None:
    """Return a pool with its members, locked if it is to be changed."""
    locking = "FOR UPDATE" if is_locked else ""
    rows = await uow.execute(f"{_POOLS} WHERE p.id = :id {locking}", id=pool_id)
    found = await _with_members(uow, rows)
    return found[0] if found else None


async def take_due(uow: UnitOfWork, now: datetime) -> Pool | None:
    """Lock and return the pool that has been due longest and that no other worker has."""
    found = await _with_members(uow, await uow.execute(_TAKE, now=now))
    return found[0] if found else None


async def list_pools(uow: UnitOfWork, *, before: uuid.UUID | None, count: int) -> list[Pool]:
    """Return pools, newest first."""
    return await _with_members(uow, await uow.execute(_LIST, before=before, count=count))


async def list_pools_of(uow: UnitOfWork, merchant_id: uuid.UUID, count: int) -> list[Pool]:
    """Return the pools that a business is header or member of, newest first."""
    rows = await uow.execute(_LIST_OF, merchant_id=merchant_id, count=count)
    return await _with_members(uow, rows)


async def end_pool(uow: UnitOfWork, pool_id: uuid.UUID, now: datetime) -> bool:
    """End a pool; says whether it had not ended."""
    ended = await uow.execute(_END, id=pool_id, now=now)
    await uow.execute(_END_MEMBERS, id=pool_id, now=now)
    return bool(ended)


async def set_next(uow: UnitOfWork, pool: Pool, *, number: int, next_sweep_at: datetime) -> None:
    """Say which sweep of a locked pool comes next, and when."""
    await uow.execute(_SET_NEXT, id=pool.id, number=number, next_sweep_at=next_sweep_at)


async def add_sweep(uow: UnitOfWork, pool: Pool, sweep: Sweep) -> None:
    """Write down a sweep with its legs, and add it to the positions between companies."""
    await uow.execute(
        _ADD_SWEEP,
        id=sweep.id,
        pool_id=sweep.pool_id,
        number=sweep.number,
        due_at=sweep.due_at,
        swept_at=sweep.swept_at,
        entry_id=sweep.entry_id,
        up=sweep.up,
        down=sweep.down,
    )
    connection = await uow.driver()
    await connection.execute(
        _ADD_LEGS,
        sweep.id,
        [leg.account_id for leg in sweep.legs],
        [leg.amount for leg in sweep.legs],
        [leg.transfer_id for leg in sweep.legs],
        [leg.reason for leg in sweep.legs],
    )
    moved = [leg for leg in sweep.legs if leg.amount]
    await connection.execute(
        _ADD_TO_POSITIONS,
        pool.account_id,
        [leg.account_id for leg in moved],
        [leg.amount for leg in moved],
    )


async def list_positions(uow: UnitOfWork, header_account_id: int) -> list[Position]:
    """Return what each member has lent to a header, or owes it."""
    rows = await uow.execute(_POSITIONS, account_id=header_account_id)
    return [
        Position(
            header_account_id=row.header_account_id,
            member_account_id=row.member_account_id,
            lent=row.lent,
        )
        for row in rows
    ]


async def list_sweeps(
    uow: UnitOfWork, pool_id: uuid.UUID, *, before: int, count: int
) -> list[Sweep]:
    """Return sweeps of a pool with their legs, latest first."""
    rows = await uow.execute(_SWEEPS, pool_id=pool_id, before=before, count=count)
    legs: dict[uuid.UUID, list[Leg]] = {row.id: [] for row in rows}
    for leg in await uow.execute(_LEGS, ids=list(legs)):
        legs[leg.sweep_id].append(
            Leg(
                account_id=leg.account_id,
                amount=leg.amount,
                transfer_id=leg.transfer_id,
                reason=leg.reason,
            )
        )
    return [
        Sweep(
            id=row.id,
            pool_id=row.pool_id,
            number=row.number,
            due_at=row.due_at,
            swept_at=row.swept_at,
            entry_id=row.entry_id,
            legs=tuple(legs[row.id]),
        )
        for row in rows
    ]


async def _with_members(uow: UnitOfWork, rows: Sequence[Row[Any]]) -> list[Pool]:
    pools = [_pool(row) for row in rows]
    members: dict[uuid.UUID, list[Member]] = {pool.id: [] for pool in pools}
    for row in await uow.execute(_MEMBERS, ids=list(members)):
        members[row.pool_id].append(
            Member(
                position=row.position,
                merchant_id=row.merchant_id,
                account_id=row.account_id,
                rule=SweepRule(row.rule),
                keeps=row.keeps,
                above=row.above,
                share_bps=row.share_bps,
                least=row.least,
                is_funded=row.is_funded,
            )
        )
    return [replace(pool, members=tuple(members[pool.id])) for pool in pools]


def _pool(row: Row[Any]) -> Pool:
    return Pool(
        id=row.id,
        name=row.name,
        merchant_id=row.merchant_id,
        members=(),
        sweeps_at=row.sweeps_at,
        interval_minutes=row.interval_minutes,
        account_id=row.account_id,
        currency=row.currency,
        number=row.number,
        next_sweep_at=row.next_sweep_at,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
    )
