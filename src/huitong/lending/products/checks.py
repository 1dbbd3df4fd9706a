"""What terms of a product must be, by themselves and by the rulebook."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits
from huitong.lending.products.errors import ProductAgainstRule
from huitong.lending.products.types import (
    RATE_SCALE,
    Payee,
    Purpose,
    RateKind,
    Terms,
)
from huitong.lending.schedules import (
    BusinessDays,
    Cycle,
    InterestKind,
    Method,
    MonthBasis,
    TimeUnit,
    YearBasis,
    adjust,
)
from huitong.lending.servicing import Part

_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_GRADE: Final = re.compile(r"[A-Z][A-Z0-9+-]{0,7}")
_DAYS_OF_YEAR: Final = 365
_CYCLES_OF_YEAR: Final = {TimeUnit.MONTHS: 12, TimeUnit.WEEKS: 52, TimeUnit.DAYS: _DAYS_OF_YEAR}
_CYCLE_MAX: Final = {TimeUnit.MONTHS: 12, TimeUnit.WEEKS: 52, TimeUnit.DAYS: _DAYS_OF_YEAR}
#: A tenth: more than any ceiling of total cost leaves room for.
_FEE_SHARE_MAX: Final = 100_000
_RANGES: Final = {
    "amount_min": (1, limits.PRINCIPAL_MAX),
    "amount_max": (1, limits.PRINCIPAL_MAX),
    "count_min": (1, limits.INSTALMENTS_MAX),
    "count_max": (1, limits.INSTALMENTS_MAX),
    "rate_min": (0, RATE_SCALE),
    "rate_max": (0, RATE_SCALE),
    "reprice_months": (0, 60),
    "multiple": (1, 100_000),
    "principal_grace_max": (0, limits.INSTALMENTS_MAX),
    "interest_free_max": (0, limits.INSTALMENTS_MAX),
    "down_payment_max": (0, RATE_SCALE - 1),
    "balloon_max": (0, RATE_SCALE),
    "penalty_share": (0, RATE_SCALE),
    "early_fee": (0, RATE_SCALE),
    "disbursement_fee": (0, _FEE_SHARE_MAX),
    "service_fee": (0, _FEE_SHARE_MAX),
    "late_fee": (0, limits.PRINCIPAL_MAX),
    "line_years": (0, 30),
    "bad_days": (0, 10_000),
}
_PAIRS: Final = (
    ("amount_min", "amount_max"),
    ("count_min", "count_max"),
    ("rate_min", "rate_max"),
)
_BULLETS: Final = frozenset({Method.INTEREST_FIRST, Method.SINGLE_PAYMENT})
#: The rulebook's key of each kind of loan prime rate.
LPR_KEYS: Final = {RateKind.LPR_1Y: "lpr.1y", RateKind.LPR_5Y: "lpr.5y"}


def check_terms(terms: Terms, currency: str, *, rulebook: Rulebook, on: date) -> None:
    """Raise InvalidField for terms that cannot be, ProductAgainstRule for those that may not."""
    _check_numbers(terms)
    _check_choices(terms)
    _check_grades(terms)
    _check_rates(terms, rulebook, on)
    _check_sizes(terms, currency, rulebook, on)
    _check_flat(terms)
    _check_due_days(terms, on)
    _check_fees(terms, currency, rulebook, on)
    _check_line(terms, rulebook, on)


def base_rate(kind: RateKind, *, rulebook: Rulebook, on: date) -> int:
    """Return what a spread is added to on a day, in millionths; 0 for a fixed rate."""
    if kind is RateKind.FIXED:
        return 0
    return to_millionths(rulebook.decimal(LPR_KEYS[kind], on))


def to_millionths(ratio: Decimal) -> int:
    """Return a ratio in whole millionths; what is finer is cut off."""
    return int(ratio * RATE_SCALE)


def _check_numbers(terms: Terms) -> None:
    for field, (least, most) in _RANGES.items():
        value = getattr(terms, field)
        if type(value) is not int or not least <= value <= most:
            raise InvalidField(f"must be a whole number from {least} to {most}", field=field)
    for low, high in _PAIRS:
        if getattr(terms, low) > getattr(terms, high):
            raise InvalidField(f"must be at least {low}", field=high)
    if not 1 <= terms.cycle.every <= _CYCLE_MAX[terms.cycle.unit]:
        most = _CYCLE_MAX[terms.cycle.unit]
        raise InvalidField(f"must be from 1 to {most}", field="cycle.every")
    if terms.principal_grace_max >= terms.count_max:
        raise InvalidField("must leave at least one payment", field="principal_grace_max")
    if (terms.reprice_months > 0) and terms.rate_kind is RateKind.FIXED:
        raise InvalidField("must be 0 for a rate that is fixed", field="reprice_months")


def _check_choices(terms: Terms) -> None:
    _check_words(terms.uses, "uses", least=1)
    _check_words(terms.mandatory, "mandatory", least=0)
    for field, chosen in (("payees", terms.payees), ("methods", terms.methods)):
        if not chosen or len(set(chosen)) < len(chosen):
            raise InvalidField("must name one or more, each once", field=field)
    for field, order in (("order", terms.order), ("order_bad", terms.order_bad)):
        if sorted(order) != sorted(Part):
            raise InvalidField("must name each part once", field=field)
    if terms.day_count.month is MonthBasis.DAYS_30 and terms.cycle.unit is not TimeUnit.MONTHS:
        raise InvalidField("months of 30 days need a cycle of months", field="day_count.month")


def _check_words(words: Sequence[str], field: str, *, least: int) -> None:
    if not least <= len(words) <= limits.WORDS_MAX or len(set(words)) < len(words):
        raise InvalidField(f"must have {least} to {limits.WORDS_MAX}, each once", field=field)
    if any(_WORD.fullmatch(word) is None for word in words):
        raise InvalidField("has words of a-z, 0-9 and _, a letter first", field=field)


def _check_grades(terms: Terms) -> None:
    names = [each.grade for each in terms.grades]
    if len(names) > limits.WORDS_MAX or len(set(names)) < len(names):
        raise InvalidField(f"must have up to {limits.WORDS_MAX}, each once", field="grades")
    for place, each in enumerate(terms.grades):
        if _GRADE.fullmatch(each.grade) is None:
            raise InvalidField(
                "has 1 to 8 of A-Z, 0-9, + and -, a letter first", field=f"grades.{place}.grade"
            )
        if not terms.rate_min <= each.rate_min <= each.rate_max <= terms.rate_max:
            raise InvalidField("must lie within the product's rates", field=f"grades.{place}")


def _check_rates(terms: Terms, rulebook: Rulebook, on: date) -> None:
    highest = base_rate(terms.rate_kind, rulebook=rulebook, on=on) + terms.rate_max
    most = to_millionths(rulebook.decimal("loan.cost.max", on))
    if highest > most:
        raise _against("loan.cost.max", "rate_max", f"is {highest / RATE_SCALE:.2%} a year")
    share_max = to_millionths(rulebook.decimal("loan.penalty.overdue.max", on))
    if terms.penalty_share > share_max:
        raise _against("loan.penalty.overdue.max", "penalty_share", "is above the most")
    if terms.penalty_share < to_millionths(rulebook.decimal("loan.penalty.overdue.min", on)):
        raise _against("loan.penalty.overdue.min", "penalty_share", "is below the least")
    if terms.compounds and not rulebook.flag("loan.penalty.compounds", on):
        raise _against("loan.penalty.compounds", "compounds", "interest may not compound")
    year = str(rulebook.integer("loan.day_count.year.days", on))
    if terms.day_count.year not in (YearBasis(year), YearBasis.DAYS_365, YearBasis.ACTUAL):
        raise _against("loan.day_count.year.days", "day_count.year", f"must be {year} or 365")
    early_max = to_millionths(rulebook.decimal("loan.early_fee.max", on))
    if terms.early_fee > early_max:
        raise _against("loan.early_fee.max", "early_fee", "is above the most")


def _check_sizes(terms: Terms, currency: str, rulebook: Rulebook, on: date) -> None:
    forbidden = rulebook.rule("loan.internet.forbidden_uses", on).value
    assert isinstance(forbidden, tuple)
    for use in terms.uses:
        if use in forbidden:
            raise _against("loan.internet.forbidden_uses", "uses", f"{use} may not be lent for")
    is_consumer = terms.purpose is Purpose.CONSUMER
    years = (
        "loan.personal.consumer.term.years" if is_consumer else "loan.personal.business.term.years"
    )
    if _is_longer(terms.cycle, terms.count_max, rulebook.integer(years, on)):
        raise _against(years, "count_max", "is longer than may be lent for")
    bullet = "loan.internet.bullet.line.years"
    if _BULLETS & set(terms.methods) and _is_longer(
        terms.cycle, terms.count_max, rulebook.integer(bullet, on)
    ):
        raise _against(bullet, "count_max", "is longer than principal may wait for the end")
    if is_consumer:
        _check_amount(terms, currency, "loan.internet.consumer.max", rulebook, on)
    self_payout = f"loan.personal.{'consumer' if is_consumer else 'business'}.self_payout.max"
    if Payee.BORROWER in terms.payees:
        _check_amount(terms, currency, self_payout, rulebook, on)


def _check_flat(terms: Terms) -> None:
    """Keep flat interest to what it is told for: one rate, level or equal parts, nothing else."""
    if terms.interest is not InterestKind.FLAT:
        return
    for field, is_fine in (
        ("rate_kind", terms.rate_kind is RateKind.FIXED),
        ("allows_steps", not terms.allows_steps),
        ("principal_grace_max", terms.principal_grace_max == 0),
        ("interest_free_max", terms.interest_free_max == 0),
    ):
        if not is_fine:
            raise InvalidField("does not go with flat interest", field=field)


def _check_due_days(terms: Terms, on: date) -> None:
    if terms.business_days is BusinessDays.NONE:
        return
    if terms.cycle.unit is TimeUnit.DAYS:
        raise InvalidField("needs a cycle of weeks or months", field="business_days")
    # Whether the holidays of the year are known at all.
    adjust(on, terms.business_days, known_year=on.year)


def _check_fees(terms: Terms, currency: str, rulebook: Rulebook, on: date) -> None:
    key = "loan.late_fee.max"
    if terms.late_fee and Money(terms.late_fee, currency) > rulebook.amount(key, on):
        raise _against(key, "late_fee", "is above the most")


def _check_line(terms: Terms, rulebook: Rulebook, on: date) -> None:
    key = "loan.line.years"
    if _BULLETS & set(terms.methods) and terms.line_years > rulebook.integer(key, on):
        raise _against(key, "line_years", "is longer than a line may be for such methods")


def _check_amount(terms: Terms, currency: str, key: str, rulebook: Rulebook, on: date) -> None:
    if Money(terms.amount_max, currency) > rulebook.amount(key, on):
        raise _against(key, "amount_max", "is above the most")


def _is_longer(cycle: Cycle, count: int, years: int) -> bool:
    return cycle.every * count > years * _CYCLES_OF_YEAR[cycle.unit]


def _against(key: str, field: str, what: str) -> ProductAgainstRule:
    return ProductAgainstRule(f"{what} (rule {key})", field=field, context={"rule": key})
