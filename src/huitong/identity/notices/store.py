"""Notices in the database."""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from huitong.identity.notices.types import DueNotice, Notice, NoticeKind
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money

_INSERT: Final = """
    INSERT INTO identity.notices (id, login_id, kind, amount, currency, until, texts, lapses_at,
                                  asked_at, due_at)
    VALUES (:id, :login_id, :kind, :amount, :currency, :until, CAST(:texts AS jsonb), :lapses_at,
            :now, :now)
        ON CONFLICT (id) DO NOTHING
    RETURNING id
"""
# The next try is due before this one ends, so whoever dies with a notice in hand loses nothing.
_TAKE: Final = """
    WITH due AS MATERIALIZED (
        SELECT id FROM identity.notices
         WHERE ended_at IS NULL AND due_at <= :now
         ORDER BY due_at LIMIT :count
           FOR UPDATE SKIP LOCKED
    )
    UPDATE identity.notices n
       SET tries = n.tries + 1,
           due_at = :now + least(CAST(:longest AS interval),
                                 CAST(:first AS interval) * power(2, n.tries))
      FROM due
     WHERE n.id = due.id
    RETURNING n.id, n.login_id, n.kind, n.amount, n.currency, n.until, n.texts, n.lapses_at,
              n.asked_at, n.tries
"""
_END: Final = """
    UPDATE identity.notices SET outcome = :outcome, ended_at = :now
     WHERE id = ANY(CAST(:ids AS uuid[])) AND ended_at IS NULL
"""
_PRUNE: Final = """
    DELETE FROM identity.notices
     WHERE id IN (SELECT id FROM identity.notices WHERE ended_at < :before
                   ORDER BY ended_at LIMIT :count)
    RETURNING id
"""


async def insert_notice(
    uow: UnitOfWork, notice: Notice, login_id: uuid.UUID, *, now: datetime
) -> bool:
    """Insert a notice that is due at once; False if it is known."""
    amount = notice.amount
    row = await uow.fetch_one(
        _INSERT,
        id=notice.id,
        login_id=login_id,
        kind=notice.kind.value,
        amount=None if amount is None else amount.minor,
        currency=None if amount is None else amount.currency,
        until=notice.until,
        texts=None if notice.texts is None else json.dumps(dict(notice.texts)),
        lapses_at=notice.lapses_at,
        now=now,
    )
    return row is not None


async def take_due(
    uow: UnitOfWork, *, count: int, first: timedelta, longest: timedelta, now: datetime
) -> list[DueNotice]:
    """Take at most `count` due notices; each is due again after a pause that doubles."""
    rows = await uow.execute(_TAKE, count=count, first=first, longest=longest, now=now)
    return [
        DueNotice(
            notice=Notice(
                id=row.id,
                kind=NoticeKind(row.kind),
                amount=None if row.amount is None else Money(row.amount, row.currency),
                until=row.until,
                texts=row.texts,
                lapses_at=row.lapses_at,
            ),
            login_id=row.login_id,
            asked_at=row.asked_at,
            tries=row.tries,
        )
        for row in rows
    ]


async def end_notices(
    uow: UnitOfWork, ids: Sequence[uuid.UUID], outcome: str, *, now: datetime
) -> None:
    """End notices that have not ended."""
    if ids:
        await uow.execute(_END, ids=list(ids), outcome=outcome, now=now)


async def prune(uow: UnitOfWork, *, before: datetime, count: int) -> int:
    """Delete at most `count` notices that ended before an instant; returns how many."""
    return len(await uow.execute(_PRUNE, before=before, count=count))
