"""Deciding about what is not a payment, from features that its room hands over, and labels."""

import math
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from tests.risk.decisioning.rules.conftest import Desk

from huitong import risk
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
CATALOGUE = risk.default_catalogue(risk.Purpose.LOG_IN)
QUIET: dict[str, risk.Value] = {
    **dict.fromkeys(CATALOGUE),
    "is_new_place": False,
    "is_new_device": False,
    "is_night": False,
    "method": "password",
    "failures_1h": 0.0,
    "address_failures_1h": 0,
    "address_logins_today": 1.0,
}


@dataclass(frozen=True)
class LogIn:
    id: uuid.UUID
    entities: tuple[risk.Entity, ...] = ()


@dataclass
class Gate:
    database: Database
    desk: Desk
    rules: risk.RuleCache
    decider: risk.Decider

    async def decide(self, *given: tuple[LogIn, dict[str, risk.Value]]) -> list[risk.Decision]:
        async with self.database.unit_of_work() as uow:
            decided = await self.decider.decide(
                uow, [each for each, _ in given], [values for _, values in given], at=NOW
            )
            await risk.record_decisions(uow, decided)
        return decided


@pytest.fixture
def gate(database: Database) -> Gate:
    rules = risk.RuleCache(database, {risk.Purpose.LOG_IN: CATALOGUE}, now=lambda: NOW)
    decider = risk.Decider(risk.Purpose.LOG_IN, database, rules, Rulebook.load())
    desk = Desk(database, now=NOW, catalogue=CATALOGUE, purpose=risk.Purpose.LOG_IN)
    return Gate(database, desk, rules, decider)


async def test_a_batch_is_decided_by_the_rules_of_its_purpose_and_replays(gate: Gate) -> None:
    await gate.desk.make_live("failures_1h >= 5 and is_new_device", action="step_up")
    await gate.rules.learn_news()
    usual, strange = LogIn(uuid7()), LogIn(uuid7())
    decided = await gate.decide(
        (usual, QUIET), (strange, {**QUIET, "is_new_device": True, "failures_1h": 6})
    )
    assert [each.action for each in decided] == [risk.Action.ALLOW, risk.Action.STEP_UP]
    stored = await gate.desk.run(lambda uow: risk.get_decision(uow, strange.id))
    assert (stored.purpose, stored.hits) == (risk.Purpose.LOG_IN, ("large",))
    values = await gate.desk.run(lambda uow: risk.name_values(uow, stored))
    assert (values["failures_1h"], values["kilometres_per_hour"]) == (6, None)
    assert (await gate.desk.run(lambda uow: risk.replay_decision(uow, stored))).is_same


async def test_prepared_it_needs_no_second_connection_while_it_decides(
    gate: Gate, owner_url: str
) -> None:
    await gate.rules.learn_news()
    await gate.decider.prepare()
    assert await gate.desk.count("risk.feature_names") == 1
    async with Database(owner_url, role="huitong_app", size=1) as narrow:
        decider = risk.Decider(risk.Purpose.LOG_IN, narrow, gate.rules, Rulebook.load())
        await decider.prepare()
        async with narrow.unit_of_work() as uow:
            (decided,) = await decider.decide(uow, [LogIn(uuid7())], [QUIET], at=NOW)
    assert decided.fallback is None


async def test_before_rules_were_read_the_written_policy_of_the_purpose_holds(gate: Gate) -> None:
    (decided,) = await gate.decide((LogIn(uuid7()), QUIET))
    assert (decided.action, decided.fallback) == (risk.Action.STEP_UP, risk.Fallback.NO_RULES)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"failures_1h": math.nan}, "features.failures_1h"),
        ({"failures_1h": math.inf}, "features.failures_1h"),
        ({"failures_1h": True}, "features.failures_1h"),
        ({"is_night": 1}, "features.is_night"),
        ({"is_nigth": True}, "features.is_nigth"),
    ],
)
async def test_a_poisoned_feature_is_refused_by_name(
    gate: Gate, change: dict[str, Any], field: str
) -> None:
    subject = LogIn(uuid7())
    with pytest.raises(InvalidField) as refused:
        await gate.decide((subject, {**QUIET, **change}))
    assert refused.value.field == field
    with pytest.raises(risk.DecisionNotFound):
        await gate.desk.run(lambda uow: risk.get_decision(uow, subject.id))


async def test_a_missing_feature_is_refused_by_name(gate: Gate) -> None:
    values = {name: value for name, value in QUIET.items() if name != "is_night"}
    with pytest.raises(InvalidField) as refused:
        await gate.decide((LogIn(uuid7()), values))
    assert refused.value.field == "features.is_night"


async def test_the_newest_label_of_a_decision_holds_and_all_stay(gate: Gate) -> None:
    await gate.rules.learn_news()
    subject = LogIn(uuid7())
    await gate.decide((subject, QUIET))

    async def say(is_fraud: bool, source: risk.LabelSource) -> None:
        label = risk.Label(decision_id=subject.id, is_fraud=is_fraud, source=source)
        await gate.desk.run(lambda uow: risk.put_labels(uow, [label], now=NOW))

    await say(True, risk.LabelSource.CUSTOMER)
    await say(False, risk.LabelSource.CASE)
    found = await gate.desk.run(lambda uow: risk.find_labels(uow, [subject.id, uuid7()]))
    assert list(found) == [subject.id]
    assert (found[subject.id].is_fraud, found[subject.id].source) == (False, risk.LabelSource.CASE)
    with pytest.raises(DBAPIError, match="permission denied"):
        await gate.desk.run(lambda uow: uow.execute("DELETE FROM risk.labels"))


async def test_a_label_of_no_decision_is_refused_and_none_is_written(gate: Gate) -> None:
    await gate.rules.learn_news()
    subject = LogIn(uuid7())
    await gate.decide((subject, QUIET))
    labels = [
        risk.Label(decision_id=each, is_fraud=True, source=risk.LabelSource.IMPORT)
        for each in (subject.id, uuid7())
    ]
    with pytest.raises(risk.DecisionNotFound):
        await gate.desk.run(lambda uow: risk.put_labels(uow, labels, now=NOW))
    assert await gate.desk.run(lambda uow: risk.find_labels(uow, [subject.id])) == {}
