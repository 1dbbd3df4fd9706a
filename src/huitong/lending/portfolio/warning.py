"""Early warnings on borrowers and on the portfolio: looked for as a day is closed, ended by people.

What borrowers show comes from our own books: days overdue. Signs of the portfolio are segments that
are too great, vintages worse than older ones were, and provisions below the supervised ratios.
"""

import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from huitong import risk
from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict, InvalidField, NotFound
from huitong.kernel.ids import CUSTOMER, LOAN_WARNING, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.lending.portfolio import limits
from huitong.lending.portfolio import warning_store as store
from huitong.lending.portfolio.queries import get_portfolio
from huitong.lending.portfolio.types import Narrowing, Portfolio
from huitong.lending.portfolio.warning_types import (
    CreditWarning,
    Outcome,
    PortfolioSign,
    Sighting,
    WarnedDay,
)

_CURRENCIES: Final = "SELECT DISTINCT currency FROM lending.products ORDER BY currency"


class LoanWarningNotFound(NotFound):
    """There is no such early warning."""

    code = "loan_warning_not_found"
    title = "There is no such early warning"


class LoanWarningClosed(Conflict):
    """The warning is closed already."""

    code = "loan_warning_closed"
    title = "The early warning is closed"


async def warn(uow: UnitOfWork, *, rulebook: Rulebook, now: datetime) -> WarnedDay | None:
    """Look for signs on the last closed day and write them down, once; None if that was done.

    A sign that is open is seen again, one that is not seen any more is gone, and one that a person
    closed lately (`portfolio.warning.quiet.days`) is left alone. Loans follow the grade of their
    borrower's latest application, which counts when the next day closes.
    """
    day = await store.begin_day(uow)
    if day is None:
        return None
    await store.follow_grades(uow, since=now - timedelta(days=limits.GRADES_FOLLOWED_DAYS))
    sightings = await _see_borrowers(uow, rulebook, day)
    for row in await uow.execute(_CURRENCIES):
        found = await get_portfolio(
            uow, Narrowing(currency=row.currency), as_of=day, rulebook=rulebook
        )
        sightings += [*_see_segments(found), *_see_vintages(found, rulebook), *_see_cover(found)]
    quiet_days = rulebook.integer("portfolio.warning.quiet.days", day)
    opened, gone = await store.see(uow, sightings, day, quiet_days=quiet_days)
    warned = WarnedDay(day=day, opened=opened, gone=gone)
    await store.end_day(uow, warned, now=now)
    return warned


async def list_warnings(
    uow: UnitOfWork, *, is_open: bool | None, before_id: uuid.UUID | None, limit: int
) -> list[CreditWarning]:
    """Return warnings, newest first: open ones, closed ones, or both."""
    return await store.list_warnings(uow, is_open=is_open, before_id=before_id, limit=limit)


async def close_warning(
    uow: UnitOfWork, warning_id: uuid.UUID, *, outcome: Outcome, note: str, now: datetime
) -> CreditWarning:
    """End a warning with an outcome and a note; the borrower is watched, or not any more.

    Done again in the same way it changes nothing. Raises LoanWarningNotFound, LoanWarningClosed,
    InvalidField for an outcome that is no person's or no borrower's, and for the note.
    """
    if outcome is Outcome.GONE:
        raise InvalidField("is not for people to say", field="outcome")
    if not note.strip() or len(note) > limits.NOTE_LENGTH_MAX:
        raise InvalidField(f"has 1 to {limits.NOTE_LENGTH_MAX} characters", field="note")
    found = await store.lock_warning(uow, warning_id)
    if found is None:
        raise LoanWarningNotFound(f"there is no warning {show_id(LOAN_WARNING, warning_id)}")
    if found.outcome is not None:
        if (found.outcome, found.note) == (outcome, note):
            return found
        raise LoanWarningClosed(f"it is {found.outcome.value} since {found.closed_on}")
    if outcome is Outcome.WATCHED and found.customer_id is None:
        raise InvalidField("is for borrowers only", field="outcome")
    await store.close(uow, warning_id, outcome, note, business_day(now))
    if found.customer_id is not None:
        await store.watch(uow, found.customer_id, is_watched=outcome is Outcome.WATCHED)
    await audit.record(
        uow,
        action="lending.close_warning",
        subject=show_id(LOAN_WARNING, warning_id),
        details={"sign": found.sign, "outcome": outcome.value},
    )
    closed = await store.lock_warning(uow, warning_id)
    assert closed is not None, "it is locked"
    return closed


