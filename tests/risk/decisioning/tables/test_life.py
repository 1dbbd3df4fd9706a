"""A table goes live by two people when its own tests pass, answers, and is asked again."""

import asyncio
import time
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from tests.risk.decisioning.rules.conftest import Desk
from tests.risk.decisioning.tables.conftest import (
    DAY,
    ELIGIBILITY,
    price_document,
    save,
    set_live,
)

from huitong import risk
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.risk import VersionState
from huitong.risk.decisioning.tables.decision_table import DecisionTable

CASE = {"grade": "B", "term_months": 24, "amount": 5_000_000}


async def ask(desk: Desk, inputs: Any = None, name: str = "loan_price") -> risk.TableAnswer:
    answer: risk.TableAnswer = await desk.run(
        lambda uow: risk.ask_table(
            uow, name, inputs or CASE, answer_id=uuid7(), subject_id=uuid7(), now=desk.now
        )
    )
    return answer


async def test_a_live_table_answers_is_recorded_and_comes_out_again(desk: Desk) -> None:
    version = await save(desk)
    with pytest.raises(risk.TableNotLive):
        await ask(desk)
    live = await set_live(desk, version)
    assert (live.state, live.effective_from, live.number) == (VersionState.LIVE, DAY, 1)

    answer = await ask(desk)

    assert (answer.rows, answer.outputs) == (("b_long",), ({"rate": "0.0780"},))
    stored = await desk.run(lambda uow: risk.get_table_answer(uow, answer.id))
    assert stored == answer
    assert (stored.version_id, stored.asked_by) == (version.id, "stf_test")
    replay = await desk.run(lambda uow: risk.replay_table_answer(uow, stored))
    assert replay.is_same
    assert replay.rows == ("b_long",)


async def test_an_answer_is_replayed_by_the_version_of_then(desk: Desk) -> None:
    await set_live(desk, await save(desk))
    answer = await ask(desk)
    rows = [{**each, "then": {"rate": "0.2"}} for each in price_document()["rows"]]
    tests = [{**each, "expect": {"rate": "0.2"}} for each in price_document()["tests"]]
    await set_live(desk, await save(desk, price_document(rows=rows, tests=tests)))

    assert (await ask(desk)).outputs == ({"rate": "0.2"},)
    assert (await desk.run(lambda uow: risk.replay_table_answer(uow, answer))).is_same


async def test_a_table_whose_tests_fail_is_saved_but_does_not_go_live(desk: Desk) -> None:
    tests = [{**price_document()["tests"][0], "expect": {"rate": "0.0481"}}]
    version = await save(desk, price_document(tests=tests))
    with pytest.raises(risk.TableTestsFailed) as refused:
        await set_live(desk, version)
    assert refused.value.detail == "the best grade for a year"
    kept = await desk.run(lambda uow: risk.get_table_version(uow, version.id))
    assert kept.state is VersionState.DRAFT


async def test_the_next_version_takes_over_on_its_day(desk: Desk) -> None:
    first, second = await save(desk), await save(desk)
    tomorrow = DAY + timedelta(days=1)
    await set_live(desk, first)
    await set_live(desk, second, day=tomorrow)
    assert (await ask(desk)).version_id == first.id
    desk.now += timedelta(days=1)
    assert (await ask(desk)).version_id == second.id
    ended = await desk.run(lambda uow: risk.get_table_version(uow, first.id))
    assert ended.effective_to == tomorrow


async def test_what_is_live_is_retired_by_two_and_a_draft_by_one(desk: Desk) -> None:
    draft, live = await save(desk), await save(desk)
    await set_live(desk, live)
    with pytest.raises(risk.TableStateRefused):
        await desk.run(lambda uow: risk.retire_table(uow, version_id=live.id, now=desk.now))
    gone = await desk.run(lambda uow: risk.retire_table(uow, version_id=draft.id, now=desk.now))
    assert gone.state is VersionState.RETIRED
    approval_id = await desk.approve("risk.retire_table")
    await desk.run(
        lambda uow: risk.retire_table(
            uow, version_id=live.id, approval_id=approval_id, now=desk.now
        )
    )
    with pytest.raises(risk.TableNotLive):
        await ask(desk)


