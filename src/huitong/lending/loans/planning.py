"""From a contract's terms to its instalments, and the later ones anew when something changes."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from huitong.lending.loans.types import EarlyMode, Instalment, Loan, LoanTerms
from huitong.lending.products import RATE_SCALE, Terms
from huitong.lending.schedules import (
    BusinessDays,
    Disbursement,
    InterestKind,
    Method,
    Period,
    Plan,
    Repayment,
    Row,
    adjust,
    advance,
    make_loan_schedule,
    make_periods,
    round_to,
    share_of_year,
)


def make_instalments(terms: LoanTerms, product: Terms, on: date) -> list[Instalment]:
    """Return the schedule of a loan that is lent on a day; numbers begin with 1.

    Periods in which nothing is due are part of the next one: a single payment is one instalment.
    Raises ValueError for terms that make no schedule.
    """
    periods = make_periods(on, product.cycle, terms.count, first_due=terms.first_due)
    periods = _adjust_periods(periods, product, on)
    plan = _plan(product, periods, terms.rate, on, terms.principal)
    repayment = Repayment(
        method=terms.method,
        interest=product.interest,
        principal_grace=terms.principal_grace,
        interest_free=terms.interest_free,
        down_payment=Fraction(terms.down_payment, RATE_SCALE),
        balloon=terms.principal * terms.balloon // RATE_SCALE,
        steps=terms.steps,
    )
    return _merge(make_loan_schedule(plan, repayment), on, 1)


def interest_between(loan: Loan, *, principal: int, rate: int, start: date, end: date) -> Fraction:
    """Return the interest of a principal over days of a loan's periods, exactly.

    100,000 minor units at 3.6 % from 1 to 31 January by 360 and actual days: 300.
    """
    product = loan.product.terms
    total, number = Fraction(0), 0
    while (period := find_period(loan, number)).start < end:
        first, last = max(start, period.start), min(end, period.due)
        if first < last:
            share = share_of_year(product.day_count, product.cycle, period, first, last)
            total += Fraction(*share)
        number += 1
    return total * principal * rate / RATE_SCALE


def find_period(loan: Loan, number: int) -> Period:
    """Return the period with a number, from 0, of the loan's cycle; it has no last one."""
    product, first_due = loan.product.terms, loan.terms.first_due
    anchor, skipped = (loan.lent_on, 1) if first_due is None else (first_due, 0)

    def due(place: int) -> date:
        day = advance(anchor, product.cycle, place + skipped)
        return adjust(day, product.business_days, known_year=loan.lent_on.year)

    return Period(loan.lent_on if number == 0 else due(number - 1), due(number))


def find_dues(loan: Loan, after: date, count: int) -> list[date]:
    """Return the next days of the loan's cycle after a day."""
    number = 0
    while find_period(loan, number).due <= after:
        number += 1
    return [find_period(loan, number + place).due for place in range(count)]


def plan_rest(
    loan: Loan,
    *,
    principal: int,
    rate: int,
    on: date,
    dues: Sequence[date],
    carried: Fraction,
    first_start: date,
    number: int,
) -> list[Instalment]:
    """Return later instalments anew, for a principal that is due on days by the loan's method.

    `carried` is interest that has accrued until `on` and is due with the first of them.
    """
    product = loan.product.terms
    starts = [first_start, *dues[:-1]]
    periods = tuple(Period(*each) for each in zip(starts, dues, strict=True))
    plan = _plan(product, periods, rate, first_start, principal)
    rows = make_loan_schedule(plan, Repayment(method=loan.terms.method, interest=product.interest))
    merged = _merge(rows, first_start, number)
    return with_interest(loan, merged, rate=rate, on=on, carried=carried)


def shorten(instalments: Sequence[Instalment], paid: int) -> list[Instalment]:
    """Return unpaid instalments less principal that was paid early, the last ones first."""
    kept = [
        Instalment(each.number, each.start, each.due, each.principal, 0) for each in instalments
    ]
    for each in reversed(kept):
        taken = min(each.principal, paid)
        each.principal -= taken
        paid -= taken
    while len(kept) > 1 and kept[-1].principal == 0:
        kept.pop()
    return kept


def with_interest(
    loan: Loan, rows: Sequence[Instalment], *, rate: int, on: date, carried: Fraction
) -> list[Instalment]:
    """Return unpaid instalments with the interest of what is left, from `on` on.

    The first one has `carried` beside it. Periods in which the contract asks no interest have none.
    Flat interest is on all that is left as of `on`, in each period.
    """
    product = loan.product.terms
    free_until = _free_until(loan)
    balance, found = sum(each.principal for each in rows), []
    for place, each in enumerate(rows):
        start = max(each.start, on, free_until)
        exact = Fraction(0) if place else carried
        if start < each.due:
            exact += interest_between(loan, principal=balance, rate=rate, start=start, end=each.due)
        interest = round_to(exact.numerator, exact.denominator, 1, product.rounding)
        found.append(Instalment(each.number, each.start, each.due, each.principal, interest))
        if product.interest is InterestKind.DECLINING:
            balance -= each.principal
    return found


def plan_early(
    loan: Loan,
    later: Sequence[Instalment],
    *,
    paid: int,
    mode: EarlyMode,
    rate: int,
    on: date,
    carried: Fraction,
    number: int,
) -> list[Instalment]:
    """Return the instalments after `paid` of their principal was paid early on a day."""
    left = sum(each.principal for each in later) - paid
    dues = [each.due for each in later]
    if mode is EarlyMode.SHORTER_TERM or left == 0 or _is_plain_end(loan, later):
        rows = shorten(later, paid)
        for place, each in enumerate(rows):
            each.number = number + place
        return with_interest(loan, rows, rate=rate, on=on, carried=carried)
    return plan_rest(
        loan,
        principal=left,
        rate=rate,
        on=on,
        dues=dues,
        carried=carried,
        first_start=later[0].start,
        number=number,
    )


def _is_plain_end(loan: Loan, later: Sequence[Instalment]) -> bool:
    """Whether the method's own shape is kept by taking from the end, as with a balloon or steps."""
    terms = loan.terms
    has_shape = bool(terms.steps or terms.balloon or terms.principal_grace)
    return has_shape or terms.method is Method.SINGLE_PAYMENT or len(later) == 1


def _free_until(loan: Loan) -> date:
    free = loan.terms.interest_free
    return find_period(loan, free - 1).due if free else loan.lent_on


def _adjust_periods(periods: tuple[Period, ...], product: Terms, on: date) -> tuple[Period, ...]:
    if product.business_days is BusinessDays.NONE:
        return periods
    dues = [adjust(each.due, product.business_days, known_year=on.year) for each in periods]
    if dues[0] <= on:
        raise ValueError("The first payment would be due on the day of the loan or before it")
    return tuple(Period(*each) for each in zip([on, *dues[:-1]], dues, strict=True))


def _plan(product: Terms, periods: tuple[Period, ...], rate: int, on: date, principal: int) -> Plan:
    return Plan(
        periods=periods,
        cycle=product.cycle,
        day_count=product.day_count,
        annual_rate=Decimal(rate) / RATE_SCALE,
        disbursements=(Disbursement(on, principal),),
        rounding=product.rounding,
        multiple=product.multiple,
    )


def _merge(rows: Sequence[Row], start: date, number: int) -> list[Instalment]:
    found: list[Instalment] = []
    for row in rows:
        if row.principal == 0 and row.interest == 0:
            continue
        found.append(Instalment(number + len(found), start, row.due, row.principal, row.interest))
        start = row.due
    return found
