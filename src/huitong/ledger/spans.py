"""Statements in the order in which things happened: a period as a span of lines with balances.

Lines never change their numbers, and a line once shown stays: a span whose ends are known can be
read in pieces, in as many transactions as it takes.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.ledger.statements import Head, Period, find_line_at, get_head, list_statement
from huitong.ledger.types import Side
from huitong.ledger.views import StatementLine

_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The lines `first` to `last` (none if it is smaller), and the balances around them.

    `opening` is the balance before the first and `closing` after the last one, on the normal side.
    """

    account_id: int
    first: int
    last: int
    opening: Money
    closing: Money
    normal_side: Side

    @property
    def count(self) -> int:
        """How many lines there are."""
        return max(self.last - self.first + 1, 0)


async def find_span(uow: UnitOfWork, account_id: int, period: Period) -> Span:
    """Return the lines of a period that has an end in the past, and the balances around them.

    An end that is not past, or open, means up to now. Raises NotFound.
    """
    head = await get_head(uow, account_id)
    before = (0, 0)
    if period.start_at is not None:
        before = await find_line_at(uow, account_id, head, period.start_at - _TICK)
    if period.end_at is None:
        last = await _find_end(uow, account_id, head)
    else:
        last = await find_line_at(uow, account_id, head, period.end_at - _TICK)
    last = max(last, before)
    return Span(
        account_id=account_id,
        first=before[0] + 1,
        last=last[0],
        opening=_on_normal_side(before[1], head),
        closing=_on_normal_side(last[1], head),
        normal_side=head.normal_side,
    )


async def list_lines(
    uow: UnitOfWork, account_id: int, *, first: int, last: int
) -> tuple[StatementLine, ...]:
    """Return lines by their numbers, in order. Raises NotFound for an account that is not there."""
    lines: list[StatementLine] = []
    cursor: str | None = str(last + 1)
    while cursor is not None:
        wanted = min(limits.PAGE_SIZE_MAX, int(cursor) - first)
        if wanted < 1:
            break
        page = await list_statement(uow, account_id, cursor=cursor, limit=wanted)
        lines += page.items
        cursor = page.next_cursor
    return tuple(reversed(lines))


async def _find_end(uow: UnitOfWork, account_id: int, head: Head) -> tuple[int, int]:
    page = await list_statement(uow, account_id, limit=1)
    if not page.items:
        return 0, 0
    line = page.items[0]
    minor = line.balance_after.minor
    return line.line, minor if head.normal_side is Side.CREDIT else -minor


def _on_normal_side(net: int, head: Head) -> Money:
    return Money(net if head.normal_side is Side.CREDIT else -net, head.currency)
