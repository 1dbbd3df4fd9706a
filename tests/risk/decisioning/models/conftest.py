"""A small model of payments, trained here, and a desk where payments are decided with it."""

import random
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import numpy as np
import pytest
from tests.risk.decisioning.rules.conftest import Desk

from huitong import risk
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.rulebook.loader import load_rules
from huitong.risk.fraud.training import TrainingData, train_fraud_model

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
RULEBOOK = Rulebook.load()
NAMES = tuple(sorted(name for name, kind in risk.PAYMENT_FEATURES.items() if kind.value != "text"))
#: The models of these tests learned that fraud is above this, more or less, in minor units.
LARGE = 500_000


def make_training_data(count: int = 6_000, *, seed: int = 5, large: int = LARGE) -> TrainingData:
    """Payments between accounts without history, as those that these tests make."""
    chance = np.random.default_rng(seed)
    matrix = np.zeros((count, len(NAMES)))
    for index, name in enumerate(NAMES):
        if name.endswith("_seconds") or name.startswith(("seconds_since", "mean_", "amount_to")):
            matrix[:, index] = np.where(chance.random(count) < 0.5, np.nan, 100.0)
    amount = chance.integers(1, 2 * large, count)
    matrix[:, NAMES.index("amount")] = amount
    matrix[:, NAMES.index("hour")] = chance.integers(0, 24, count)
    matrix[:, NAMES.index("weekday")] = chance.integers(1, 8, count)
    is_fraud = (amount > large) ^ (chance.random(count) < 0.02)
    return TrainingData(
        feature_names=NAMES,
        matrix=matrix,
        labels=is_fraud.astype(np.float64),
        first_on=date(2026, 6, 1),
        last_on=date(2026, 6, 30),
        source="A made history",
    )


@pytest.fixture(scope="session")
def trained() -> risk.TrainedModel:
    return train_fraud_model(make_training_data(), seed=1)


@pytest.fixture(scope="session")
def retrained() -> risk.TrainedModel:
    return train_fraud_model(make_training_data(4_000, seed=6), seed=2)


@dataclass
class Clock:
    """A clock that goes on by `step` seconds each time that it is read."""

    step: float = 0.0
    at: float = 1_000.0

    def __call__(self) -> float:
        self.at += self.step
        return self.at


@dataclass
class Models:
    """A registry, and a process that decides about payments by it."""

    database: Database
    desk: Desk
    owner_url: str
    clock: Clock = field(default_factory=Clock)
    decider: risk.PaymentDecider = field(init=False)
    cache: risk.ModelCache = field(init=False)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Be another process: nothing is known but what the database knows."""
        catalogues = {risk.Purpose.PAYMENT: risk.PAYMENT_FEATURES}
        rules = risk.RuleCache(self.database, catalogues, now=lambda: NOW)
        self.cache = risk.ModelCache(self.database, catalogues, now=lambda: NOW, clock=self.clock)
        self.decider = risk.PaymentDecider(self.database, rules, RULEBOOK, models=self.cache)

    async def learn(self) -> None:
        await self.decider.rules.learn_news()  # type: ignore[attr-defined]
        await self.cache.learn_news()

    async def run(self, command: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        return await self.desk.run(command)

    async def as_owner(self, statement: str) -> None:
        """Change what nobody may change, as somebody with the database in their hands."""
        owner = await asyncpg.connect(self.owner_url)
        try:
            await owner.execute(statement)
        finally:
            await owner.close()

    async def install(self, model: risk.TrainedModel) -> risk.RegisteredModel:
        return await self.run(lambda uow: risk.install_first_model(uow, model=model, now=NOW))

    async def register(self, model: risk.TrainedModel) -> risk.RegisteredModel:
        return await self.run(lambda uow: risk.register_model(uow, model=model, now=NOW))

    async def set_status(
        self, model: risk.RegisteredModel, status: risk.ModelStatus
    ) -> risk.RegisteredModel:
        approval_id = await self.desk.approve("risk.set_model_status")
        return await self.run(
            lambda uow: risk.set_model_status(
                uow,
                model_id=model.id,
                status=status,
                approval_id=approval_id,
                rulebook=RULEBOOK,
                now=NOW,
            )
        )

    async def reuse(self, model: risk.RegisteredModel, *, now: datetime = NOW) -> None:
        approval_id = await self.desk.approve("risk.reuse_model")
        await self.run(
            lambda uow: risk.reuse_model(uow, model_id=model.id, approval_id=approval_id, now=now)
        )

    def make(self, amount: int, *, order_id: uuid.UUID | None = None) -> risk.PaymentSubject:
        """Return a payment between two accounts of its own."""
        payer, payee = self.chance.sample(range(10**11, 2 * 10**11), 2)
        facts = risk.PaymentFacts(
            payer_account_id=payer,
            payee_account_id=payee,
            amount=amount,
            kind="transfer",
            account_class=self.chance.choice([1, 2, 3, None]),
            is_strong=self.chance.random() < 0.5,
            device_id=uuid.uuid4() if self.chance.random() < 0.5 else None,
        )
        entities = (risk.Entity.of_account(payer),)
        return risk.PaymentSubject(id=order_id or uuid7(), facts=facts, entities=entities)

    async def decide(
        self, subjects: Sequence[risk.PaymentSubject], *, at: datetime = NOW
    ) -> list[risk.Decision]:
        """Decide about payments, record the decisions, and count the payments."""
        async with self.database.unit_of_work() as uow:
            connection = await uow.driver()
            decided = await self.decider.decide(connection, subjects, at=at)
            for statement in (
                *risk.make_records(decided),
                risk.make_update([each.facts for each in subjects], at=at),
            ):
                await connection.execute(statement.text, *statement.arguments)
        return decided

    async def decide_amounts(self, *amounts: int) -> list[risk.Decision]:
        return await self.decide([self.make(each) for each in amounts])

    async def stored(self, decision: risk.Decision) -> risk.Decision:
        return await self.run(lambda uow: risk.get_decision(uow, decision.id))

    async def replay(self, decision: risk.Decision) -> risk.Replay:
        return await self.run(lambda uow: risk.replay_decision(uow, decision))

    def with_thresholds(self, **above: str) -> None:
        """Decide by other thresholds than the product's."""
        self.decider.rulebook = change_rulebook(
            {f"risk.model.payment.{name}.above": value for name, value in above.items()}
        )


def change_rulebook(values: Mapping[str, str | int]) -> Rulebook:
    """Return the rulebook with other values of some rules."""
    rules = [
        replace(rule, value=_read(values[rule.key])) if rule.key in values else rule
        for rule in load_rules("CN")
    ]
    return Rulebook("CN", rules)


def _read(value: str | int) -> Decimal | int:
    return value if isinstance(value, int) else Decimal(value)


@pytest.fixture
async def models(database: Database, owner_url: str) -> Models:
    made = Models(database, Desk(database, now=NOW, catalogue=risk.PAYMENT_FEATURES), owner_url)
    await made.learn()
    return made
