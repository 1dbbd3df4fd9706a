"""Commands by two members of staff: reversals, charges, waivers, rates, new plans, writing off."""

import uuid
from datetime import date, datetime
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits
from huitong.lending.loans.changing import Locked, Wanted, carry_out, lock_loan
from huitong.lending.loans.errors import (
    LoanChangeRefused,
    LoanEventNotFound,
    MoreThanOwed,
)
from huitong.lending.loans.types import Easing, EventKind, Loan, LoanEvent, Running
from huitong.lending.products import to_millionths
from huitong.lending.schedules import InterestKind, TimeUnit, add_months

_REVERSIBLE: Final = frozenset({EventKind.REPAYMENT, EventKind.EARLY_REPAYMENT, EventKind.CHARGE})
_SHORT_YEARS, _MEDIUM_YEARS = 1, 5
_OF_YEAR: Final = {TimeUnit.MONTHS: 12, TimeUnit.WEEKS: 52, TimeUnit.DAYS: 365}


async def reverse(
    uow: UnitOfWork,
    loan_id: uuid.UUID,
    *,
    reversal_id: uuid.UUID,
    event_id: uuid.UUID,
    now: datetime,
) -> LoanEvent:
    """Take a repayment or a charge back, as if it had never been: the loan is replayed without it.

    Its money goes back to the borrower's account; what follows from being late then is owed. Raises
    LoanNotFound, LoanEventNotFound, LoanChangeRefused for what is reversed already or is of another
    kind, LoanEnded, LoanIdReused, LoanMoneyRefused.
    """
    locked = await lock_loan(uow, loan_id, now=now)
    known = next((each for each in locked.events if each.id == reversal_id), None)
    event = next((each for each in locked.events if each.id == event_id), None)
    if event is None:
        raise LoanEventNotFound("nothing like that happened to the loan", field="event")
    if event.kind not in _REVERSIBLE:
        raise LoanChangeRefused(f"a {event.kind.value} is not reversed", field="event")
    if known is None and any(each.reverses == event_id for each in locked.events):
        raise LoanChangeRefused("it is reversed already", field="event")
    wanted = Wanted(
        id=reversal_id,
        kind=EventKind.REVERSAL,
        on_day=business_day(now),
        details={},
        reverses=event_id,
    )
    return await carry_out(uow, locked, wanted, now=now)


async def charge(
    uow: UnitOfWork, loan_id: uuid.UUID, *, charge_id: uuid.UUID, amount: int, now: datetime
) -> LoanEvent:
    """Ask for a fee, in minor units, to be paid at once. Raises what `reverse` raises."""
    _check_positive(amount)
    return await _act(uow, loan_id, charge_id, EventKind.CHARGE, {"charged": amount}, now=now)


async def waive(
    uow: UnitOfWork, loan_id: uuid.UUID, *, waiver_id: uuid.UUID, amount: int, now: datetime
) -> LoanEvent:
    """Forgo penalty interest, in minor units; compound interest first.

    Raises MoreThanOwed if less is owed of it, and what `reverse` raises.
    """
    _check_positive(amount)

    def check(before: Running, after: Running) -> None:
        del after
        owed = before.state.penalty + before.state.compound
        if amount > owed:
            raise MoreThanOwed(
                f"{owed} of penalty interest is owed", field="amount", context={"owed": owed}
            )

    locked = await lock_loan(uow, loan_id, now=now)
    wanted = Wanted(
        id=waiver_id,
        kind=EventKind.WAIVER,
        on_day=business_day(now),
        details={"waived": amount},
    )
    return await carry_out(uow, locked, wanted, now=now, check=check)


async def change_rate(
    uow: UnitOfWork,
    loan_id: uuid.UUID,
    *,
    change_id: uuid.UUID,
    rate: int,
    rulebook: Rulebook,
    now: datetime,
) -> LoanEvent:
    """Set another rate a year, in millionths, from today on; later payments follow.

    Raises LoanChangeRefused for one above the rulebook's, for flat interest above the contract's,
    and what `reverse` raises.
    """
    _check_rate(rate, rulebook, business_day(now))
    locked = await lock_loan(uow, loan_id, now=now)
    _check_flat_rate(locked.loan, rate)
    wanted = Wanted(
        id=change_id,
        kind=EventKind.RATE_CHANGE,
        on_day=business_day(now),
        details={"rate": rate},
    )
    return await carry_out(uow, locked, wanted, now=now)


async def reschedule(
    uow: UnitOfWork,
    loan_id: uuid.UUID,
    *,
    rescheduling_id: uuid.UUID,
    easing: Easing,
    count: int,
    rate: int | None,
    rulebook: Rulebook,
    now: datetime,
) -> LoanEvent:
    """Let what is unpaid be due in `count` payments from now on, at another rate if one is given.

    An extension is for a loan that is not overdue, and no longer than the rulebook allows; a re-age
    and a restructuring put the loan under observation, as special mention at least. Raises
    LoanChangeRefused and what `reverse` raises.
    """
    today = business_day(now)
    if rate is not None:
        _check_rate(rate, rulebook, today)
    if type(count) is not int or not 1 <= count <= limits.INSTALMENTS_MAX:
        raise InvalidField(f"must be from 1 to {limits.INSTALMENTS_MAX}", field="count")
    locked = await lock_loan(uow, loan_id, now=now)
    if rate is not None:
        _check_flat_rate(locked.loan, rate)
    eased_until = None
    if easing is Easing.EXTENSION:
        _check_extension(locked, count, rulebook=rulebook, on=today)
    else:
        years = rulebook.integer("loan.class.restructured.observation.years", today)
        eased_until = add_months(today, 12 * years).isoformat()
    details = {
        "easing": easing.value,
        "count": count,
        "rate": locked.running.rate if rate is None else rate,
        "eased_until": eased_until,
    }
    wanted = Wanted(id=rescheduling_id, kind=EventKind.RESCHEDULING, on_day=today, details=details)
    return await carry_out(uow, locked, wanted, now=now, check=_has_principal)


