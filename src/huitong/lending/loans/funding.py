"""Loans that are not ours alone: by which plan, and what of an entry is a partner's."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending import partners
from huitong.lending.loans.sharing import (
    BASE_NAMES,
    Base,
    Changes,
    share_flows,
    share_totals,
    subtract,
)
from huitong.lending.loans.state import Integers, Rows
from huitong.lending.partners import Plan

_COLUMNS: Final = ", ".join(f"base_{name}" for name in BASE_NAMES)
_NAMES: Final = ", ".join(BASE_NAMES)
_GIVEN: Final = ", ".join(f"n.{name}" for name in BASE_NAMES)
_ARRAYS: Final = ", ".join(f"${place}::bigint[]" for place, _ in enumerate(BASE_NAMES, 3))
_INSERT: Final = f"""
    INSERT INTO lending.fundings (loan, plan_id, {_COLUMNS})
    SELECT n.loan, $2, {_GIVEN} FROM unnest($1::bigint[], {_ARRAYS}) n(loan, {_NAMES})
"""  # noqa: S608 - ours
_ONE: Final = f"SELECT loan, plan_id, {_COLUMNS} FROM lending.fundings WHERE loan = $1"  # noqa: S608 - names of ours
_RANGE: Final = f"""
    SELECT loan, plan_id, {_COLUMNS} FROM lending.fundings WHERE loan >= $1 AND loan < $2
     ORDER BY plan_id, loan
"""  # noqa: S608 - names of ours


@dataclass(frozen=True, slots=True)
class Funding:
    """Loans of one plan, by their numbers in order, and what of them was before it."""

    plan: Plan
    loans: Integers
    base: Base

    def change(self, before: Rows, after: Rows) -> Changes:
        """Return what changed on accounts of partners; both are rows of these loans, in order."""
        was = share_totals(before, self.base, self.plan)
        now = share_totals(after, self.base, self.plan)
        return {each: now[each] - was[each] for each in now if now[each] != was[each]}

    def choose(self, rows: Rows) -> "tuple[Funding, Integers]":
        """Return this for those of its loans that are among rows, and where they are there."""
        numbers = rows.column("loan")
        order = np.argsort(numbers)
        places = np.searchsorted(numbers, self.loans, sorter=order)
        places = order[np.minimum(places, len(numbers) - 1)]
        is_there = numbers[places] == self.loans
        chosen = np.flatnonzero(is_there)
        return Funding(self.plan, self.loans[chosen], self.base.where(chosen)), places[chosen]


async def find_funding(uow: UnitOfWork, loan: int) -> Funding | None:
    """Return by which plan a loan is funded, or None if it is ours alone."""
    connection = await uow.driver()
    rows = await connection.fetch(_ONE, loan)
    return (await _make(uow, rows))[0] if rows else None


async def list_fundings(uow: UnitOfWork, first: int, end: int) -> list[Funding]:
    """Return the plans of loans from one number to another, each with its loans."""
    connection = await uow.driver()
    return await _make(uow, await connection.fetch(_RANGE, first, end))


async def insert_funding(uow: UnitOfWork, loans: Sequence[int], plan_id: int, base: Base) -> None:
    """Write down that loans are funded by a plan from now on."""
    connection = await uow.driver()
    await connection.execute(
        _INSERT,
        list(loans),
        plan_id,
        *(getattr(base, name).tolist() for name in BASE_NAMES),
    )


def no_base(count: int) -> Base:
    """Return the base of loans that are lent by a plan: nothing was before."""
    return Base(**{name: np.zeros(count, np.int64) for name in BASE_NAMES})


async def record_flows(
    uow: UnitOfWork,
    funding: Funding,
    before: Rows | None,
    after: Rows,
    *,
    entry_id: uuid.UUID,
    day: date,
) -> None:
    """Write down each partner's share of the money that an entry of one loan moved."""
    flows = share_flows(after, funding.base, funding.plan)
    if before is not None:
        was = share_flows(before, funding.base, funding.plan)
        flows = [subtract(*each) for each in zip(flows, was, strict=True)]
    for share, flow in zip(funding.plan.shares, flows, strict=True):
        if flow != partners.Flow():
            await partners.insert_flow(
                uow,
                flow,
                entry_id=entry_id,
                partner_id=share.partner_id,
                plan_id=funding.plan.id,
                loan=int(funding.loans[0]),
                day=day,
            )


async def _make(uow: UnitOfWork, rows: Sequence[Iterable[int]]) -> list[Funding]:
    if not rows:
        return []
    columns = np.array([tuple(row) for row in rows], np.int64)
    plans = await partners.list_plans(uow, np.unique(columns[:, 1]).tolist())
    found = []
    for plan_id, plan in sorted(plans.items()):
        own = columns[columns[:, 1] == plan_id]
        values = {name: own[:, place + 2] for place, name in enumerate(BASE_NAMES)}
        found.append(Funding(plan, own[:, 0], Base(**values)))
    return found
