"""Schedules of level payments: against published cases, and what must hold of all of them."""

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Disbursement,
    EarlyPrincipal,
    MonthBasis,
    Period,
    Plan,
    RateChange,
    Rounding,
    Row,
    TimeUnit,
    YearBasis,
    add_months,
    make_periods,
    make_schedule,
    share_of_year,
)
from huitong.lending.schedules.progressive import make_general_schedule

CASES = Path(__file__).resolve().parents[3] / "shared" / "data" / "7-loans"
D = Decimal
MONTHLY = Cycle(1, TimeUnit.MONTHS)
DAYS_30_360 = DayCount(YearBasis.DAYS_360, MonthBasis.DAYS_30)
START = date(2024, 1, 1)
#: What the published file names by variables only, by the part of the test's name.
HIDDEN_AMOUNTS = {"Amt300": [10_000, 20_000], "Amt150": [10_000, 5_000, 2_500]}
HIDDEN_EARLY = {
    "op1stCorrectionAmount": EarlyPrincipal(date(2024, 3, 1), date(2024, 2, 15), 1_677),
    "op2ndCorrectionAmount": EarlyPrincipal(date(2024, 4, 1), date(2024, 3, 1), 1_642),
}


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "periods": make_periods(START, MONTHLY, 6),
        "cycle": MONTHLY,
        "day_count": DAYS_30_360,
        "annual_rate": D("0.094822"),
        "disbursements": (Disbursement(START, 10_000),),
    }
    return Plan(**(values | changes))


def figures(rows: list[Row]) -> list[tuple[int, int, int, int]]:
    return [(row.payment, row.interest, row.principal, row.balance) for row in rows]


def test_a_level_loan_by_30_360() -> None:
    assert figures(make_schedule(plan())) == [
        (1713, 79, 1634, 8366),
        (1713, 66, 1647, 6719),
        (1713, 53, 1660, 5059),
        (1713, 40, 1673, 3386),
        (1713, 27, 1686, 1700),
        (1713, 13, 1700, 0),
    ]