async def write_off(
    uow: UnitOfWork, loan_id: uuid.UUID, *, write_off_id: uuid.UUID, now: datetime
) -> LoanEvent:
    """Take a loan off the balance sheet; what is recovered later is income.

    Raises LoanChangeRefused for a loan that is not of the class loss, and what `reverse` raises.
    """

    def check(before: Running, after: Running) -> None:
        del after
        if before.state.klass < limits.CLASS_LOSS:
            raise LoanChangeRefused("only loans of the class loss are written off", field="loan")

    locked = await lock_loan(uow, loan_id, now=now)
    wanted = Wanted(id=write_off_id, kind=EventKind.WRITE_OFF, on_day=business_day(now), details={})
    return await carry_out(uow, locked, wanted, now=now, check=check)


async def recover(
    uow: UnitOfWork, loan_id: uuid.UUID, *, recovery_id: uuid.UUID, amount: int, now: datetime
) -> LoanEvent:
    """Take money, in minor units, for a loan that was written off, from the borrower's account.

    Raises MoreThanOwed, and what `reverse` raises.
    """
    _check_positive(amount)

    def check(before: Running, after: Running) -> None:
        if after.surplus > before.surplus:
            raise MoreThanOwed("less was written off and is not recovered", field="amount")

    locked = await lock_loan(uow, loan_id, now=now)
    wanted = Wanted(
        id=recovery_id,
        kind=EventKind.RECOVERY,
        on_day=business_day(now),
        amount=amount,
        details={},
    )
    return await carry_out(uow, locked, wanted, now=now, check=check)


async def _act(
    uow: UnitOfWork,
    loan_id: uuid.UUID,
    event_id: uuid.UUID,
    kind: EventKind,
    details: dict[str, int],
    *,
    now: datetime,
) -> LoanEvent:
    locked = await lock_loan(uow, loan_id, now=now)
    wanted = Wanted(id=event_id, kind=kind, on_day=business_day(now), details=details)
    return await carry_out(uow, locked, wanted, now=now)


def _check_positive(amount: int) -> None:
    if type(amount) is not int or not 0 < amount <= limits.PRINCIPAL_MAX:
        raise InvalidField("must be above zero, and not too large", field="amount")


def _check_rate(rate: int, rulebook: Rulebook, on: date) -> None:
    most = to_millionths(rulebook.decimal("loan.cost.max", on))
    if type(rate) is not int or not 0 <= rate <= most:
        raise LoanChangeRefused(
            f"must be from 0 to {most} (rule loan.cost.max)",
            field="rate",
            context={"rule": "loan.cost.max"},
        )


def _check_flat_rate(loan: Loan, rate: int) -> None:
    """Keep a flat rate within the contract's: what it costs a year was checked for that one."""
    is_flat = loan.product.terms.interest is InterestKind.FLAT
    if is_flat and rate > loan.terms.rate:
        raise LoanChangeRefused(
            f"flat interest is at most {loan.terms.rate}, as in the contract", field="rate"
        )


def _has_principal(before: Running, after: Running) -> None:
    del after
    if before.state.owed_principal == 0:
        raise LoanChangeRefused("no principal is left to be planned anew", field="loan")


def _check_extension(locked: Locked, count: int, *, rulebook: Rulebook, on: date) -> None:
    running, loan = locked.running, locked.loan
    if running.state.days_past_due:
        raise LoanChangeRefused("a loan that is overdue is not extended", field="loan")
    if any(each.details.get("easing") == Easing.EXTENSION for each in locked.events):
        raise LoanChangeRefused("a loan is extended once", field="loan")
    later = sum(each.number >= running.state.next_number for each in running.instalments)
    key, most = _extension_max(loan, rulebook, on)
    if not later < count <= later + most:
        raise LoanChangeRefused(
            f"must be from {later + 1} to {later + most} (rule {key})",
            field="count",
            context={"rule": key},
        )


def _extension_max(loan: Loan, rulebook: Rulebook, on: date) -> tuple[str, int]:
    """Return by how many payments a loan may be extended, and the rule that says so."""
    cycle, count = loan.product.terms.cycle, loan.terms.count
    of_year = _OF_YEAR[cycle.unit] // cycle.every
    if count <= _SHORT_YEARS * of_year:
        key = "loan.extension.short.share.max"
        return key, int(count * rulebook.decimal(key, on))
    if count <= _MEDIUM_YEARS * of_year:
        key = "loan.extension.medium.share.max"
        return key, int(count * rulebook.decimal(key, on))
    key = "loan.extension.long.years.max"
    return key, rulebook.integer(key, on) * of_year
