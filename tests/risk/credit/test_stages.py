"""Stages from day to day: worse at once, better after a cure; loans of a kind reckoned once."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk.credit.test_assets import DAY, ONE, make_loans

from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.risk import StageColumns, find_stages, reckon_losses, settle_stages

CHINA = Rulebook.load()
NEVER = 10**6


def live(found: list[int], *, stage: int = 1, first: int = 0) -> list[int]:
    """Return the stage of each day of a loan whose days are found so."""
    columns = StageColumns(np.array([stage], np.int8), np.array([NEVER]))
    lived = []
    for place, each in enumerate(found):
        columns = settle_stages(
            np.array([each], np.int8),
            columns,
            day=np.array([first + place]),
            never=NEVER,
            rulebook=CHINA,
            on=DAY,
        )
        lived.append(int(columns.stages[0]))
    return lived


def test_worse_holds_at_once_and_better_after_thirty_days() -> None:
    assert live([1, 2, *[1] * 31]) == [1, 2, *[2] * 30, 1]


def test_a_relapse_begins_the_cure_anew() -> None:
    assert live([2, *[1] * 29, 2, *[1] * 31])[-2:] == [2, 1]


def test_what_was_bad_is_cured_stage_by_stage() -> None:
    lived = live([3, *[1] * 211])
    assert lived.index(2) == 181
    assert lived[-1] == 1
    assert lived.index(1) == 211


def test_what_is_cured_of_the_third_stage_only_stays_in_the_second() -> None:
    lived = live([3, *[2] * 400])
    assert lived[180:182] == [3, 2]
    assert lived[-1] == 2


@given(st.lists(st.integers(1, 3), min_size=1, max_size=60), st.integers(1, 3))
def test_a_stage_is_never_better_than_what_is_found_and_falls_by_one(
    found: list[int], stage: int
) -> None:
    lived = live(found, stage=stage)
    for before, day, after in zip([stage, *lived], found, lived, strict=False):
        assert after >= day
        assert after >= before - 1
        assert after == day or after in (before, before - 1)


def test_columns_of_other_lengths_are_refused() -> None:
    columns = StageColumns(np.array([1, 1], np.int8), np.array([NEVER, NEVER]))
    values: Any = {"day": np.array([1]), "never": NEVER, "rulebook": CHINA, "on": DAY}
    with pytest.raises(InvalidField) as refused:
        settle_stages(np.array([1], np.int8), columns, **values)
    assert refused.value.field == "found"
    with pytest.raises(InvalidField) as refused:
        reckon_losses(make_loans(), ONE, rulebook=CHINA, on=DAY, stages=np.array([1, 1], np.int8))
    assert refused.value.field == "stages"


def test_what_is_suspect_is_in_the_second_stage_at_least() -> None:
    loans = make_loans(2, overdue_days=np.array([0, 91], np.int64))
    found = find_stages(loans, rulebook=CHINA, on=DAY, is_suspect=np.array([True, True]))
    assert found.tolist() == [2, 3]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**9),
            st.sampled_from([0, 12, 40, 100]),
            st.integers(0, 36),
            st.sampled_from([0.01, 0.06, 0.2]),
            st.booleans(),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_loans_together_lose_what_each_loses_alone(
    loans: list[tuple[int, int, int, float, bool]],
) -> None:
    exposure, late, months, pds, level = (np.array(each) for each in zip(*loans, strict=True))
    columns = make_loans(
        len(loans),
        exposure=exposure.astype(np.int64),
        overdue_days=late.astype(np.int64),
        months_left=months.astype(np.int64),
        annual_pd=pds,
        is_level=level,
    )
    together = reckon_losses(columns, ONE, rulebook=CHINA, on=DAY)
    assert together.by_scenario[0].tolist() == together.provisions.tolist()
    for place in range(len(loans)):
        alone = replace(
            columns,
            **{
                each.name: getattr(columns, each.name)[place : place + 1]
                for each in fields(columns)
            },
        )
        found = reckon_losses(alone, ONE, rulebook=CHINA, on=DAY)
        assert found.provisions.tolist() == [together.provisions[place]]
