"""Limit and price of an applicant: what ability allows, what willingness earns, under ceilings."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Final

from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.money import Money, Rounding
from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit import limits
from huitong.risk.credit.grading import Grade
from huitong.risk.credit.rules import read_ratios
from huitong.risk.decisioning.tables.decision_table import DecisionTable

_MONTHS: Final = 12
_DIGITS: Final = 40


class PriceAboveCeiling(Refusal):
    """The price table asks more than the rulebook allows: it must be changed before it is used."""

    code = "price_above_ceiling"
    title = "The price is above the ceiling"


class Bound(StrEnum):
    """What a limit is bounded by."""

    ABILITY = "ability"
    WILLINGNESS = "willingness"
    CEILING = "ceiling"
    FIRST_LOAN = "first_loan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """What somebody can repay from: verified income and repayments of other debts, a month each.

    `exposure` is the unsecured consumer credit that they have already; `has_borrowed` is whether
    they have had a loan with us.
    """

    monthly_income: Money
    monthly_repayments: Money
    exposure: Money
    has_borrowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is offered: a limit, zero for nothing, and a rate a year; None where nothing is offered.

    `bounds` are the amounts that the limit may not exceed, by what they come from; `bound` is the
    one that it was cut by.
    """

    grade: Grade
    limit: Money
    annual_rate: Decimal | None
    bound: Bound | None
    bounds: dict[Bound, Money]


def propose_terms(
    *,
    grade: Grade,
    ability: Ability,
    term_months: int,
    prices: DecisionTable,
    rulebook: Rulebook,
    on: date,
) -> Terms:
    """Return the limit and price of an applicant for level repayments over a term.

    The limit is the least of what repayments can carry (`risk.loan.debt_to_income.max` of the
    income, less other repayments), of a multiple of the income by grade, of what the law leaves
    beside other unsecured credit, and of the most of a first loan, rounded down to whole steps.
    Worked: 8,000.00 of income, 1,000.00 of repayments and grade A at 4.8 % for 12 months carry
    35,081.21 at 3,000.00 a month; the multiple of 6 allows 48,000.00; so the limit is 35,000.00.

    `prices` is the table `loan_price` that is live. Raises InvalidField naming the field, and
    PriceAboveCeiling for a price above `loan.cost.max`.
    """
    _check(ability, term_months)
    currency = ability.monthly_income.currency
    nothing = Terms(
        grade=grade, limit=Money.zero(currency), annual_rate=None, bound=None, bounds={}
    )
    if not grade.is_offered_terms:
        return nothing
    # A price may depend on the amount: it is that of the amount before the price.
    bounds = _bounds_without_price(grade, ability, rulebook, on)
    room = min(bounds.values())
    if not room.is_positive:
        return nothing
    rate = find_rate(prices, grade=grade, term_months=term_months, amount=room)
    _check_rate(rate, rulebook, on)
    bounds[Bound.ABILITY] = _carry(ability, rate, term_months, rulebook, on)
    bound = min(bounds, key=lambda each: bounds[each].minor)
    step = rulebook.amount("risk.credit.limit.step", on).minor
    limit = Money(max(0, bounds[bound].minor // step * step), currency)
    if limit < rulebook.amount("risk.credit.limit.min", on):
        return nothing
    return Terms(grade=grade, limit=limit, annual_rate=rate, bound=bound, bounds=bounds)


def find_rate(prices: DecisionTable, *, grade: Grade, term_months: int, amount: Money) -> Decimal:
    """Return the yearly rate of a price table; raises InvalidField if it has none for this."""
    inputs = prices.read_inputs(
        {"grade": grade.value, "term_months": term_months, "amount": amount.minor}
    )
    rows = prices.ask(inputs).outputs
    rate = rows[0]["rate"] if rows else None
    if not isinstance(rate, Decimal):
        raise InvalidField(
            f"has no price for grade {grade} and {term_months} months", field="prices"
        )
    return rate


def carry_amount(repayment: Money, annual_rate: Decimal, months: int) -> Money:
    """Return the amount that level repayments pay back: P = a·(1 - (1 + i)⁻ⁿ) / i, rounded down.

    i = annual_rate / 12. Worked: 3,000.00 a month at 4.8 % for 12 months pay back 35,081.21.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        monthly = annual_rate / _MONTHS
        factor = Decimal(months) if monthly == 0 else (1 - (1 + monthly) ** -months) / monthly
        return repayment.multiply(factor.quantize(Decimal(1).scaleb(-12)), Rounding.DOWN)


def _carry(ability: Ability, rate: Decimal, months: int, rulebook: Rulebook, on: date) -> Money:
    share = rulebook.decimal("risk.loan.debt_to_income.max", on)
    spare = ability.monthly_income.multiply(share, Rounding.DOWN) - ability.monthly_repayments
    return carry_amount(spare, rate, months) if spare.is_positive else Money.zero(spare.currency)


def _bounds_without_price(
    grade: Grade, ability: Ability, rulebook: Rulebook, on: date
) -> dict[Bound, Money]:
    multiples = dict(
        zip(Grade, read_ratios(rulebook, "risk.credit.limit.income.multiples", on), strict=False)
    )
    bounds = {
        Bound.WILLINGNESS: ability.monthly_income.multiply(multiples[grade], Rounding.DOWN),
        Bound.CEILING: rulebook.amount("loan.internet.consumer.max", on) - ability.exposure,
    }
    if not ability.has_borrowed:
        bounds[Bound.FIRST_LOAN] = rulebook.amount("risk.credit.limit.first_loan.max", on)
    return bounds


def _check(ability: Ability, term_months: int) -> None:
    for field in ("monthly_income", "monthly_repayments", "exposure"):
        amount: Money = getattr(ability, field)
        if amount.is_negative or amount.minor > limits.AMOUNT_MAX:
            raise InvalidField("must not be negative or beyond all bounds", field=field)
        if amount.currency != ability.monthly_income.currency:
            raise InvalidField("must be in the currency of the income", field=field)
    if not 1 <= term_months <= limits.HORIZON_MONTHS_MAX:
        raise InvalidField(f"must be from 1 to {limits.HORIZON_MONTHS_MAX}", field="term_months")


def _check_rate(rate: Decimal, rulebook: Rulebook, on: date) -> None:
    ceiling = rulebook.decimal("loan.cost.max", on)
    if rate > ceiling:
        raise PriceAboveCeiling(f"The rate {rate} is above {ceiling} a year", field="prices")
