"""Statements: an account's lines, newest first, with the balance after each, page by page.

Most lines have been projected and are read from their own table in the account's order. What the
projector has not reached yet is read from the journal, so a statement is never behind. Both parts
fit together without a gap, because an account's postings commit in the order of their sequence
(each holds the lock of the account's balances from before it draws the sequence until it
commits): the unprojected lines that can be seen are the next ones, and their numbers are final.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.clock import SHANGHAI, as_utc
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.money import Money
from huitong.ledger.numbers import show_account
from huitong.ledger.types import Side
from huitong.ledger.views import Page, StatementLine, check_limit, read_cursor

# One statement, hence one snapshot: head, watermark and sequence belong together. Sequences drawn
# up to `projected` have all been dealt with, so with nothing drawn after it there is no tail.
_HEAD: Final = """
    SELECT a.currency, c.normal_side, coalesce(h.line, 0) AS line,
           coalesce(h.balance, 0) AS balance, p.sequence AS projected,
           b.is_called AND (b.last_value << 16) | 65535 > p.sequence AS has_tail
      FROM ledger.accounts a
      JOIN ledger.chart c ON c.code = a.chart_code
      LEFT JOIN ledger.line_heads h ON h.account_id = a.id
     CROSS JOIN ledger.projection p
     CROSS JOIN ledger.batches b
     WHERE a.id = :account_id
"""
_TAIL: Final = """
    SELECT id AS transfer_id, CASE WHEN debit_account_id = :account_id THEN 1 ELSE -1 END AS side,
           amount, code, effective_on, recorded_at,
           CASE WHEN debit_account_id = :account_id THEN credit_account_id
                ELSE debit_account_id END AS other_id
      FROM ledger.transfers
     WHERE sequence > :projected AND kind IN (0, 2)
       AND (debit_account_id = :account_id OR credit_account_id = :account_id)
     ORDER BY sequence
"""
_LINES: Final = """
    SELECT line, transfer_id, side, amount, balance_after, other_id, code, effective_on, recorded_at
      FROM ledger.lines
     WHERE account_id = :account_id AND line >= :first AND line <= :last
     ORDER BY line DESC
     LIMIT :count
"""
_LINES_UNTIL: Final = "SELECT ledger.line_at(:account_id, :instant)"
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The recording times that a statement covers: from `start_at` to before `end_at`.

    None leaves that end open.
    """

    start_at: datetime | None = None
    end_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse, with InvalidField, a period that ends before it starts."""
        for instant in (self.start_at, self.end_at):
            if instant is not None:
                as_utc(instant)
        if self.start_at is not None and self.end_at is not None and self.end_at < self.start_at:
            raise InvalidField("The period ends before it starts", field="end_at")

    @classmethod
    def of_days(cls, first_on: date | None, last_on: date | None, zone: str = SHANGHAI) -> "Period":
        """Return the period from the start of `first_on` to the end of `last_on` in `zone`.

        Raises InvalidField if the days are the wrong way round or more than STATEMENT_DAYS_MAX.
        """
        if first_on is not None and last_on is not None:
            if last_on < first_on:
                raise InvalidField("The last day is before the first", field="last_on")
            if (last_on - first_on).days >= limits.STATEMENT_DAYS_MAX:
                raise InvalidField(
                    f"A statement covers at most {limits.STATEMENT_DAYS_MAX} days", field="last_on"
                )
        return cls(
            None if first_on is None else _start_of(first_on, zone),
            None if last_on is None else _start_of(last_on + timedelta(days=1), zone),
        )


@dataclass(frozen=True, slots=True)
class Tail:
    """Where an account's projected lines end, and the lines that follow them, oldest first.

    Lines are as stored: balances count credits minus debits.
    """

    currency: str
    normal_side: Side
    head_line: int
    head_balance: int
    lines: tuple["RawLine", ...]


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line as stored: `side` 1 is a debit, -1 a credit; credits minus debits after it."""

    line: int
    transfer_id: uuid.UUID
    side: int
    amount: int
    balance_after: int
    other_id: int
    code: int
    effective_on: date
    recorded_at: datetime