async def test_the_wrong_digest_or_day_or_state_is_refused(desk: Desk) -> None:
    version = await save(desk)
    with pytest.raises(risk.TableAltered):
        await set_live(desk, version, digest="0" * 64)
    with pytest.raises(InvalidField):
        await set_live(desk, version, day=date(2026, 11, 25))
    await set_live(desk, version)
    with pytest.raises(risk.TableStateRefused):
        await set_live(desk, version)


async def test_two_who_save_at_once_get_numbers_of_their_own(desk: Desk) -> None:
    saved = await asyncio.gather(*(save(desk) for _ in range(4)))
    assert sorted(each.number for each in saved) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({**CASE, "amount": 5_000_000.0}, "inputs.amount"),
        ({**CASE, "amount": 0}, "inputs.amount"),
        ({**CASE, "amount": None}, "inputs.amount"),
        ({**CASE, "grade": "E"}, "inputs.grade"),
        ({"grade": "A"}, "inputs."),
        ({**CASE, "age": 5}, "inputs.age"),
    ],
)
async def test_bad_inputs_are_refused_and_nothing_is_written(
    desk: Desk, inputs: Any, field: str
) -> None:
    await set_live(desk, await save(desk))
    with pytest.raises(InvalidField) as refused:
        await ask(desk, inputs)
    assert (refused.value.field or "").startswith(field)
    with pytest.raises(InvalidField) as unknown:
        await ask(desk, name="loan_weather")
    assert unknown.value.field == "name"
    assert await desk.count("risk.table_answers") == 0


async def test_a_table_that_takes_too_long_is_a_fault_and_nothing_is_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_live(desk, await save(desk))
    monkeypatch.setattr(limits, "TABLE_SECONDS_MAX", 0.01)
    monkeypatch.setattr(DecisionTable, "ask", lambda *_: time.sleep(0.2))
    with pytest.raises(risk.TableTooSlow):
        await ask(desk)
    assert await desk.count("risk.table_answers") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE risk.table_versions SET content = '{}'",
        "UPDATE risk.table_versions SET state = 'draft'",
        "UPDATE risk.table_answers SET took_us = 1",
        "DELETE FROM risk.table_answers",
        "DELETE FROM risk.table_versions",
    ],
)
async def test_the_database_keeps_versions_and_answers_as_they_are(
    desk: Desk, statement: str
) -> None:
    await set_live(desk, await save(desk))
    await ask(desk)
    with pytest.raises(DBAPIError):
        await desk.run(lambda uow: uow.execute(statement))


@pytest.mark.parametrize(
    ("change", "outcome", "row"),
    [
        ({}, "eligible", "eligible"),
        ({"age": 66}, "refused", "too_old"),
        ({"use": "property"}, "refused", "forbidden_use"),
        ({"exposure": 20_000_001}, "refused", "above_limit"),
        ({"exposure": 20_000_000}, "eligible", "eligible"),
        ({"term_months": 61}, "refused", "term_too_long"),
        ({"overdue_days": 1}, "refused", "overdue_now"),
        ({"debt_to_income": "0.50000000000000001"}, "refused", "debts_too_high"),
        ({"debt_to_income": "0.5"}, "eligible", "eligible"),
        ({"debt_to_income": None}, "review", "income_not_known"),
        ({"overdue_days_24m": 31}, "review", "was_overdue"),
        ({"overdue_days_24m": None}, "review", "no_report"),
    ],
)
async def test_the_default_eligibility_says_who_may_borrow(
    desk: Desk, change: Any, outcome: str, row: str
) -> None:
    document = risk.default_table("loan_eligibility", Rulebook.load(), DAY)
    await set_live(desk, await save(desk, document, ELIGIBILITY))
    honest = {"age": 30, "amount": 1_000_000, "term_months": 12, "use": "consumption",
              "exposure": 1_000_000, "debt_to_income": "0.31", "overdue_days": 0,
              "overdue_days_24m": 0}  # fmt: skip

    answer = await ask(desk, {**honest, **change}, "loan_eligibility")

    assert (answer.outputs[0]["outcome"], answer.rows) == (outcome, (row,))
    assert answer.outputs[0]["reason_zh"]
    assert answer.outputs[0]["reason_en"]
