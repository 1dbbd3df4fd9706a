"""Loans of one range of numbers brought over a day and valued, as columns, in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.lending import limits
from huitong.lending.closing.copying import read_rows, write_rows
from huitong.lending.closing.errors import LendingDayRefused
from huitong.lending.closing.grading import Grade, suspend
from huitong.lending.loans import postings
from huitong.lending.loans.funding import Funding, list_fundings
from huitong.lending.loans.sharing import Changes
from huitong.lending.loans.state import Integers, Next, Rows, owed_of, roll, to_number
from huitong.lending.portfolio.marks import Marks, add_missing, write_changed
from huitong.lending.products import Control

_ASK_DEBITS: Final = """
    INSERT INTO lending.auto_debits (loan, day) SELECT n, $2 FROM unnest($1::bigint[]) n
        ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class _Found:
    """Loans that are locked, with what follows and what is marked of them."""

    rows: Rows
    following: Next
    marks: Marks

    def where(self, chosen: NDArray[np.bool_]) -> "_Found":
        """Return those that are chosen."""
        return _Found(
            self.rows.where(chosen), self.following.where(chosen), self.marks.where(chosen)
        )


@dataclass(slots=True)
class Books:
    """What changed on control accounts by product and partner, and what is lost by scenario."""

    changes: dict[int, dict[str, int]]
    loans: int = 0
    losses: dict[tuple[int, int, str], tuple[int, int]] = field(default_factory=dict)
    #: Who has a share of loans, and what changed on their accounts, by plan.
    fundings: list[Funding] = field(default_factory=list)
    partners: dict[int, Changes] = field(default_factory=dict)

    def add(self, before: Rows, after: Rows) -> None:
        """Add what changed of loans."""
        for funding in self.fundings:
            chosen, places = funding.choose(after)
            changes = chosen.change(before.at(places), after.at(places))
            known = self.partners.setdefault(funding.plan.id, {})
            for account, amount in changes.items():
                known[account] = known.get(account, 0) + amount
        self._add_own(before, after)

    def _add_own(self, before: Rows, after: Rows) -> None:
        for product in np.unique(after.column("product_id")).tolist():
            own = after.column("product_id") == product
            changes = postings.change(
                postings.total(before.where(own)), postings.total(after.where(own))
            )
            known = self.changes.setdefault(product, {})
            for part, amount in changes.items():
                known[part] = known.get(part, 0) + amount

    def lose(self, rows: Rows, by_scenario: Mapping[str, Integers]) -> None:
        """Add what each scenario makes of loans, and what is owed, by product and stage."""
        owed = owed_of(rows)
        kinds = rows.column("product_id") * 4 + rows.stage
        for kind in np.unique(kinds).tolist():
            own = kinds == kind
            exposure = int(owed[own].sum())
            for name, losses in by_scenario.items():
                key = (kind // 4, kind % 4, name)
                known = self.losses.get(key, (0, 0))
                self.losses[key] = (known[0] + exposure, known[1] + int(losses[own].sum()))

    def sum(self, part: Control) -> int:
        """Return what changed on a control account, of all products together."""
        return sum(changes.get(part.value, 0) for changes in self.changes.values())


@dataclass(frozen=True, slots=True)
class _Range:
    """A range of loan numbers whose day is closed, and what that came to."""

    uow: UnitOfWork
    connection: DriverConnection
    day: date
    first: int
    end: int
    grade: Grade
    books: Books

    async def value(self, found: _Found) -> None:
        """Roll loans that stand no later than the day, value all, and write them back."""
        rows, marks = found.rows, found.marks
        if len(rows) == 0:
            return
        # After the rows are locked: who has which share of a loan changes under that lock only.
        self.books.fundings = await list_fundings(self.uow, self.first, self.end)
        before, marked = rows.copy(), marks.copy()
        is_behind = int(rows.on_day.max()) <= to_number(self.day)
        if is_behind:
            roll(rows, found.following)
            self.books.loans = max(self.books.loans, len(rows))
        suspend(rows, self.grade.non_accrual_days)
        losses = self.grade(rows, marks)
        self.books.add(before, rows)
        await write_rows(self.connection, rows, self.first, self.end)
        await write_changed(self.connection, rows.column("loan"), marked, marks)
        if is_behind:
            await _ask_debits(self.connection, rows, self.day + timedelta(days=1))
        is_there = rows.on_day > to_number(self.day)
        self.books.lose(
            rows.where(is_there), {name: each[is_there] for name, each in losses.items()}
        )


async def roll_range(uow: UnitOfWork, day: date, first: int, end: int, grade: Grade) -> Books:
    """Close days of loans from one number to another until all stand after a day, and value them.

    What was lent later has no mark yet, and is left alone. Raises LendingDayRefused.
    """
    books, connection = Books({}), await uow.driver()
    closing = _Range(uow, connection, day, first, end, grade, books)
    await add_missing(connection, first, end, day)
    for place in range(limits.BEHIND_DAYS_MAX):
        found = _Found(*await read_rows(connection, first, end))
        is_behind = found.rows.on_day <= to_number(day)
        if place == 0:
            # What was repaid after midnight was rolled by itself, and is only valued.
            await closing.value(found.where(~is_behind))
        found = found.where(is_behind)
        await closing.value(found)
        if len(found.rows) == 0 or int(found.rows.on_day.min()) > to_number(day):
            return books
    raise LendingDayRefused("a loan is too far behind", field="day")


async def _ask_debits(connection: DriverConnection, rows: Rows, today: date) -> None:
    """Ask for debits of loans of which something is due as the next day begins."""
    owed = rows.due + rows.interest_due + rows.overdue + rows.interest_overdue
    asked = (owed > 0) & (rows.column("auto_debit") > 0) & (rows.on_day == to_number(today))
    if asked.any():
        await connection.execute(_ASK_DEBITS, rows.column("loan")[asked].tolist(), today)