async def list_statement(
    uow: UnitOfWork,
    account_id: int,
    *,
    period: Period | None = None,
    cursor: str | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> Page[StatementLine]:
    """Return a page of an account's statement, newest line first.

    Following `next_cursor` shows every line exactly once, whatever is posted meanwhile: new lines
    come before the first page. Raises NotFound, and InvalidField for a cursor that no page gave or
    a limit out of range.
    """
    count = check_limit(limit) + 1
    last = None if cursor is None else read_cursor(cursor) - 1
    tail = await read_tail(uow, account_id)
    first, last = await _find_range(uow, account_id, tail, period or Period(), last)
    lines = [line for line in reversed(tail.lines) if first <= line.line <= last][:count]
    if len(lines) < count and first <= min(last, tail.head_line):
        rows = await uow.execute(
            _LINES,
            account_id=account_id,
            first=first,
            last=min(last, tail.head_line),
            count=count - len(lines),
        )
        lines += [RawLine(*tuple(row)) for row in rows]
    shown = tuple(_show(line, tail) for line in lines[:limit])
    return Page(shown, str(shown[-1].line) if len(lines) > limit else None)


async def read_tail(uow: UnitOfWork, account_id: int) -> Tail:
    """Return where an account's projected lines end and what follows; raises NotFound."""
    head = await uow.fetch_one(_HEAD, account_id=account_id)
    if head is None:
        shown = show_account(account_id)
        raise NotFound(f"There is no account {shown}", context={"id": shown})
    rows: Sequence[Row[Any]] = ()
    if head.has_tail:
        # Read later than the head, and still fitting it: the watermark says from where on, and
        # the journal keeps its rows when they are projected.
        rows = await uow.execute(_TAIL, account_id=account_id, projected=head.projected)
    balance: int = head.balance
    lines = []
    for line, row in enumerate(rows, start=head.line + 1):
        balance -= row.side * row.amount
        lines.append(
            RawLine(
                line,
                row.transfer_id,
                row.side,
                row.amount,
                balance,
                row.other_id,
                row.code,
                row.effective_on,
                row.recorded_at,
            )
        )
    return Tail(head.currency, Side(head.normal_side), head.line, head.balance, tuple(lines))


async def find_last_line(uow: UnitOfWork, account_id: int, tail: Tail, instant: datetime) -> int:
    """Return the number of the last line recorded at or before `instant`; 0 if there is none."""
    for line in reversed(tail.lines):
        if line.recorded_at <= instant:
            return line.line
    found: int = await uow.fetch_value(_LINES_UNTIL, account_id=account_id, instant=instant)
    # Another step of the projector may have come between; its lines are in our tail.
    return min(found, tail.head_line)


async def _find_range(
    uow: UnitOfWork, account_id: int, tail: Tail, period: Period, last: int | None
) -> tuple[int, int]:
    newest = tail.head_line + len(tail.lines)
    first, last = 1, newest if last is None else min(last, newest)
    # Lines are recorded in the order of their numbers, so a period is a range of numbers.
    if period.start_at is not None:
        first = 1 + await find_last_line(uow, account_id, tail, period.start_at - _TICK)
    if period.end_at is not None:
        last = min(last, await find_last_line(uow, account_id, tail, period.end_at - _TICK))
    return first, last


def _show(line: RawLine, tail: Tail) -> StatementLine:
    sign = 1 if tail.normal_side is Side.CREDIT else -1
    return StatementLine(
        line=line.line,
        transfer_id=line.transfer_id,
        side=Side.DEBIT if line.side == 1 else Side.CREDIT,
        amount=Money(line.amount, tail.currency),
        balance_after=Money(sign * line.balance_after, tail.currency),
        other_account_id=line.other_id,
        code=line.code,
        effective_on=line.effective_on,
        recorded_at=line.recorded_at,
    )


def _start_of(day: date, zone: str) -> datetime:
    return as_utc(datetime.combine(day, time.min, tzinfo=ZoneInfo(zone)))
