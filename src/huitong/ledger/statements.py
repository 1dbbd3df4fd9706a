"""Statements: an account's lines, newest first, with the balance after each, page by page.

Most lines have been projected and are read from their own table in the account's order. What the
projector has not reached yet is read from the journal, so a statement is never behind. Both parts
fit together without a gap, because an account's postings commit in the order of their sequence
(each holds the lock of the account's balances from before it draws the sequence until it
commits): the unprojected lines that can be seen are the next ones, and their numbers are final.
"""

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
    SELECT a.currency, c.normal_side, coalesce(h.line, 0) AS head_line,
           coalesce(h.balance, 0) AS head_balance,
           coalesce(h.recorded_at, 'epoch') AS head_recorded_at, p.sequence AS projected,
           b.is_called AND (b.last_value << 16) | 65535 > p.sequence AS has_tail
      FROM ledger.accounts a
      JOIN ledger.chart c ON c.code = a.chart_code
      LEFT JOIN ledger.line_heads h ON h.account_id = a.id
     CROSS JOIN ledger.projection p
     CROSS JOIN ledger.batches b
     WHERE a.id = :account_id
"""
# Numbered and added up before the page is cut out, so that however long the tail is while the
# projector is down, no more than a page leaves the database.
_TAIL: Final = """
    SELECT line, transfer_id, side, amount, balance_after::bigint, other_id, code, effective_on,
           shown_at AS recorded_at
      FROM (SELECT t.*, :head_line + row_number() OVER by_sequence AS line,
                   :head_balance - sum(side * amount) OVER by_sequence AS balance_after,
                   greatest(max(recorded_at) OVER by_sequence, :head_recorded_at) AS shown_at
              FROM (SELECT id AS transfer_id, sequence, amount, code, effective_on, recorded_at,
                           CASE WHEN debit_account_id = :account_id THEN 1 ELSE -1 END AS side,
                           CASE WHEN debit_account_id = :account_id THEN credit_account_id
                                ELSE debit_account_id END AS other_id
                      FROM ledger.transfers
                     WHERE sequence > :projected AND kind IN (0, 2)
                       AND (debit_account_id = :account_id OR credit_account_id = :account_id)) t
            WINDOW by_sequence AS (ORDER BY sequence ROWS UNBOUNDED PRECEDING)) n
     WHERE line >= :first AND line <= :last
     ORDER BY line DESC
     LIMIT :count
"""
_TAIL_UNTIL: Final = """
    SELECT count(*) AS lines, coalesce(sum(change), 0)::bigint AS change
      FROM (SELECT CASE WHEN debit_account_id = :account_id THEN -amount ELSE amount END AS change,
                   greatest(max(recorded_at) OVER (ORDER BY sequence ROWS UNBOUNDED PRECEDING),
                            :head_recorded_at) AS shown_at
              FROM ledger.transfers
             WHERE sequence > :projected AND kind IN (0, 2)
               AND (debit_account_id = :account_id OR credit_account_id = :account_id)) t
     WHERE shown_at <= :instant
"""
# Head and lines in one go: a page is mostly the time of its round trips.
_PAGE: Final = f"""
    SELECT h.*, l.*
      FROM ({_HEAD}) h
      LEFT JOIN LATERAL (
           SELECT line, transfer_id, side, amount, balance_after, other_id, code, effective_on,
                  recorded_at
             FROM ledger.lines
            WHERE account_id = :account_id AND line >= :first AND line <= least(:last, h.head_line)
            ORDER BY line DESC
            LIMIT :count) l ON true
     ORDER BY l.line DESC
"""  # noqa: S608 - both parts are our own
_LINE_AT: Final = "SELECT ledger.line_at(:account_id, :instant)"
_BALANCE_AFTER: Final = """
    SELECT balance_after FROM ledger.lines WHERE account_id = :account_id AND line = :line
