"""A statement of an account: what it covers, its balances, and its lines a few at a time.

Nothing here holds more lines than STATEMENT_LINES_AT_ONCE, however long the statement is.
"""

import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from huitong import ledger
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.money import Money
from huitong.ledger import Account, Period, Side, Span, StatementLine
from huitong.payments.documents import limits
from huitong.payments.documents.errors import StatementTooLong
from huitong.payments.documents.parties import name_parties
from huitong.payments.documents.types import Named
from huitong.payments.store.descriptions import find_descriptions
from huitong.privacy import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatement:
    """What a statement covers; its span is fixed, so that all pieces belong together.

    `reader_id` is who may see the holder's name whole: the owner, or None for staff.
    """

    account: Account
    holder: Named
    first_on: date
    last_on: date
    period: Period
    span: Span
    made_at: datetime
    reader_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line with who is on its other side and what was written to it."""

    line: StatementLine
    other: Named
    note: str


#: The lines of a statement, a few at a time.
Pieces = AsyncIterator[Sequence[Row]]


@dataclass(slots=True)
class Totals:
    """What the lines so far came to, against which the statement's balances are proved."""

    debits: Money
    credits: Money

    @classmethod
    def zero(cls, currency: str) -> "Totals":
        """Return nothing in a currency."""
        return cls(Money.zero(currency), Money.zero(currency))

    def add(self, line: StatementLine) -> None:
        """Count a line."""
        if line.side is Side.DEBIT:
            self.debits += line.amount
        else:
            self.credits += line.amount

    def prove(self, span: Span) -> None:
        """Raise AssertionError unless opening, movements and closing fit to the cent."""
        net = self.credits - self.debits
        moved = net if span.normal_side is Side.CREDIT else -net
        assert span.opening + moved == span.closing, "a statement does not add up"


async def open_statement(
    uow: UnitOfWork,
    vault: Vault,
    account: Account,
    *,
    first_on: date,
    last_on: date,
    reader_id: uuid.UUID | None,
    now: datetime,
) -> AccountStatement:
    """Return the statement of an account for days of recording, the last one included.

    Raises InvalidField for days the wrong way round or too many, StatementTooLong.
    """
    period = Period.of_days(first_on, last_on)
    span = await ledger.find_span(uow, account.id, period)
    if span.count > limits.STATEMENT_LINES_MAX:
        raise StatementTooLong(
            f"{span.count} lines; a statement has at most {limits.STATEMENT_LINES_MAX}",
            field="to",
        )
    named = await name_parties(uow, vault, [account.id], reader_id=reader_id)
    return AccountStatement(
        account=account,
        holder=named[account.id],
        first_on=first_on,
        last_on=last_on,
        period=period,
        span=span,
        made_at=now,
        reader_id=reader_id,
    )


async def read_rows(
    database: Database, caller: Caller, vault: Vault, statement: AccountStatement
) -> AsyncIterator[Sequence[Row]]:
    """Yield the lines of a statement in order, each piece read for itself.

    No connection is kept while somebody downloads slowly.
    """
    span, known = statement.span, _Names()
    for first in range(span.first, span.last + 1, limits.STATEMENT_LINES_AT_ONCE):
        last = min(span.last, first + limits.STATEMENT_LINES_AT_ONCE - 1)
        async with database.reading(caller) as uow:
            lines = await ledger.list_lines(uow, span.account_id, first=first, last=last)
            others = {line.other_account_id for line in lines}
            missing = known.find_missing(others)
            if missing:
                known.add(
                    await name_parties(uow, vault, missing, reader_id=statement.reader_id), others
                )
            notes = await find_descriptions(uow, [line.transfer_id for line in lines])
        assert len(lines) == last - first + 1, "lines of a statement are missing"
        yield [
            Row(line, known[line.other_account_id], notes.get(line.transfer_id, ""))
            for line in lines
        ]


class _Names:
    """The names that were looked up, the oldest forgotten first."""

    def __init__(self) -> None:
        self._found: OrderedDict[int, Named] = OrderedDict()

    def __getitem__(self, account_id: int) -> Named:
        return self._found[account_id]

    def find_missing(self, wanted: set[int]) -> list[int]:
        return sorted(wanted - self._found.keys())

    def add(self, found: dict[int, Named], wanted: set[int]) -> None:
        self._found.update(found)
        for each in list(self._found):
            if len(self._found) <= limits.STATEMENT_NAMES_MAX:
                break
            if each not in wanted:
                del self._found[each]
