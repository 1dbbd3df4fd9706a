"""Opening, ending and sweeping pools. A sweep is one journal entry: all its legs, or none.

The accounts belong to different companies, so each leg is money lent: positions say who has lent
how much, and are what the journal says. Interest between them is not reckoned.
"""

import uuid
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong import customers
from huitong.kernel import audit, outbox
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import MERCHANT, POOL, show_id, uuid7
from huitong.kernel.money import Money
from huitong.ledger import AccountState, Request, get_balances, post_entries
from huitong.payments.commands.moving import check_text, make_transfer_id
from huitong.payments.corporate import limits
from huitong.payments.corporate import pool_store as store
from huitong.payments.corporate.errors import (
    PoolInvalid,
    PoolMemberTaken,
    PoolNotFound,
    SweepRaced,
)
from huitong.payments.corporate.events import PoolSwept
from huitong.payments.corporate.mandates import check_user
from huitong.payments.corporate.pool_types import (
    Leg,
    Member,
    NewPool,
    Pool,
    Position,
    Sweep,
    SweepRule,
    plan_sweep,
)
from huitong.payments.corporate.postings import sweep_entry

_ZONE: Final = ZoneInfo(SHANGHAI)
_WHOLE_BPS: Final = 10_000


async def check_pool(uow: UnitOfWork, new: NewPool) -> customers.Merchant:
    """Return the business whose account is the header of a pool that could be opened.

    Raises NotFound, PoolInvalid and InvalidField naming what cannot be, PoolMemberTaken.
    """
    check_text(new.name, limits.POOL_NAME_LENGTH_MAX, field="name")
    _check_times(new)
    header = await customers.get_merchant(uow, new.merchant_id)
    if not 1 <= len(new.members) <= limits.POOL_MEMBERS_MAX:
        raise PoolInvalid(f"must be 1 to {limits.POOL_MEMBERS_MAX}", field="members")
    for member in new.members:
        merchant = await customers.get_merchant(uow, member.merchant_id)
        _check_member(member)
        if merchant.currency != header.currency or merchant.account_id != member.account_id:
            raise PoolInvalid(f"must be businesses' accounts in {header.currency}", field="members")
    accounts = [member.account_id for member in new.members]
    if header.account_id in accounts or len(set(accounts)) < len(accounts):
        raise PoolInvalid("an account is the header, or one member", field="members")
    if sorted(member.position for member in new.members) != list(range(1, len(accounts) + 1)):
        raise PoolInvalid("positions must be 1, 2, 3 …", field="members")
    if await store.find_taken(uow, header.account_id, accounts):
        raise PoolMemberTaken("an account is in one pool, and no header is a member")
    return header


def _check_times(new: NewPool) -> None:
    if (new.sweeps_at is None) == (new.interval_minutes is None):
        raise PoolInvalid("is swept at a time of the day, or at intervals", field="sweeps_at")
    least, most = limits.POOL_INTERVAL_MINUTES_MIN, limits.POOL_INTERVAL_MINUTES_MAX
    if new.interval_minutes is not None and not least <= new.interval_minutes <= most:
        raise PoolInvalid(f"must be {least} to {most}", field="interval_minutes")


def _check_member(member: Member) -> None:
    if not 0 <= member.keeps <= member.above or member.least < 1:
        raise PoolInvalid("must be 0 <= keeps <= above, and least above zero", field="members")
    fits = {
        SweepRule.ZERO: member.above == 0,
        SweepRule.TARGET: member.above == member.keeps,
        SweepRule.ABOVE: True,
        SweepRule.SHARE: member.above == member.keeps,
    }[member.rule]
    if not fits or not 1 <= member.share_bps <= _WHOLE_BPS:
        raise PoolInvalid(f"does not fit the rule {member.rule.value}", field="members")
    if member.share_bps != _WHOLE_BPS and member.rule is not SweepRule.SHARE:
        raise PoolInvalid("share_bps is for the rule share only", field="members")


async def open_pool(uow: UnitOfWork, new: NewPool, *, pool_id: uuid.UUID, now: datetime) -> Pool:
    """Open a pool and put it on its schedule; raises as `check_pool`. For staff, by two."""
    await store.lock(uow)
    header = await check_pool(uow, new)
    pool = Pool(
        id=pool_id,
        name=new.name,
        merchant_id=new.merchant_id,
        members=new.members,
        sweeps_at=new.sweeps_at,
        interval_minutes=new.interval_minutes,
        account_id=header.account_id,
        currency=header.currency,
        number=1,
        next_sweep_at=_find_next(new, now, now),
        opened_at=now,
    )
    await store.add_pool(uow, pool)
    details = {"header": show_id(MERCHANT, pool.merchant_id), "members": len(pool.members)}
    await _record(uow, "open_pool", pool.id, details)
    return pool


async def end_pool(uow: UnitOfWork, *, pool_id: uuid.UUID, now: datetime) -> Pool:
    """End a pool; what members have lent stays lent. Ending it again changes nothing.

    For staff, by two. Raises PoolNotFound.
    """
    await get_pool(uow, pool_id, is_locked=True)
    if await store.end_pool(uow, pool_id, now):
        await _record(uow, "end_pool", pool_id, {})
    return await get_pool(uow, pool_id)


async def get_pool(uow: UnitOfWork, pool_id: uuid.UUID, *, is_locked: bool = False) -> Pool:
    """Return a pool; raises PoolNotFound."""
    found = await store.find_pool(uow, pool_id, is_locked=is_locked)
    if found is None:
        raise PoolNotFound(f"there is no pool {show_id(POOL, pool_id)}")
    return found


