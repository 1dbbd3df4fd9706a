"""Limits and prices of credit lines, how they change, and what warns before a loss."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong import risk
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit.grading import Grade, grade_probability
from huitong.risk.credit.lines.adjusting import (
    Adjustment,
    CreditLine,
    MonthEnd,
    propose_adjustment,
)
from huitong.risk.credit.lines.terms import (
    Ability,
    Bound,
    PriceAboveCeiling,
    Terms,
    carry_amount,
    propose_terms,
)
from huitong.risk.credit.lines.warnings import (
    WARNING_TEXTS,
    BorrowerColumns,
    WarningSign,
    find_bad_vintages,
    find_concentrations,
    warn_of_borrowers,
)

DAY = date(2026, 11, 26)
CHINA = Rulebook.load()
PRICES = risk.read_table(
    risk.default_table("loan_price", CHINA, DAY), risk.get_schema("loan_price")
)


def yuan(amount: str) -> Money:
    return Money.parse(amount, "CNY")


def make_ability(**change: Any) -> Ability:
    ability = Ability(
        monthly_income=yuan("8000.00"),
        monthly_repayments=yuan("1000.00"),
        exposure=yuan("0.00"),
        has_borrowed=True,
    )
    return replace(ability, **change)


def propose(grade: Grade = Grade.A, term_months: int = 12, **change: Any) -> Terms:
    return propose_terms(
        grade=grade,
        ability=make_ability(**change),
        term_months=term_months,
        prices=PRICES,
        rulebook=CHINA,
        on=DAY,
    )


@pytest.mark.parametrize(
    ("probability", "grade"),
    [
        (0.0, "A"),
        (0.0199, "A"),
        (0.0201, "B"),
        (0.05, "B"),
        (0.0501, "C"),
        (0.0499, "B"),
        (0.1999, "D"),
        (0.21, "E"),
    ],
)
def test_grades_follow_the_probability(probability: float, grade: str) -> None:
    assert grade_probability(probability, rulebook=CHINA, on=DAY) == grade


def test_the_worked_limit() -> None:
    found = propose()
    assert found.bounds[Bound.ABILITY] == yuan("35081.21")
    assert found.bounds[Bound.WILLINGNESS] == yuan("48000.00")
    assert (found.limit, found.annual_rate) == (yuan("35000.00"), Decimal("0.0480"))
    assert found.bound is Bound.ABILITY


@pytest.mark.parametrize(
    ("grade", "change", "limit", "bound"),
    [
        ("D", {}, "8000.00", Bound.WILLINGNESS),
        ("A", {"has_borrowed": False}, "20000.00", Bound.FIRST_LOAN),
        ("A", {"exposure": "190000.00"}, "10000.00", Bound.CEILING),
    ],
)
def test_the_least_bound_cuts(grade: str, change: Any, limit: str, bound: Bound) -> None:
    change = {name: yuan(each) if isinstance(each, str) else each for name, each in change.items()}
    found = propose(Grade(grade), **change)
    assert (found.limit, found.bound) == (yuan(limit), bound)


@pytest.mark.parametrize(
    ("grade", "change"),
    [
        (Grade.E, {}),
        (Grade.A, {"monthly_repayments": "4000.00"}),
        (Grade.A, {"monthly_repayments": "5000.00"}),
        (Grade.A, {"monthly_repayments": "3960.00"}),
        (Grade.A, {"exposure": "200000.00"}),
        (Grade.A, {"exposure": "250000.00"}),
        (Grade.A, {"monthly_income": "0.00"}),
    ],
)
def test_nothing_is_offered_where_nothing_can_be_repaid(grade: Grade, change: Any) -> None:
    found = propose(grade, **{name: yuan(each) for name, each in change.items()})
    assert (found.limit, found.annual_rate) == (yuan("0.00"), None)


def test_a_price_above_the_ceiling_is_refused() -> None:
    table = risk.default_table("loan_price", CHINA, DAY)
    table["rows"][0]["then"]["rate"] = "0.2401"
    table["tests"] = table["tests"][1:]
    dear = risk.read_table(table, risk.get_schema("loan_price"))
    with pytest.raises(PriceAboveCeiling):
        propose_terms(
            grade=Grade.A, ability=make_ability(), term_months=12, prices=dear, rulebook=CHINA,
            on=DAY,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"term_months": 0}, "term_months"),
        ({"term_months": 1_000}, "term_months"),
        ({"monthly_income": Money(-100, "CNY")}, "monthly_income"),
        ({"exposure": Money(1, "USD")}, "exposure"),
    ],
)
def test_bad_ability_is_named(change: Any, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        propose(**change)
    assert caught.value.field == field


@given(st.integers(1, 10**8), st.integers(0, 240), st.integers(1, 60))
def test_a_limit_can_be_repaid_by_what_is_spare(repayment: int, tenths: int, months: int) -> None:
    rate = Decimal(tenths) / 1_000
    amount = carry_amount(Money(repayment, "CNY"), rate, months)
    balance = Decimal(amount.minor)
    for _ in range(months):
        balance = balance * (1 + rate / 12) - repayment
    assert balance <= Decimal("0.001")
    assert balance > -repayment - 2 * months


def month(limit: str, rate: str = "0.10") -> MonthEnd:
    return MonthEnd(limit=yuan(limit), annual_rate=Decimal(rate))


LINE = CreditLine(
    limit=yuan("10000.00"),
    drawn=yuan("6000.00"),
    annual_rate=Decimal("0.10"),
    changed_on=DAY - timedelta(days=90),
)


def adjust(*months: MonthEnd, line: CreditLine = LINE) -> Adjustment | None:
    return propose_adjustment(line, months, rulebook=CHINA, on=DAY)


def test_a_limit_rises_after_three_good_months_by_a_capped_share() -> None:
    found = adjust(*[month("20000.00")] * 3)
    assert found == Adjustment(limit=yuan("13000.00"), limit_holds_on=DAY)
    assert adjust(*[month("20000.00")] * 2) is None
    assert adjust(month("20000.00"), month("10900.00"), month("20000.00")) is None
    supported = adjust(month("20000.00"), month("11100.00"), month("20000.00"))
    assert supported == Adjustment(limit=yuan("11100.00"), limit_holds_on=DAY)


def test_a_limit_falls_after_two_bad_months_with_notice_and_never_below_what_is_drawn() -> None:
    bad = [month("2000.00")] * 2
    week_later = DAY + timedelta(days=7)
    assert adjust(*bad) == Adjustment(limit=yuan("6000.00"), limit_holds_on=week_later)
    repaid = replace(LINE, drawn=yuan("0.00"))
    assert adjust(*bad, line=repaid) == Adjustment(limit=yuan("5000.00"), limit_holds_on=week_later)
    assert adjust(month("10000.00"), month("2000.00")) is None
    # A cut does not wait: only raises and rates do.
    assert adjust(*bad, line=replace(LINE, changed_on=DAY)) is not None


def test_changes_wait_for_the_interval() -> None:
    recent = replace(LINE, changed_on=DAY - timedelta(days=89))
    assert adjust(*[month("20000.00", "0.05")] * 3, line=recent) is None


def test_small_moves_change_nothing() -> None:
    for limit in ("9100.00", "10900.00"):
        assert adjust(*[month(limit)] * 3) is None


def test_rates_fall_at_once_and_rise_by_steps_after_notice() -> None:
    lower = adjust(month("10000.00", "0.07"), month("10000.00", "0.08"), month("10000.00", "0.06"))
    assert lower == Adjustment(annual_rate=Decimal("0.08"), rate_holds_on=DAY)
    higher = adjust(*[month("10000.00", "0.20")] * 2)
    assert higher == Adjustment(annual_rate=Decimal("0.12"), rate_holds_on=DAY + timedelta(days=30))
    dear = replace(LINE, annual_rate=Decimal("0.235"))
    capped = adjust(*[month("10000.00", "0.30")] * 2, line=dear)
    assert capped is not None
    assert capped.annual_rate == Decimal("0.24")


@given(
    st.integers(0, 300_000), st.integers(0, 300_000),
    st.lists(st.integers(0, 400_000), max_size=4),
)  # fmt: skip
def test_limits_stay_within_caps_and_a_change_settles(
    limit: int, drawn: int, targets: list[int]
) -> None:
    line = replace(LINE, limit=Money(limit * 100, "CNY"), drawn=Money(drawn * 100, "CNY"))
    found = adjust(*(month(f"{each}.00") for each in targets), line=line)
    if found is None or found.limit is None:
        return
    new = found.limit.minor
    assert new % 10_000 == 0
    if new > line.limit.minor:
        assert new <= line.limit.minor * 1.3
        assert new <= 20_000_000
    else:
        assert new >= max(line.limit.minor * 0.5, drawn * 100)


@pytest.mark.parametrize(
    ("line", "months", "field"),
    [
        (replace(LINE, drawn=Money(-100, "CNY")), (), "drawn"),
        (replace(LINE, limit=Money(-100, "CNY")), (), "limit"),
        (LINE, (MonthEnd(limit=Money(1, "USD"), annual_rate=Decimal(0)),), "months.limit"),
        (LINE, (MonthEnd(limit=yuan("1.00"), annual_rate=Decimal(2)),), "months.annual_rate"),
    ],
)
def test_bad_lines_are_named(line: CreditLine, months: tuple[MonthEnd, ...], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        adjust(*months, line=line)
    assert caught.value.field == field


def make_borrowers(**change: Any) -> BorrowerColumns:
    columns = BorrowerColumns(
        utilisation=np.array([0.5, 0.9, 0.91, np.nan]),
        inflow=np.array([600_000, 599_999, 1_000_000, 0]),
        inflow_before=np.array([1_000_000, 1_000_000, 1_000_000, 0]),
        inquiries_30d=np.array([5.0, 6.0, 0.0, np.nan]),
        lenders=np.array([3.0, 4.0, 1.0, np.nan]),
        lenders_before=np.array([1.0, 1.0, 1.0, np.nan]),
        points=np.array([560.0, 559.0, 640.0, np.nan]),
        points_before=np.array([600.0, 600.0, 600.0, 600.0]),
        overdue_days=np.array([3, 4, 0, 0]),
    )
    return replace(columns, **change)


def test_borrowers_are_warned_of_above_each_bound() -> None:
    found = warn_of_borrowers(make_borrowers(), rulebook=CHINA, on=DAY)
    assert set(found) == set(WarningSign) == set(WARNING_TEXTS)
    assert found[WarningSign.UTILISATION].tolist() == [False, False, True, False]
    for warning in set(WarningSign) - {WarningSign.UTILISATION}:
        assert found[warning].tolist() == [False, True, False, False], warning
    with pytest.raises(InvalidField) as caught:
        warn_of_borrowers(make_borrowers(points=np.zeros(1)), rulebook=CHINA, on=DAY)
    assert caught.value.field == "points"


def test_concentrations_are_found() -> None:
    found = find_concentrations(
        np.array([60, 20, 20]), np.array(["retail", "farm", "shop"]), rulebook=CHINA, on=DAY
    )
    assert found == {"retail": Decimal("0.6")}
    assert find_concentrations(np.zeros(1, np.int64), np.array(["a"]), rulebook=CHINA, on=DAY) == {}


def test_vintages_worse_than_older_ones_are_found() -> None:
    lent = np.array([1_000, 1_000, 1_000])
    late = np.array([[0, 10, 20], [0, 10, -1], [0, 16, -1]])
    assert find_bad_vintages(lent, late, rulebook=CHINA, on=DAY) == [(2, 1)]
    late[2, 1] = 15
    assert find_bad_vintages(lent, late, rulebook=CHINA, on=DAY) == []