async def _see_borrowers(uow: UnitOfWork, rulebook: Rulebook, day: date) -> list[Sighting]:
    rows = await store.list_late(uow)
    late = np.array([row.late for row in rows], np.int64)
    unknown, nothing = np.full(len(rows), np.nan), np.zeros(len(rows), np.int64)
    columns = risk.BorrowerColumns(
        utilisation=unknown,
        inflow=nothing,
        inflow_before=nothing,
        inquiries_30d=unknown,
        lenders=unknown,
        lenders_before=unknown,
        points=unknown,
        points_before=unknown,
        overdue_days=late,
    )
    found = risk.warn_of_borrowers(columns, rulebook=rulebook, on=day)
    return [
        Sighting(
            sign=sign.value,
            subject=show_id(CUSTOMER, rows[place].customer_id),
            customer_id=rows[place].customer_id,
            details={"overdue_days": int(late[place])},
        )
        for sign, shown in found.items()
        for place in np.flatnonzero(shown).tolist()
    ]


def _see_segments(found: Portfolio) -> list[Sighting]:
    return [
        Sighting(
            sign=PortfolioSign.CONCENTRATION,
            subject=f"{found.narrowing.currency} {dimension.value} {key}".strip(),
            details={"share": format(share, "f")},
        )
        for dimension, concentration in found.concentrations.items()
        # Where there is one segment only, there is nothing to spread over.
        if len(found.slices[dimension]) > 1
        for key, share in concentration.above.items()
    ]


def _see_vintages(found: Portfolio, rulebook: Rulebook) -> list[Sighting]:
    """Compare what is over 30 days late of each vintage with older ones at the same age."""
    vintages = found.vintages or []
    ages = max((each.points[-1].months for each in vintages), default=-1) + 1
    lent = np.array([each.lent for each in vintages], np.int64)
    late = np.full((len(vintages), ages), -1, np.int64)
    for place, vintage in enumerate(vintages):
        for point in vintage.points:
            late[place, point.months] = int((point.late_30 * vintage.lent).to_integral_value())
    # What a vintage was when it was younger is no news.
    worst = {
        place: age
        for place, age in risk.find_bad_vintages(lent, late, rulebook=rulebook, on=found.as_of)
        if age == vintages[place].points[-1].months and late[place, age]
    }
    return [
        Sighting(
            sign=PortfolioSign.VINTAGE,
            subject=f"{found.narrowing.currency} {vintages[place].month.isoformat()[:7]}",
            details={"months": age, "late_30": format(vintages[place].points[-1].late_30, "f")},
        )
        for place, age in sorted(worst.items())
    ]


def _see_cover(found: Portfolio) -> list[Sighting]:
    cover, currency = found.coverage, found.narrowing.currency
    ratios: tuple[tuple[PortfolioSign, Decimal | None, Decimal], ...] = (
        (PortfolioSign.LOAN_RATIO, cover.loan_ratio, cover.loan_ratio_min),
        (PortfolioSign.COVERAGE, cover.coverage, cover.coverage_min),
    )
    return [
        Sighting(
            sign=sign,
            subject=currency,
            details={"ratio": format(ratio.quantize(Decimal("0.000001")), "f"), "min": str(least)},
        )
        for sign, ratio, least in ratios
        if ratio is not None and ratio < least
    ]