async def list_pools(uow: UnitOfWork, *, before: uuid.UUID | None = None, limit: int) -> list[Pool]:
    """Return pools, newest first."""
    return await store.list_pools(uow, before=before, count=limit)


async def list_own_pools(
    uow: UnitOfWork, *, merchant_id: uuid.UUID, customer_id: uuid.UUID, limit: int
) -> list[Pool]:
    """Return the pools of a business that the customer acts for, newest first.

    A member sees itself only, the header all of them. Raises CorporateNotAllowed.
    """
    await check_user(uow, merchant_id, customer_id)
    return [
        pool
        if pool.merchant_id == merchant_id
        else replace(
            pool, members=tuple(each for each in pool.members if each.merchant_id == merchant_id)
        )
        for pool in await store.list_pools_of(uow, merchant_id, limit)
    ]


async def list_positions(uow: UnitOfWork, pool: Pool) -> list[Position]:
    """Return what each account has lent to a pool's header in all its pools, or owes it."""
    return await store.list_positions(uow, pool.account_id)


async def list_sweeps(
    uow: UnitOfWork, pool: Pool, *, before: int | None = None, limit: int
) -> list[Sweep]:
    """Return sweeps of a pool with their legs, latest first."""
    number = pool.number if before is None else before
    return await store.list_sweeps(uow, pool.id, before=number, count=limit)


async def sweep_next_pool(database: Database, *, now: datetime) -> bool:
    """Sweep the pool that has been due longest; False if none is due.

    What fell due while no worker ran is one sweep: a second one would find nothing. If balances
    move under it again and again it is left for a minute later.
    """
    raced: list[Pool] = []

    async def sweep_due(uow: UnitOfWork) -> bool:
        pool = await store.take_due(uow, now)
        raced[:] = [] if pool is None else [pool]
        if pool is not None:
            await _sweep(uow, pool, now)
        return pool is not None

    for _ in range(limits.SWEEP_TRIES_MAX):
        try:
            return await database.run(sweep_due)
        except SweepRaced:
            continue
    (pool,) = raced
    await database.run(lambda uow: _postpone(uow, pool, now))
    return True


async def _postpone(uow: UnitOfWork, seen: Pool, now: datetime) -> None:
    pool = await store.find_pool(uow, seen.id, is_locked=True)
    # Otherwise somebody else has swept it meanwhile, or ended it.
    if pool == seen:
        later = now + timedelta(seconds=limits.SWEEP_PAUSE_SECONDS)
        await store.set_next(uow, pool, number=pool.number, next_sweep_at=later)


async def _sweep(uow: UnitOfWork, pool: Pool, now: datetime) -> Sweep:
    assert pool.next_sweep_at is not None
    legs = await _plan(uow, pool)
    entry_id = None
    if any(leg.amount for leg in legs):
        entry_id = make_transfer_id(now)
        entry, legs = sweep_entry(entry_id, pool.account_id, legs, pool.currency, business_day(now))
        (outcome,) = await post_entries(uow, [Request(entry)], now=now)
        if not outcome.is_posted:
            raise SweepRaced(f"the ledger refuses the sweep: {outcome.reason}")
    sweep = Sweep(
        id=uuid7(),
        pool_id=pool.id,
        number=pool.number,
        due_at=pool.next_sweep_at,
        swept_at=now,
        entry_id=entry_id,
        legs=tuple(legs),
    )
    await store.add_sweep(uow, pool, sweep)
    following = _find_next(pool, pool.next_sweep_at, now)
    await store.set_next(uow, pool, number=pool.number + 1, next_sweep_at=following)
    event = PoolSwept(
        pool_id=pool.id,
        sweep_id=sweep.id,
        number=sweep.number,
        up=Money(sweep.up, pool.currency),
        down=Money(sweep.down, pool.currency),
    )
    await outbox.append(uow, [event])
    return sweep


async def _plan(uow: UnitOfWork, pool: Pool) -> list[Leg]:
    accounts = [pool.account_id, *(member.account_id for member in pool.members)]
    balances = await get_balances(uow, accounts)
    header = balances[pool.account_id]
    if header.state is not AccountState.OPEN:
        return [
            Leg(account_id=member.account_id, amount=0, reason="header_not_open")
            for member in pool.members
        ]
    available = {
        account_id: balance.available.minor
        for account_id, balance in balances.items()
        if balance.state is AccountState.OPEN
    }
    return plan_sweep(pool.members, available, header.available.minor)


def _find_next(pool: NewPool, due_at: datetime, now: datetime) -> datetime:
    """Return the first time of a pool's schedule after `now`."""
    if pool.interval_minutes is not None:
        step = timedelta(minutes=pool.interval_minutes)
        return due_at + ((now - due_at) // step + 1) * step
    assert pool.sweeps_at is not None
    today = _at(now, pool.sweeps_at)
    return today if today > now else _at(now + timedelta(days=1), pool.sweeps_at)


def _at(day: datetime, clock_time: time) -> datetime:
    return datetime.combine(business_day(day), clock_time, _ZONE)


async def _record(
    uow: UnitOfWork, verb: str, pool_id: uuid.UUID, details: dict[str, object]
) -> None:
    await audit.record(
        uow, action=f"payments.{verb}", subject=show_id(POOL, pool_id), details=details
    )
