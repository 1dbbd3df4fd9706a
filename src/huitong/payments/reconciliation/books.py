"""Always on: what has ended since the last look, order beside attempt beside journal.

Two marks move on: over attempts by the time of their end, and over the lines of our accounts with
channels. Each step compares a bounded number in one transaction with the mark, so that any number
of workers may run it and none is lost or found twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.payments.reconciliation import limits
from huitong.payments.reconciliation.store import books, breaks
from huitong.payments.reconciliation.types import BreakKind, Found, Side
from huitong.payments.types import ChannelDirection

_SETTLING: Final = timedelta(seconds=limits.SETTLING_SECONDS)
_PAID: Final = frozenset({"succeeded", "partly_refunded", "refunded"})
_DEBIT: Final = 1


async def compare_books(database: Database, *, now: datetime, caller: Caller = SYSTEM) -> bool:
    """Do one step over attempts and one over each channel's account; return whether more is left.

    Attempts that ended in the last SETTLING_SECONDS are left for later: a transaction that is
    still open may have ended one before them.
    """
    more = await database.run(lambda uow: _compare_attempts(uow, now), caller)
    async with database.reading(caller) as uow:
        accounts = await books.list_channel_accounts(uow)
    for account_id, currency in accounts:

        async def compare(
            uow: UnitOfWork, account_id: int = account_id, currency: str = currency
        ) -> bool:
            return await _compare_account(uow, account_id, currency, now)

        more = await database.run(compare, caller) or more
    return more


async def _compare_attempts(uow: UnitOfWork, now: datetime) -> bool:
    mark = await books.lock_mark(uow, books.ATTEMPTS)
    await books.allow_much(uow)
    rows: Sequence[Any] = ()
    last: books.Mark | None = None
    for count in (limits.BOOKS_BATCH, limits.BOOKS_BATCH_SMALL):
        last = await books.find_last_attempt(uow, mark, before=now - _SETTLING, count=count)
        if last is None:
            return False
        rows = await books.find_unlike_attempts(uow, mark, last, limit=limits.BOOKS_BATCH_SMALL + 1)
        if len(rows) <= limits.BOOKS_BATCH_SMALL:
            break
    assert last is not None
    await breaks.add_breaks(uow, [_judge(row) for row in rows], file_number=None, now=now)
    await books.move_mark(uow, books.ATTEMPTS, last)
    return True


def _judge(row: Any) -> Found:
    """Return what is wrong with an attempt that its order or the journal contradicts."""
    is_moved = row["state"] == "succeeded" or row["is_late"]
    direction = ChannelDirection(row["direction"])
    channel = Side(
        amount=row["amount"],
        currency=row["currency"],
        direction=direction,
        is_moved=is_moved,
        state=row["state"],
        at=row["updated_at"],
        fee=row["fee"],
    )
    ledger = None
    differs: tuple[str, ...] = ("order",)
    kind = BreakKind.STATE_DIFFERS
    if is_moved and not row["is_posted"]:
        kind, differs = BreakKind.LEDGER_MISSING, ("entry",)
    elif is_moved:
        posted_direction = row["posted_direction"]
        ledger = Side(
            amount=row["posted"],
            currency=row["posted_currency"],
            direction=direction if posted_direction is None else ChannelDirection(posted_direction),
            is_moved=posted_direction is not None,
            state="posted",
            at=row["updated_at"],
        )
        wrong = {
            "amount": ledger.amount != channel.amount,
            "currency": ledger.currency != channel.currency,
            "direction": posted_direction != row["direction"],
        }
        if any(wrong.values()):
            kind = BreakKind.LEDGER_AMOUNT_DIFFERS
            differs = tuple(field for field, is_wrong in wrong.items() if is_wrong)
    else:
        ledger = Side(
            amount=row["amount"],
            currency=row["currency"],
            direction=direction,
            is_moved=row["status"] in _PAID,
            state=row["status"],
            at=row["updated_at"],
        )
    return Found(
        kind=kind,
        key=f"books:{row['id'].hex}",
        channel=row["channel"],
        day=business_day(row["updated_at"]),
        ours=ledger,
        theirs=channel,
        attempt_id=row["id"],
        order_id=row["order_id"],
        transfer_id=row["transfer_id"],
        differs=differs,
    )


async def _compare_account(uow: UnitOfWork, account_id: int, currency: str, now: datetime) -> bool:
    name = f"account.{account_id}"
    mark = await books.lock_mark(uow, name)
    await books.allow_much(uow)
    rows: Sequence[Any] = ()
    reach: tuple[int, datetime, datetime] | None = None
    for count in (limits.BOOKS_BATCH, limits.BOOKS_BATCH_SMALL):
        reach = await books.find_lines_range(uow, account_id, after=mark.line, count=count)
        if reach is None:
            return False
        rows = await books.find_unexplained(
            uow, account_id, mark.line, reach, limit=limits.BOOKS_BATCH_SMALL + 1
        )
        if len(rows) <= limits.BOOKS_BATCH_SMALL:
            break
    assert reach is not None
    last, begin, end = reach
    entries = [
        (
            row["transfer_id"],
            row["other_id"],
            row["amount"],
            "in" if row["side"] == _DEBIT else "out",
            books.read_time(row["transfer_id"]),
        )
        for row in rows
    ]
    repeated = await books.find_repeated(uow, entries, currency, begin, end) if entries else {}
    found = [_name_entry(entry, currency, repeated.get(entry[0])) for entry in entries]
    await breaks.add_breaks(uow, found, file_number=None, now=now)
    await books.move_mark(uow, name, books.Mark(at=mark.at, id=mark.id, line=last))
    return True


def _name_entry(entry: tuple[Any, int, int, str, datetime], currency: str, first: Any) -> Found:
    """Return an entry without an order as a break: a second one of a payment, or one of nothing."""
    transfer_id, _, amount, direction, at = entry
    return Found(
        kind=BreakKind.LEDGER_WITHOUT_ORDER if first is None else BreakKind.DOUBLED_WITH_US,
        key=f"transfer:{transfer_id.hex}",
        channel=None if first is None else first["channel"],
        day=business_day(at),
        ours=Side(
            amount=amount,
            currency=currency,
            direction=ChannelDirection(direction),
            is_moved=True,
            state="posted",
            at=at,
        ),
        theirs=None,
        attempt_id=None if first is None else first["id"],
        order_id=None if first is None else first["order_id"],
        transfer_id=transfer_id,
        differs=("order",),
    )