"""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where an account's projected lines end; `balance` counts credits minus debits.

    The lines after it are in the journal, after the sequence `projected`, if `has_tail`.
    """

    currency: str
    normal_side: Side
    line: int
    balance: int
    recorded_at: datetime
    projected: int
    has_tail: bool


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
    first, last = 1, limits.MINOR_UNITS_MAX if cursor is None else read_cursor(cursor) - 1
    if period is not None:
        head = await get_head(uow, account_id)
        first, last = await _narrow(uow, account_id, head, period, last)
    found = await uow.execute(_PAGE, account_id=account_id, first=first, last=last, count=count)
    head = _read_head(found[0] if found else None, account_id)
    rows: list[Row[Any]] = []
    if head.has_tail and last > head.line:
        # Read later than the head, and still fitting it: the watermark says from where on, and
        # the journal keeps its rows when they are projected.
        rows += await uow.execute(
            _TAIL,
            account_id=account_id,
            projected=head.projected,
            head_line=head.line,
            head_balance=head.balance,
            head_recorded_at=head.recorded_at,
            first=first,
            last=last,
            count=count,
        )
    # Without any line, the row of the head stands alone.
    rows += [row for row in found if row.line is not None]
    lines = tuple(_read_line(row, head) for row in rows[:limit])
    return Page(lines, str(lines[-1].line) if len(rows) > limit else None)


async def get_head(uow: UnitOfWork, account_id: int) -> Head:
    """Return where an account's projected lines end; raises NotFound."""
    return _read_head(await uow.fetch_one(_HEAD, account_id=account_id), account_id)


async def find_line_at(
    uow: UnitOfWork, account_id: int, head: Head, instant: datetime
) -> tuple[int, int]:
    """Return the last line recorded up to `instant` and credits minus debits after it.

    Both are 0 if there is none.
    """
    if head.has_tail:
        row = await uow.fetch_one(
            _TAIL_UNTIL,
            account_id=account_id,
            projected=head.projected,
            head_recorded_at=head.recorded_at,
            instant=instant,
        )
        if row is not None and row.lines > 0:
            return head.line + row.lines, head.balance + row.change
    found: int = await uow.fetch_value(_LINE_AT, account_id=account_id, instant=instant)
    # A step of the projector may have come between; what it made is not before the head's line.
    if found >= head.line:
        return head.line, head.balance
    if found == 0:
        return 0, 0
    balance: int = await uow.fetch_value(_BALANCE_AFTER, account_id=account_id, line=found)
    return found, balance


async def _narrow(
    uow: UnitOfWork, account_id: int, head: Head, period: Period, last: int
) -> tuple[int, int]:
    first = 1
    # Lines are recorded in the order of their numbers, so a period is a range of numbers.
    if period.start_at is not None:
        before, _ = await find_line_at(uow, account_id, head, period.start_at - _TICK)
        first = before + 1
    if period.end_at is not None:
        until, _ = await find_line_at(uow, account_id, head, period.end_at - _TICK)
        last = min(last, until)
    return first, last


def _read_head(row: Row[Any] | None, account_id: int) -> Head:
    if row is None:
        shown = show_account(account_id)
        raise NotFound(f"there is no account {shown}", context={"id": shown})
    return Head(
        currency=row.currency,
        normal_side=Side(row.normal_side),
        line=row.head_line,
        balance=row.head_balance,
        recorded_at=row.head_recorded_at,
        projected=row.projected,
        has_tail=row.has_tail,
    )


def _read_line(row: Row[Any], head: Head) -> StatementLine:
    sign = 1 if head.normal_side is Side.CREDIT else -1
    return StatementLine(
        line=row.line,
        transfer_id=row.transfer_id,
        side=Side.DEBIT if row.side == 1 else Side.CREDIT,
        amount=Money(row.amount, head.currency),
        balance_after=Money(sign * row.balance_after, head.currency),
        other_account_id=row.other_id,
        code=row.code,
        effective_on=row.effective_on,
        recorded_at=row.recorded_at,
    )


def _start_of(day: date, zone: str) -> datetime:
    return as_utc(datetime.combine(day, time.min, tzinfo=ZoneInfo(zone)))
