"""Breaks and their history in the database."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.payments.reconciliation.calculations import find_stake, propose_cure
from huitong.payments.reconciliation.types import (
    Break,
    BreakKind,
    BreakState,
    Cure,
    Found,
    HistoryLine,
    KindCount,
    Side,
)

_BREAK: Final = """
    SELECT id, kind, channel, day, attempt_id, order_id, transfer_id, line, reference, amount,
           currency, differs, ours, theirs, proposed, state, owner_id, found_at, due_at, ended_at,
           cure, approval_id
      FROM payments.recon_breaks
"""
# One array for each column: a file may bring as many breaks as it has lines.
_ADD_BREAKS: Final = """
    WITH added AS (
        INSERT INTO payments.recon_breaks (id, kind, key, channel, day, attempt_id, order_id,
                                           transfer_id, file_number, line, reference, amount,
                                           currency, differs, ours, theirs, proposed, state, due_at,
                                           found_at)
        SELECT n.id, n.kind, n.key, n.channel, n.day, n.attempt_id, n.order_id, n.transfer_id,
               CASE WHEN n.line IS NULL THEN NULL ELSE $1::integer END, n.line,
               n.reference, n.amount, n.currency,
               coalesce(string_to_array(nullif(n.differs, ''), ','), '{}'), n.ours, n.theirs,
               n.proposed, CASE WHEN n.due_at IS NULL THEN 'open' ELSE 'timing' END,
               n.due_at, $2::timestamptz
          FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::date[], $9::uuid[],
                      $10::uuid[], $11::uuid[], $12::integer[], $13::text[], $14::bigint[],
                      $15::text[], $16::text[], $17::jsonb[], $18::jsonb[], $19::text[],
                      $20::timestamptz[])
               AS n(id, kind, key, channel, day, attempt_id, order_id, transfer_id, line, reference,
                    amount, currency, differs, ours, theirs, proposed, due_at)
            ON CONFLICT (kind, key) DO NOTHING
        RETURNING id
    )
    INSERT INTO payments.recon_history (break_id, act, actor, at)
    SELECT id, 'found', $3::text, $2::timestamptz FROM added
"""
_ADD_HISTORY: Final = """
    INSERT INTO payments.recon_history (break_id, act, actor, at, details)
    VALUES (:break_id, :act, :actor, :now, CAST(:details AS jsonb))
"""
_MATCH_MISSING: Final = """
    WITH gone AS (
        UPDATE payments.recon_breaks
           SET state = 'matched', due_at = NULL, ended_at = greatest(found_at, $2::timestamptz)
         WHERE kind = 'missing_at_channel' AND attempt_id = ANY($1::uuid[])
           AND state IN ('timing', 'open')
        RETURNING id
    )
    INSERT INTO payments.recon_history (break_id, act, actor, at)
    SELECT id, 'matched', $3::text, $2::timestamptz FROM gone
"""
_AGE: Final = """
    WITH due AS (
        SELECT id FROM payments.recon_breaks
         WHERE state = 'timing' AND due_at <= :now
         ORDER BY id LIMIT :count FOR UPDATE SKIP LOCKED
    ), aged AS (
        UPDATE payments.recon_breaks b SET state = 'open', due_at = NULL
          FROM due WHERE b.id = due.id
        RETURNING b.id
    )
    INSERT INTO payments.recon_history (break_id, act, actor, at)
    SELECT id, 'aged', :actor, :now FROM aged
    RETURNING break_id
"""
_COUNT: Final = """
    SELECT kind, state, currency, count(*) AS found, sum(amount) AS amount
      FROM payments.recon_breaks
     WHERE (CAST(:day AS date) IS NULL OR day = :day)
       AND (CAST(:channel AS text) IS NULL OR channel IS NULL OR channel = :channel)
     GROUP BY kind, state, currency ORDER BY kind, state, currency
"""
_COUNT_WAITING: Final = """
    SELECT count(*) AS open, count(*) FILTER (WHERE found_at <= :before) AS overdue
      FROM payments.recon_breaks WHERE state IN ('timing', 'open')
"""


async def lock(uow: UnitOfWork) -> None:
    """Let nobody else match or compare until this transaction ends."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('payments.reconciliation'))")


async def add_breaks(
    uow: UnitOfWork,
    found: Iterable[Found],
    *,
    file_number: int | None,
    now: datetime,
) -> None:
    """Write differences down as breaks; one that is known is left as it is."""
    rows = [_break_row(each, now) for each in found]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        driver = await uow.driver()
        await driver.execute(_ADD_BREAKS, file_number, now, uow.caller.actor, *columns)


async def match_missing(uow: UnitOfWork, attempts: Sequence[uuid.UUID], *, now: datetime) -> None:
    """End the breaks of payments that the channel has after all."""
    if attempts:
        driver = await uow.driver()
        await driver.execute(_MATCH_MISSING, list(attempts), now, uow.caller.actor)


async def age_breaks(uow: UnitOfWork, *, now: datetime, count: int) -> int:
    """Open breaks that are no longer a matter of time; return how many."""
    rows = await uow.execute(_AGE, now=now, count=count, actor=uow.caller.actor)
    return len(rows)


async def find_break(
    uow: UnitOfWork, break_id: uuid.UUID, *, is_locked: bool = False
) -> Break | None:
    """Return a break, or None."""
    row = await uow.fetch_one(
        f"{_BREAK} WHERE id = :id{' FOR UPDATE' if is_locked else ''}", id=break_id
    )
    return None if row is None else _read_break(row)


