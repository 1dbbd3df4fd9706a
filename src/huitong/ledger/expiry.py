"""The sweeper of holds: writes into the journal what the clock has decided already."""

from datetime import datetime
from typing import Final

from huitong.kernel import limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.ledger.codes import TransferCode
from huitong.ledger.events import HoldExpired
from huitong.ledger.posting import post_entries
from huitong.ledger.types import Entry, Request, Transfer, TransferKind, Verdict

_OVERDUE: Final = """
    SELECT id FROM ledger.holds
     WHERE state = 0 AND expires_at <= :now
     ORDER BY expires_at LIMIT :count
"""


async def expire_holds(
    uow: UnitOfWork, *, now: datetime, limit: int = limits.HOLDS_EXPIRED_AT_ONCE_MAX
) -> int:
    """Expire at most `limit` holds whose time is over; return how many were found.

    Any number of sweepers may run: a hold that somebody else resolved in the meantime is refused
    by the ledger's rules, and nothing happens to it here.
    """
    found = [row.id for row in await uow.execute(_OVERDUE, now=now, count=limit)]
    requests = [
        Request(
            Entry(
                (
                    Transfer(
                        id=uuid7(),
                        amount=None,
                        code=TransferCode.HOLD_EXPIRY,
                        effective_on=business_day(now),
                        kind=TransferKind.EXPIRE_PENDING,
                        pending_id=hold_id,
                    ),
                )
            )
        )
        for hold_id in found
    ]
    outcomes = await post_entries(uow, requests, now=now)
    await outbox.append(
        uow,
        [
            HoldExpired(hold_id=hold_id, expired_at=now)
            for hold_id, outcome in zip(found, outcomes, strict=True)
            if outcome.verdict is Verdict.POSTED
        ],
    )
    return len(found)
