"""Statements of an account with a bank (camt.053) as a channel's file.

A booked entry is a line: credit is in, debit is out. Its control totals are its own balances.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.money import Money
from huitong.payments.iso20022 import CashStatement, Entry, EntryDetail, Statement, read_message
from huitong.payments.reconciliation import limits
from huitong.payments.reconciliation.errors import (
    ChannelFileTooLarge,
    ChannelFileTotalsDiffer,
    ChannelFileUnreadable,
)
from huitong.payments.reconciliation.reading import Head, Totals, write_head

_CREDIT: Final = "CRDT"
_BOOKED: Final = "BOOK"
#: For entries of which only the day is known.
_NOON: Final = time(12)
_ZONE: Final = ZoneInfo(SHANGHAI)
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/-]{0,63}")


def read_statement(source: BinaryIO, *, channel: str | None) -> tuple[BinaryIO, bytes, int]:
    """Return a statement as a channel's file in CSV, with the SHA-256 and size of its own bytes.

    An entry that carries an end-to-end id of our shape is the attempt of that id. Raises
    ChannelFileUnreadable, ChannelFileTooLarge, ChannelFileTotalsDiffer, and what `read_message`
    raises.
    """
    content = source.read(limits.MESSAGE_BYTES_MAX + 1)
    if len(content) > limits.MESSAGE_BYTES_MAX:
        raise ChannelFileTooLarge(
            f"a statement has at most {limits.MESSAGE_BYTES_MAX} bytes", field="file"
        )
    if channel is None:
        raise ChannelFileUnreadable(
            "a statement names no channel: say whose it is", field="channel"
        )
    body = read_message(BytesIO(content)).body
    if not isinstance(body, CashStatement) or len(body.statements) != 1:
        raise ChannelFileUnreadable("this is not one statement (camt.053)", field="file")
    statement = body.statements[0]
    _check_balances(statement)
    rows, totals, days = [], Totals(), set[date]()
    for entry, detail, amount in _list_moves(statement):
        at = _booked_at(entry)
        days.add(business_day(at))
        rows.append(_write_line(channel, entry, detail, amount, at))
        into, out, fees = totals.get(amount.currency, (0, 0, 0))
        is_in = entry.direction == _CREDIT
        totals[amount.currency] = (
            into + amount.minor * is_in,
            out + amount.minor * (not is_in),
            fees,
        )
    head = Head(channel, _find_day(statement, days), len(rows), totals)
    text = write_head(head) + b"".join(row + b"\n" for row in rows)
    return BytesIO(text), hashlib.sha256(content).digest(), len(content)


def _list_moves(statement: Statement) -> Iterator[tuple[Entry, EntryDetail | None, Money]]:
    """Yield each booked payment; an entry of several is told by its details or by itself."""
    for entry in statement.entries:
        if entry.status != _BOOKED:
            continue
        details = [each for batch in entry.batches for each in batch.details]
        amounts = [each.amount for each in details if each.amount is not None]
        is_told = bool(amounts) and len(amounts) == len(details)
        if is_told and len({each.currency for each in amounts}) > 1:
            raise ChannelFileUnreadable("an entry has details in two currencies", field="entry")
        if is_told and len(details) > 1:
            if Money.total(amounts, entry.amount.currency) != entry.amount:
                raise ChannelFileTotalsDiffer(
                    "an entry is not the sum of its details", field="entry"
                )
            yield from (
                (entry, each, amount) for each, amount in zip(details, amounts, strict=True)
            )
        else:
            yield entry, details[0] if len(details) == 1 else None, entry.amount


def _write_line(
    channel: str, entry: Entry, detail: EntryDetail | None, amount: Money, at: datetime
) -> bytes:
    named = [] if detail is None else [detail.end_to_end_id, detail.transaction_id]
    attempt = next((found for each in named if (found := _read_attempt(each))), "")
    references = [
        *([] if detail is None else [detail.servicer_reference, *named]),
        entry.servicer_reference,
        entry.reference,
    ]
    fitting = (each for each in references if each and _REFERENCE.fullmatch(each))
    reference = next(fitting, None) or attempt
    if not reference:
        raise ChannelFileUnreadable("an entry has no reference that can be kept", field="entry")
    direction = "in" if entry.direction == _CREDIT else "out"
    when = at.astimezone(_ZONE).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    fields = (
        channel,
        attempt,
        reference,
        direction,
        amount.format(),
        amount.currency,
        "",
        "succeeded",
        when,
    )
    return ",".join(fields).encode()


def _read_attempt(text: str | None) -> str | None:
    if text is None or re.fullmatch(r"[0-9a-fA-F]{32}", text) is None:
        return None
    return text.lower()


def _booked_at(entry: Entry) -> datetime:
    if entry.booking_moment is not None:
        moment = entry.booking_moment
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=_ZONE)
    if entry.booking_day is None:
        raise ChannelFileUnreadable("an entry has no booking date", field="entry")
    return datetime.combine(entry.booking_day, _NOON, _ZONE)


def _find_day(statement: Statement, days: set[date]) -> date:
    if len(days) > 1:
        raise ChannelFileUnreadable("the entries are of several days", field="entry")
    if days:
        return days.pop()
    closing = next((each for each in statement.balances if each.code == "CLBD"), None)
    if closing is None or closing.day is None:
        raise ChannelFileUnreadable("the statement is of no day", field="statement")
    return closing.day


def _check_balances(statement: Statement) -> None:
    """Refuse a statement whose balances are not explained by its booked entries."""
    signed = {
        each.code: each.amount if each.direction == _CREDIT else -each.amount
        for each in statement.balances
        if each.code in ("OPBD", "CLBD")
    }
    if len(signed) < len(("OPBD", "CLBD")):
        raise ChannelFileUnreadable(
            "the statement has no opening and closing balance", field="balance"
        )
    total = signed["OPBD"]
    for entry in statement.entries:
        if entry.status == _BOOKED:
            if entry.amount.currency != total.currency:
                raise ChannelFileUnreadable(
                    "an entry is in another currency than the account", field="entry"
                )
            total += entry.amount if entry.direction == _CREDIT else -entry.amount
    if total != signed["CLBD"]:
        raise ChannelFileTotalsDiffer(
            "the entries do not lead from the opening to the closing balance", field="balance"
        )