class Story:
    """One published case: its terms so far, and the rows that must come of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.terms: dict[str, Any] = {}
        self.periods: list[Period] = []
        self.lent: list[Disbursement] = []
        self.changes: list[RateChange] = []
        self.early: list[EarlyPrincipal] = []
        self.is_known = True

    def take(self, event: dict[str, Any]) -> None:
        if "period" in event:
            self.periods.append(Period(read_day(event["from"]), read_day(event["due"])))
        elif "call" in event:
            self.call(event["call"], event["args"])
        else:
            self.terms |= {event.get("money_var", ""): event.get("value")} | event

    def call(self, name: str, args: str) -> None:
        if name == "addDisbursement":
            amounts = next((v for k, v in HIDDEN_AMOUNTS.items() if k in self.name), None)
            value = round(self.terms["disbursedAmount"] * 100)
            amount = value if amounts is None else amounts[len(self.lent)]
            self.lent.append(Disbursement(read_day(args.split(")", maxsplit=1)[0]), amount))
        elif name == "changeInterestRate":
            self.changes.append(RateChange(date(2024, 2, 1), D("0.04")))
        elif name == "payPrincipal" and "toMoney" in args:
            due, on = re.findall(r"LocalDate.of\(([^)]*)\)", args)
            amount = re.findall(r"toMoney\(([\d.]+)\)", args)[0]
            self.early.append(EarlyPrincipal(read_day(due), read_day(on), round(D(amount) * 100)))
        elif name == "payPrincipal" and "balance_correction" in self.name:
            found = [each for key, each in HIDDEN_EARLY.items() if key in args]
            self.early.extend(found)
        elif name == "payPrincipal":
            self.is_known = False

    def rows(self) -> list[Row]:
        terms = self.terms
        month = MonthBasis.DAYS_30 if terms["DaysInMonthType"] == "DAYS_30" else MonthBasis.ACTUAL
        made = plan(
            periods=tuple(self.periods),
            cycle=Cycle(terms["repayEvery"], TimeUnit(terms["frequency"].lower())),
            day_count=DayCount(
                YearBasis(terms["DaysInYearType"].removeprefix("DAYS_").lower()), month
            ),
            annual_rate=D(str(terms["annual_rate_percent"])) / 100,
            disbursements=tuple(self.lent),
            rate_changes=tuple(self.changes),
            early=tuple(self.early),
        )
        return make_schedule(made)


def read_day(text: str) -> date:
    year, month, day = (int(each) for each in re.findall(r"\d+", text))
    return date(year, month, day)


def test_ties_with_published_cases_line_by_line() -> None:
    path = CASES / "fineract_progressive_emi_train.json"
    if not path.exists():
        pytest.skip(f"{path} is not there: the published cases lie beside the checkout only")
    tied = 0
    for case in json.loads(path.read_text()):
        story = Story(case["test"])
        for event in case["events"]:
            if "check" not in event:
                story.take(event)
            elif event["check"][1] == 0 and story.is_known:
                tied += ties(story, event["check"])
    assert tied > 70


def ties(story: Story, check: list[float]) -> int:
    index, level = int(check[0]), round(check[2] * 100)
    interest, principal, balance = (round(each * 100) for each in check[-3:])
    row = story.rows()[index]
    assert (row.payment, row.interest, row.principal) == (level, interest, principal), story.name
    # What is lent or paid early on the due day is in the published balance already.
    lent = sum(each.amount for each in story.lent if each.on == row.due)
    paid = sum(each.amount for each in story.early if each.on == row.due)
    assert row.balance + lent - paid == balance, story.name
    return 1


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12])
def test_money_without_interest_comes_back_in_equal_parts(count: int) -> None:
    periods = make_periods(START, MONTHLY, count)
    rows = make_schedule(plan(periods=periods, annual_rate=D(0)))
    assert sum(row.principal for row in rows) == 10_000
    assert {row.interest for row in rows} == {0}
    assert max(row.payment for row in rows) - min(row.payment for row in rows) <= count


def test_payments_can_be_whole_yuan() -> None:
    rows = make_schedule(plan(multiple=100))
    assert [row.payment for row in rows[:-1]] == [1700] * 5
    assert rows[-1].balance == 0


plans = st.builds(
    plan,
    periods=st.builds(
        make_periods,
        st.dates(date(2020, 1, 1), date(2030, 12, 31)),
        st.sampled_from([MONTHLY, Cycle(2, TimeUnit.WEEKS), Cycle(10, TimeUnit.DAYS)]),
        st.integers(1, 48),
    ),
    annual_rate=st.decimals("0", "0.36", places=6),
    day_count=st.builds(DayCount, st.sampled_from(YearBasis), st.sampled_from(MonthBasis)),
    rounding=st.sampled_from(Rounding),
).flatmap(
    lambda made: st.integers(100, 10**9).map(
        lambda amount: Plan(
            periods=made.periods,
            cycle=made.cycle,
            day_count=made.day_count,
            annual_rate=made.annual_rate,
            rounding=made.rounding,
            disbursements=(Disbursement(made.periods[0].start, amount),),
        )
    )
)


@given(plans)
def test_principal_sums_to_what_was_lent_and_the_balance_never_grows(made: Plan) -> None:
    rows = make_schedule(made)
    lent = made.disbursements[0].amount
    assert sum(row.principal for row in rows) == lent
    balances = [lent, *(row.balance for row in rows)]
    assert balances == sorted(balances, reverse=True)
    assert balances[-1] == 0
    assert all(row.interest >= 0 and row.principal >= 0 for row in rows)


@given(plans)
def test_the_fast_way_gives_the_same_rows(made: Plan) -> None:
    assert make_schedule(made) == make_general_schedule(made)


@given(plans, st.data())
def test_early_principal_saves_interest_and_leaves_the_level(made: Plan, data: Any) -> None:
    before = make_schedule(made)
    if len(before) < 3 or before[1].principal == 0:
        return
    period = made.periods[0]
    on = data.draw(st.dates(period.start, period.due))
    if on == period.due:
        return
    early = EarlyPrincipal(made.periods[1].due, on, before[1].principal)
    rows = make_schedule(
        Plan(
            periods=made.periods,
            cycle=made.cycle,
            day_count=made.day_count,
            annual_rate=made.annual_rate,
            rounding=made.rounding,
            disbursements=made.disbursements,
            early=(early,),
        )
    )
    assert sum(row.principal for row in rows) == made.disbursements[0].amount
    assert rows[-1].balance == 0
    assert sum(row.interest for row in rows) <= sum(row.interest for row in before) + len(rows)


def test_what_lies_outside_the_periods_is_refused() -> None:
    late = date(2030, 1, 1)
    with pytest.raises(ValueError, match="Money is lent on 2030-01-01"):
        make_schedule(plan(disbursements=(Disbursement(late, 1),)))
    with pytest.raises(ValueError, match="rate changes on 2030"):
        make_schedule(plan(rate_changes=(RateChange(late, D(0)),)))
    with pytest.raises(ValueError, match="No payment is due on 2024-02-02"):
        make_schedule(plan(early=(EarlyPrincipal(date(2024, 2, 2), START, 1),)))
    with pytest.raises(ValueError, match="at least one payment"):
        make_periods(START, MONTHLY, 0)
    with pytest.raises(ValueError, match="after the loan begins"):
        make_periods(START, MONTHLY, 2, first_due=START)


def test_due_days_come_back_after_a_short_month() -> None:
    periods = make_periods(date(2024, 1, 31), MONTHLY, 3)
    assert [each.due for each in periods] == [
        date(2024, 2, 29),
        date(2024, 3, 31),
        date(2024, 4, 30),
    ]
    assert add_months(date(2023, 12, 31), 2) == date(2024, 2, 29)


def test_shares_of_a_year_are_exact() -> None:
    january = Period(date(2024, 1, 1), date(2024, 2, 1))
    assert share_of_year(DAYS_30_360, MONTHLY, january, january.start, date(2024, 1, 8)) == (
        210,
        11_160,
    )
    turn = Period(date(2023, 12, 31), date(2024, 1, 2))
    actual = DayCount(YearBasis.ACTUAL, MonthBasis.ACTUAL)
    assert share_of_year(actual, MONTHLY, turn, *turn) == (366 + 365, 365 * 366)
