"""A model in the path of log-ins: champion, shadow, fall-back to rules, reasons, and training."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from tests.identity.conftest import House
from tests.identity.deciding import BEIJING, CATALOGUE, SHANGHAI, at, make_live, rule

from huitong import identity, risk
from huitong.identity.errors import LogInBlocked
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.models.log_in_reasons import (
    LOG_IN_CODES,
    LOG_IN_MODEL,
    LOG_IN_MODEL_NAME,
    LOG_IN_TEXTS,
)
from huitong.risk.fraud.platform_data import read_platform_data
from huitong.risk.fraud.training import TrainingData, TrainingDataTooFew, train_fraud_model
from huitong.wiring.log_in_risk import LogInRisk

CATALOGUES = {risk.Purpose.LOG_IN: CATALOGUE}


def make_training_data(count: int = 4_000, *, seed: int = 5) -> TrainingData:
    """Log-ins of which those from a place far from the last one are takeovers, mostly."""
    chance = np.random.default_rng(seed)
    matrix = np.full((count, len(LOG_IN_MODEL)), np.nan)
    distance = np.where(chance.random(count) < 0.7, 0.0, chance.uniform(500, 3_000, count))
    distance[chance.random(count) < 0.2] = np.nan

    def put(name: str, values: Any) -> None:
        matrix[:, LOG_IN_MODEL.index(name)] = values

    put("kilometres_from_last", distance)
    put("is_new_place", chance.random(count) < 0.3)
    put("is_new_device", chance.random(count) < 0.3)
    put("is_night", chance.random(count) < 0.1)
    put("seconds_since_log_in", chance.integers(60, 100_000, count))
    for name in ("failures_1h", "address_failures_1h", "address_logins_today"):
        put(name, chance.poisson(0.3, count))
    is_fraud = (distance > 0) ^ (chance.random(count) < 0.02)
    return TrainingData(
        feature_names=LOG_IN_MODEL,
        matrix=matrix,
        labels=is_fraud.astype(np.float64),
        first_on=date(2026, 6, 1),
        last_on=date(2026, 6, 30),
        source="A made history",
        model_name=LOG_IN_MODEL_NAME,
    )


@pytest.fixture(scope="module")
def trained() -> risk.TrainedModel:
    return train_fraud_model(make_training_data(), seed=1)


@dataclass
class Scored:
    """A house whose log-ins a model looks at beside rules."""

    house: House
    cache: risk.ModelCache

    async def log_in(self, place: Any) -> identity.IssuedSession:
        self.house = replace(self.house, client=at(place))
        issued = await self.house.log_in()
        self.house.advance(minutes=20)
        return issued

    async def last(self) -> risk.Decision:
        rows = await self.house.query("SELECT id FROM risk.decisions ORDER BY id DESC LIMIT 1")
        found: risk.Decision = await self.house.run(lambda uow: risk.get_decision(uow, rows[0].id))
        return found


@pytest.fixture
async def scored(house: Any) -> Scored:
    await make_live(house.desk.database, risk.Purpose.LOG_IN, rule("failures_1h > 99", "block"))
    rules = risk.RuleCache(house.desk.database, CATALOGUES, now=house.clock.now)
    await rules.learn_news()
    cache = risk.ModelCache(house.desk.database, CATALOGUES, now=house.clock.now)
    decider = risk.Decider(
        risk.Purpose.LOG_IN, house.desk.database, rules, Rulebook.load(), models=cache
    )
    opened = replace(house, desk=replace(house.desk, decider=LogInRisk(decider)))
    await opened.with_password()
    return Scored(opened, cache)


async def install(scored: Scored, model: risk.TrainedModel, *, is_champion: bool = True) -> Any:
    command = risk.install_first_model if is_champion else risk.register_model
    found = await scored.house.run(lambda uow: command(uow, model=model, now=scored.house.now))
    await scored.cache.learn_news()
    return found


async def test_the_champion_asks_for_more_where_a_log_in_is_unlike_its_login(
    scored: Scored, trained: risk.TrainedModel
) -> None:
    model = await install(scored, trained)
    await scored.log_in(BEIJING)
    quiet = await scored.last()
    with pytest.raises(LogInBlocked):
        await scored.log_in(SHANGHAI)
    loud = await scored.last()
    assert (quiet.action, loud.action) == (risk.Action.ALLOW, risk.Action.BLOCK)
    assert loud.scoring is not None
    assert loud.scoring.model_id == model.id
    assert (loud.hits, loud.fallback) == ((), None)
    reasons = await scored.house.run(lambda uow: risk.explain_decision(uow, loud))
    assert {each.code for each in reasons} & {"log_in_travel"}


async def test_a_shadow_scores_without_effect(scored: Scored, trained: risk.TrainedModel) -> None:
    shadow = await install(scored, trained, is_champion=False)
    await scored.log_in(BEIJING)
    await scored.log_in(SHANGHAI)
    decision = await scored.last()
    assert decision.action is risk.Action.ALLOW
    assert decision.scoring is not None
    assert decision.scoring.shadow_id == shadow.id
    assert decision.scoring.shadow_score is not None
    assert decision.scoring.shadow_score > 0.9


async def test_without_a_model_rules_decide_alone(scored: Scored) -> None:
    await scored.cache.learn_news()
    await scored.log_in(BEIJING)
    assert (await scored.last()).scoring is None


@pytest.mark.parametrize("trouble", ["slow", "missing"])
async def test_a_model_that_is_slow_or_missing_leaves_it_to_the_rules(
    scored: Scored, trained: risk.TrainedModel, trouble: str
) -> None:
    await install(scored, trained)
    champion = scored.cache.find(risk.Purpose.LOG_IN).champion
    assert champion is not None
    if trouble == "slow":
        champion.guard.seconds_max, champion.guard.slow_calls_max = 0.0, 1
    else:
        champion.guard.scorer = None
    await scored.log_in(BEIJING)
    await scored.log_in(SHANGHAI)
    decision = await scored.last()
    assert decision.action is risk.Action.ALLOW
    assert decision.scoring is not None
    assert decision.scoring.fallback is not None
    assert decision.scoring.fallback.value == f"model_{trouble}"


def test_every_feature_that_is_no_text_has_a_reason_in_both_languages() -> None:
    numbers = {name for name, kind in CATALOGUE.items() if kind.value != "text"}
    assert numbers == set(LOG_IN_MODEL) == set(LOG_IN_CODES)
    assert set(LOG_IN_CODES.values()) == set(LOG_IN_TEXTS)


async def test_it_learns_from_customers_log_ins_and_not_from_those_of_staff(
    scored: Scored, office: Any
) -> None:
    await scored.log_in(BEIJING)
    later = scored.house.now + timedelta(days=8)
    office.house = scored.house
    first = await office.add_first("ming@bank.example")
    await office.issue(first)
    # The first one was for setting the password.
    assert len(await scored.house.query("SELECT id FROM risk.decisions")) == 3

    data = await scored.house.run(
        lambda uow: read_platform_data(uow, purpose=risk.Purpose.LOG_IN, now=later)
    )
    assert (data.model_name, data.matrix.shape) == (LOG_IN_MODEL_NAME, (2, len(LOG_IN_MODEL)))
    assert list(data.labels) == [0.0, 0.0]
    with pytest.raises(TrainingDataTooFew):
        await scored.house.run(lambda uow: read_platform_data(uow, now=later))
