"""Strategies of collection: versions, what they may hold, and what they are warned of."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.lending.loans.collecting import Desk
from tests.lending.loans.conftest import RULES, TODAY, Bank

from huitong import lending
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.lending import collections

STANDARD = collections.standard_strategy(lending.Purpose.CONSUMER, effective_from=TODAY)
STEP = STANDARD.segments[0].steps[0]
SEGMENT = STANDARD.segments[0]


@pytest.fixture
def desk(bank: Bank) -> Desk:
    return Desk(bank)


def test_a_strategy_is_what_it_was_when_it_was_approved() -> None:
    assert collections.read_strategy(collections.write_strategy(STANDARD)) == STANDARD


def test_no_text_of_the_standard_strategy_names_anybody() -> None:
    steps = [*STANDARD.before_due, *(each for seg in STANDARD.segments for each in seg.steps)]
    for step in steps:
        for text in (step.text_zh, step.text_en):
            left = text.replace("{amount}", "").replace("{due_on}", "").replace("{days}", "")
            assert not set("{}@") & set(left)
            assert not any(word in left for word in ("姓名", "家人", "单位", "family", "employer"))


async def test_versions_follow_each_other_and_none_begins_in_the_past(desk: Desk) -> None:
    first = await desk.agree()
    assert (first.version, first.new) == (1, STANDARD)
    with pytest.raises(collections.StrategyRefused):
        await desk.agree()
    late = replace(STANDARD, effective_from=TODAY - timedelta(days=1))
    with pytest.raises(InvalidField):
        await desk.bank.run(collections.check_strategy, late)
    second = await desk.agree(effective_from=TODAY + timedelta(days=7), before_due=())
    assert (second.version, second.new.before_due) == (2, ())
    found = await desk.bank.read(collections.list_strategies, lending.Purpose.CONSUMER)
    assert [each.version for each in found] == [1, 2]
    with pytest.raises(collections.StrategyNotFound):
        await desk.bank.read(collections.list_strategies, lending.Purpose.FARM)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name_en": " "}, "name_en"),
        ({"segments": ()}, "segments"),
        ({"segments": (replace(SEGMENT, code="before_due"),)}, "segments.0.code"),
        ({"segments": (SEGMENT, SEGMENT)}, "segments.1.code"),
        ({"segments": (replace(SEGMENT, days_min=0),)}, "segments.0.days_min"),
        ({"segments": (replace(SEGMENT, amount_min=-1),)}, "segments.0.amount_min"),
        ({"segments": (replace(SEGMENT, score_max=-1),)}, "segments.0.score_max"),
        ({"before_due": (STEP,)}, "before_due.0.day"),
        (
            {"before_due": (replace(STEP, day=0),)},
            "before_due.0.is_automatic",
        ),
        ({"segments": (replace(SEGMENT, steps=(STEP, STEP)),)}, "segments.0.steps.1.channel"),
        (
            {"segments": (replace(SEGMENT, steps=(replace(STEP, is_automatic=True),)),)},
            "segments.0.steps.0.channel",
        ),
        *(
            (
                {"segments": (replace(SEGMENT, steps=(replace(STEP, text_en=text),)),)},
                "segments.0.steps.0.text_en",
            )
            for text in (
                "",
                "Dear {name}",
                "{amount.__class__}",
                "{amount!r}",
                "{days:9999}",
                "{}",
                "{amount",
                "see https://example.com",
                "two\nlines",
            )
        ),
    ],
)
async def test_what_no_strategy_may_hold_is_refused_with_its_field(
    desk: Desk, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidField) as caught:
        await desk.agree(**changes)
    assert caught.value.field == field
    assert await desk.rows("SELECT count(*) FROM lending.collection_strategies") == [(0,)]


def test_stages_shorter_than_the_guideline_advises_are_warned_of() -> None:
    (warning,) = collections.list_warnings(STANDARD, rulebook=RULES, on=TODAY)
    assert "collection.cycle.days.min" in warning
    wide = replace(STANDARD, segments=(SEGMENT,))
    assert collections.list_warnings(wide, rulebook=RULES, on=TODAY) == []


async def test_one_approval_is_one_version(desk: Desk) -> None:
    approval_id = uuid7()
    await desk.bank.run(collections.add_strategy, STANDARD, approval_id=approval_id)
    later = replace(STANDARD, effective_from=TODAY + timedelta(days=1))
    with pytest.raises(Exception, match="approval_id"):
        await desk.bank.run(collections.add_strategy, later, approval_id=approval_id)