async def list_breaks(
    uow: UnitOfWork,
    *,
    after: uuid.UUID | None,
    limit: int,
    kind: BreakKind | None = None,
    day: date | None = None,
    is_ended: bool = False,
) -> list[Break]:
    """Return breaks, the oldest first: those that wait, or those that have ended."""
    states = "('cured', 'matched')" if is_ended else "('timing', 'open')"
    rows = await uow.execute(
        f"{_BREAK} WHERE state IN {states} "
        "AND (CAST(:after AS uuid) IS NULL OR id > :after) "
        "AND (CAST(:kind AS text) IS NULL OR kind = :kind) "
        "AND (CAST(:day AS date) IS NULL OR day = :day) ORDER BY id LIMIT :limit",
        after=after,
        kind=None if kind is None else kind.value,
        day=day,
        limit=limit,
    )
    return [_read_break(row) for row in rows]


async def count_breaks(
    uow: UnitOfWork, *, day: date | None, channel: str | None
) -> list[KindCount]:
    """Return how many breaks there are by kind, state and currency; those of books are of all."""
    return [
        KindCount(
            kind=BreakKind(row.kind),
            state=BreakState(row.state),
            currency=row.currency,
            count=row.found,
            amount=int(row.amount),
        )
        for row in await uow.execute(_COUNT, day=day, channel=channel)
    ]


async def count_waiting(uow: UnitOfWork, *, before: datetime) -> tuple[int, int]:
    """Return how many breaks wait, and how many of them were found before an instant."""
    row = await uow.fetch_one(_COUNT_WAITING, before=before)
    assert row is not None
    return row.open, row.overdue


async def set_owner(uow: UnitOfWork, break_id: uuid.UUID, owner_id: uuid.UUID) -> None:
    """Give a break to a member of staff."""
    await uow.execute(
        "UPDATE payments.recon_breaks SET owner_id = :owner_id WHERE id = :id",
        id=break_id,
        owner_id=owner_id,
    )


async def set_waiting(uow: UnitOfWork, break_id: uuid.UUID, *, due_at: datetime) -> None:
    """Let a break wait until an instant."""
    await uow.execute(
        "UPDATE payments.recon_breaks SET state = 'timing', due_at = :due_at WHERE id = :id",
        id=break_id,
        due_at=due_at,
    )


async def set_cured(
    uow: UnitOfWork, break_id: uuid.UUID, cure: Cure, *, approval_id: uuid.UUID, now: datetime
) -> None:
    """End a break by a cure."""
    await uow.execute(
        "UPDATE payments.recon_breaks SET state = 'cured', due_at = NULL, cure = :cure, "
        "approval_id = :approval_id, ended_at = greatest(found_at, :now) WHERE id = :id",
        id=break_id,
        cure=cure.value,
        approval_id=approval_id,
        now=now,
    )


async def add_history(
    uow: UnitOfWork,
    break_id: uuid.UUID,
    act: str,
    *,
    details: dict[str, object] | None = None,
    now: datetime,
) -> None:
    """Write down what the caller did about a break."""
    await uow.execute(
        _ADD_HISTORY,
        break_id=break_id,
        act=act,
        actor=uow.caller.actor,
        now=now,
        details=None if details is None else msgspec.json.encode(details).decode(),
    )


async def list_history(uow: UnitOfWork, break_id: uuid.UUID, *, limit: int) -> list[HistoryLine]:
    """Return what was done about a break, the first first."""
    rows = await uow.execute(
        "SELECT act, actor, at, details FROM payments.recon_history WHERE break_id = :id "
        "ORDER BY number LIMIT :limit",
        id=break_id,
        limit=limit,
    )
    return [
        HistoryLine(act=row.act, actor=row.actor, at=row.at, details=row.details) for row in rows
    ]


def _break_row(found: Found, now: datetime) -> tuple[object, ...]:
    stake = find_stake(found)
    proposed = propose_cure(found.kind, is_timing=found.due_at is not None)
    return (
        uuid7(int(now.timestamp() * 1_000)),
        found.kind.value,
        found.key,
        found.channel,
        found.day,
        found.attempt_id,
        found.order_id,
        found.transfer_id,
        found.line,
        found.reference,
        stake.minor,
        stake.currency,
        ",".join(found.differs),
        _write_side(found.ours),
        _write_side(found.theirs),
        proposed.value,
        found.due_at,
    )


def _write_side(side: Side | None) -> str | None:
    return None if side is None else msgspec.json.encode(side).decode()


def _read_side(value: Any) -> Side | None:
    return None if value is None else msgspec.convert(value, Side)


def _read_break(row: Row[Any]) -> Break:
    return Break(
        id=row.id,
        kind=BreakKind(row.kind),
        channel=row.channel,
        day=row.day,
        attempt_id=row.attempt_id,
        order_id=row.order_id,
        transfer_id=row.transfer_id,
        line=row.line,
        reference=row.reference,
        amount=Money(row.amount, row.currency),
        differs=tuple(row.differs),
        ours=_read_side(row.ours),
        theirs=_read_side(row.theirs),
        proposed=Cure(row.proposed),
        state=BreakState(row.state),
        owner_id=row.owner_id,
        found_at=row.found_at,
        due_at=row.due_at,
        ended_at=row.ended_at,
        cure=None if row.cure is None else Cure(row.cure),
        approval_id=row.approval_id,
    )
