"""Classes, provisions and expected loss over columns, to the fen."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit import limits
from huitong.risk.credit.assets.adequacy import check_provisions
from huitong.risk.credit.assets.classes import (
    AssetClass,
    AssetColumns,
    grade_assets,
    reckon_special_provisions,
)
from huitong.risk.credit.assets.columns import PARTS, take_share
from huitong.risk.credit.assets.losses import (
    LossColumns,
    find_stages,
    reckon_losses,
    share_outstanding,
)
from huitong.risk.credit.assets.scenarios import Scenario, list_scenarios

DAY = date(2026, 11, 26)
CHINA = Rulebook.load()
ONE = (
    Scenario(
        name="base", weight=Decimal(1), default_multiples=(Decimal(1),), loss_multiple=Decimal(1)
    ),
)


def make_assets(days: list[int], **change: Any) -> AssetColumns:
    count = len(days)
    columns = AssetColumns(
        exposure=np.full(count, 100_000, np.int64),
        overdue_days=np.array(days, np.int64),
        debtor=np.arange(count),
        is_corporate=np.zeros(count, np.bool_),
        is_card=np.zeros(count, np.bool_),
        is_in_observation=np.zeros(count, np.bool_),
    )
    return replace(columns, **change)


def make_loans(count: int = 1, **change: Any) -> LossColumns:
    """Loans of 100,000.00 at the end of a year, with a PD of 12 % and an LGD of 65 %."""
    columns = LossColumns(
        exposure=np.full(count, 10_000_000, np.int64),
        overdue_days=np.zeros(count, np.int64),
        months_left=np.full(count, 12, np.int64),
        asset_class=np.zeros(count, np.int8),
        annual_pd=np.full(count, 0.12),
        annual_pd_at_start=np.full(count, 0.12),
        loss_given_default=np.full(count, 0.65),
        annual_rate=np.zeros(count),
        is_level=np.zeros(count, np.bool_),
    )
    return replace(columns, **{name: np.asarray(each) for name, each in change.items()})


@pytest.mark.parametrize(
    ("days", "loan", "card"),
    [
        (0, 0, 0), (1, 1, 1), (90, 1, 1), (91, 2, 2), (120, 2, 2), (121, 2, 3), (180, 2, 3),
        (181, 2, 4), (270, 2, 4), (271, 3, 4), (360, 3, 4), (361, 4, 4), (4_000, 4, 4),
    ],
)  # fmt: skip
def test_classes_follow_days_overdue(days: int, loan: int, card: int) -> None:
    columns = make_assets([days, days], is_card=np.array([False, True]))
    assert grade_assets(columns, rulebook=CHINA, on=DAY).tolist() == [loan, card]


def test_what_was_restructured_is_at_least_special_mention() -> None:
    columns = make_assets([0, 100], is_in_observation=np.array([True, True]))
    assert grade_assets(columns, rulebook=CHINA, on=DAY).tolist() == [1, 2]


def test_a_corporate_debtor_of_whom_more_than_a_tenth_is_bad_is_bad_altogether() -> None:
    exposure = np.array([9_000, 1_000, 8_999, 1_001, 8_999, 1_001], np.int64)
    columns = make_assets(
        [0, 100, 0, 100, 0, 400],
        exposure=exposure,
        debtor=np.array([1, 1, 2, 2, 3, 3]),
        is_corporate=np.array([True] * 4 + [False] * 2),
    )
    # Exactly a tenth is not more; and a person's other loans are judged by themselves.
    assert grade_assets(columns, rulebook=CHINA, on=DAY).tolist() == [0, 2, 2, 2, 0, 4]


def test_special_provisions_are_rounded_up_to_whole_fen() -> None:
    classes = np.array([0, 1, 2, 3, 4], np.int8)
    exposure = np.full(5, 100_001, np.int64)
    found = reckon_special_provisions(classes, exposure, rulebook=CHINA, on=DAY)
    assert found.tolist() == [0, 2_001, 25_001, 50_001, 100_001]


@given(st.integers(0, limits.AMOUNT_MAX), st.integers(0, PARTS))
def test_shares_are_exact_and_rounded_up(amount: int, parts: int) -> None:
    found = take_share(np.array([amount], np.int64), np.array([parts], np.int64))
    assert found.tolist() == [-(-amount * parts // PARTS)]


def test_the_worked_expected_loss() -> None:
    found = reckon_losses(make_loans(), ONE, rulebook=CHINA, on=DAY)
    assert found.stages.tolist() == [1]
    assert found.provisions.tolist() == [780_000]


def test_stage_three_loses_what_is_lost_given_default() -> None:
    late = make_loans(2, overdue_days=np.array([90, 91], np.int64))
    found = reckon_losses(late, ONE, rulebook=CHINA, on=DAY)
    assert found.stages.tolist() == [2, 3]
    assert found.provisions.tolist() == [780_000, 6_500_000]


def test_stages_two_looks_at_the_whole_life() -> None:
    columns = make_loans(
        2,
        months_left=np.full(2, 24, np.int64),
        overdue_days=np.array([30, 31], np.int64),
        annual_pd=np.full(2, 0.12),
    )
    found = reckon_losses(columns, ONE, rulebook=CHINA, on=DAY)
    assert found.stages.tolist() == [1, 2]
    # A year: 12 %; two years: 1 - 0.88² = 22.56 %.
    assert found.provisions.tolist() == [780_000, 1_466_400]


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ({}, 1),
        ({"asset_class": np.array([1], np.int8)}, 2),
        ({"asset_class": np.array([2], np.int8)}, 3),
        ({"annual_pd_at_start": [0.06]}, 2),
        ({"annual_pd_at_start": [0.061]}, 1),
        # Four times as likely, and still unlikely.
        ({"annual_pd": [0.04], "annual_pd_at_start": [0.01]}, 1),
    ],
)
def test_stages_by_what_changed(change: dict[str, Any], stage: int) -> None:
    assert find_stages(make_loans(**change), rulebook=CHINA, on=DAY).tolist() == [stage]


def test_scenarios_are_weighed_and_multiply_hazards() -> None:
    scenarios = (
        replace(ONE[0], weight=Decimal("0.6")),
        replace(
            ONE[0],
            name="bad",
            weight=Decimal("0.4"),
            default_multiples=(Decimal(2),),
            loss_multiple=Decimal("1.2"),
        ),
    )
    found = reckon_losses(make_loans(), scenarios, rulebook=CHINA, on=DAY)
    # 0.6·0.12·0.65 + 0.4·(1 - 0.88²)·0.78 = 0.0468 + 0.07038720.
    assert found.provisions.tolist() == [1_171_872]


def test_multiples_may_change_from_year_to_year() -> None:
    columns = make_loans(months_left=[24], overdue_days=np.array([40]))
    worse_later = (replace(ONE[0], default_multiples=(Decimal(1), Decimal(2))),)
    found = reckon_losses(columns, worse_later, rulebook=CHINA, on=DAY)
    # 1 - 0.88·0.88².
    assert found.provisions.tolist() == [round((1 - 0.88**3) * 0.65 * 10_000_000)]


def test_level_repayments_and_discount_lower_the_loss() -> None:
    level = reckon_losses(make_loans(is_level=[True]), ONE, rulebook=CHINA, on=DAY)
    hazard = 1 - 0.88 ** (1 / 12)
    expected = sum(hazard * (1 - hazard) ** k * (1 - k / 12) for k in range(12)) * 0.65
    assert level.provisions[0] == pytest.approx(expected * 10_000_000, abs=1)
    discounted = reckon_losses(make_loans(annual_rate=[0.1]), ONE, rulebook=CHINA, on=DAY)
    at_ends = sum(hazard * (1 - hazard) ** k * 1.1 ** (-(k + 1) / 12) for k in range(12)) * 0.65
    assert discounted.provisions[0] == pytest.approx(at_ends * 10_000_000, abs=1)


def test_what_is_owed_after_some_payments() -> None:
    months, none, some = np.array([12]), np.zeros(1), np.array([0.12])
    assert share_outstanding(6, months, none)[0] == 0.5
    assert share_outstanding(0, months, some)[0] == pytest.approx(1)
    assert share_outstanding(6, months, some)[0] == pytest.approx(
        (1.01**12 - 1.01**6) / (1.01**12 - 1)
    )
    assert share_outstanding(12, months, some)[0] == pytest.approx(0)
    assert share_outstanding(20, months, some)[0] == pytest.approx(0)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**10), st.integers(0, 400), st.integers(0, 60),
            st.floats(0, 1), st.floats(0, 1), st.booleans(),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_a_provision_is_never_negative_nor_above_the_exposure(rows: list[Any]) -> None:
    exposure, days, months, pd, lgd, level = (np.array(each) for each in zip(*rows, strict=True))
    columns = make_loans(
        len(rows),
        exposure=exposure.astype(np.int64),
        overdue_days=days.astype(np.int64),
        months_left=months.astype(np.int64),
        annual_pd=pd.astype(float),
        loss_given_default=lgd.astype(float),
        is_level=level,
    )
    found = reckon_losses(columns, list_scenarios(CHINA, DAY), rulebook=CHINA, on=DAY)
    assert (found.provisions >= 0).all()
    assert (found.provisions <= columns.exposure).all()
    one = reckon_losses(
        LossColumns(**{name: getattr(columns, name)[:1] for name in columns.__dataclass_fields__}),
        list_scenarios(CHINA, DAY),
        rulebook=CHINA,
        on=DAY,
    )
    assert one.provisions[0] == found.provisions[0]


def test_no_loans_need_no_provisions() -> None:
    found = reckon_losses(make_loans(0), ONE, rulebook=CHINA, on=DAY)
    assert found.provisions.tolist() == []
    assert grade_assets(make_assets([]), rulebook=CHINA, on=DAY).tolist() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"annual_pd": [np.nan]}, "annual_pd"),
        ({"annual_pd": [1.01]}, "annual_pd"),
        ({"loss_given_default": [-0.1]}, "loss_given_default"),
        ({"exposure": np.array([-1])}, "exposure"),
        ({"exposure": np.array([limits.AMOUNT_MAX + 1])}, "exposure"),
        ({"exposure": np.array([1.5])}, "exposure"),
        ({"months_left": np.array([limits.HORIZON_MONTHS_MAX + 1])}, "months_left"),
        ({"overdue_days": np.array([-1])}, "overdue_days"),
        ({"is_level": [True, False]}, "is_level"),
        ({"asset_class": np.array([5], np.int8)}, "asset_class"),
    ],
)
def test_bad_columns_are_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        reckon_losses(make_loans(**change), ONE, rulebook=CHINA, on=DAY)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "scenarios",
    [
        (),
        (replace(ONE[0], weight=Decimal("0.9")),),
        (replace(ONE[0], default_multiples=()),),
        (replace(ONE[0], loss_multiple=Decimal(-1)),),
    ],
)
def test_unsound_scenarios_are_refused(scenarios: tuple[Scenario, ...]) -> None:
    with pytest.raises(InvalidField) as caught:
        reckon_losses(make_loans(), scenarios, rulebook=CHINA, on=DAY)
    assert caught.value.field == "scenarios"


def test_the_scenarios_of_the_rulebook_are_sound() -> None:
    scenarios = list_scenarios(CHINA, DAY)
    assert [each.name for each in scenarios] == ["base", "upside", "downside"]
    assert sum(each.weight for each in scenarios) == 1


def test_class_names() -> None:
    assert [each.chinese for each in AssetClass] == ["正常", "关注", "次级", "可疑", "损失"]


def test_the_two_supervised_ratios() -> None:
    def check(loans: str, bad: str, provisions: str) -> Any:
        return check_provisions(
            loans=Money.parse(loans, "CNY"),
            bad_loans=Money.parse(bad, "CNY"),
            provisions=Money.parse(provisions, "CNY"),
            rulebook=CHINA,
            on=DAY,
        )

    enough = check("1000.00", "15.00", "25.00")
    assert enough.loan_ratio == Decimal("0.025")
    assert enough.is_loan_ratio_met
    assert enough.is_coverage_met
    little = check("1000.00", "20.00", "24.99")
    assert (little.is_loan_ratio_met, little.is_coverage_met) == (False, False)
    nothing = check("0.00", "0.00", "0.00")
    assert (nothing.loan_ratio, nothing.coverage) == (None, None)
    with pytest.raises(InvalidField) as caught:
        check("1.00", "2.00", "0.00")
    assert caught.value.field == "bad_loans"
