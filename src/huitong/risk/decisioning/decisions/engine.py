"""Deciding about batches of payments in the path: features, lists and rules, all at once."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Protocol

import numpy as np

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.kernel.logs import get_logger
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions import store
from huitong.risk.decisioning.decisions.alerts import is_alert, make_alerts, name_participants
from huitong.risk.decisioning.decisions.batches import (
    Lists,
    Loaded,
    NameKeeper,
    Rules,
    StoredLists,
    Subject,
    decide_batch,
    find_lists,
)
from huitong.risk.decisioning.decisions.breaker import Breaker
from huitong.risk.decisioning.decisions.policy import FallbackPolicy
from huitong.risk.decisioning.decisions.scoring import (
    Models,
    Scored,
    read_policy,
    score_batch,
)
from huitong.risk.decisioning.decisions.telling import list_payer_reasons
from huitong.risk.decisioning.decisions.types import Decision, Fallback, Reason
from huitong.risk.decisioning.decisions.values import name_features
from huitong.risk.decisioning.features import online
from huitong.risk.decisioning.features.columns import PAYMENT_FEATURES
from huitong.risk.decisioning.features.facts import FILE_KINDS, PaymentFacts
from huitong.risk.decisioning.features.marks import MarkRules
from huitong.risk.decisioning.rules.errors import RulesNotLoaded
from huitong.risk.decisioning.rules.lists.types import Entity
from huitong.risk.decisioning.rules.rule_cache import Deciding
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import DTYPES, Column

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaymentSubject:
    """One payment to decide about: its order's id, its facts, and who may be on a list.

    `payees` are those of `entities` who are paid; with `amount` they are told to who looks at it.
    """

    id: uuid.UUID
    facts: PaymentFacts
    entities: tuple[Entity, ...] = ()
    payees: tuple[Entity, ...] = ()
    amount: Money | None = None


class Payable(Subject, Protocol):
    """What is asked of a payment: a `PaymentSubject`, or who names its parties only when asked."""

    @property
    def facts(self) -> PaymentFacts:
        """Return what its features are made of."""
        ...

    @property
    def payees(self) -> tuple[Entity, ...]:
        """Return those of its entities who are paid."""
        ...

    @property
    def amount(self) -> Money | None:
        """Return what whoever looks at it is told."""
        ...


@dataclass(slots=True, eq=False)
class PaymentDecider:
    """Decides about payments in one process, by the rules and models that the process knows."""

    database: Database
    rules: Rules
    rulebook: Rulebook
    clock: Callable[[], float] = time.perf_counter
    breaker: Breaker = field(default_factory=Breaker)
    lists: Lists = field(default_factory=StoredLists)
    models: Models | None = None
    _names: NameKeeper = field(init=False)

    def __post_init__(self) -> None:
        """Keep the names of features in the same database."""
        self._names = NameKeeper(self.database)

    async def decide(
        self,
        connection: DriverConnection,
        subjects: Sequence[Payable],
        *,
        at: datetime,
    ) -> list[Decision]:
        """Return the decision about each payment, in two queries for all of them.

        Sets the marks of the facts, which counting the payments needs. While the process has read
        no rules, and while the breaker is open because deciding was slow, the written policy holds.
        """
        if not subjects:
            return []
        started = self.clock()
        if not self.breaker.is_closed(started):
            return await self._fall_back(connection, subjects, Fallback.SLOW, at=at)
        try:
            deciding = self.rules.find(Purpose.PAYMENT, business_day(at))
        except RulesNotLoaded:
            return await self._fall_back(connection, subjects, Fallback.NO_RULES, at=at)
        loaded = await self.load(connection, subjects, at=at)
        await self._names.keep(loaded.names)
        decided = self.decide_loaded(subjects, deciding, loaded, at=at)
        _add_participants(subjects, decided)
        seconds = self.clock() - started
        self.breaker.note(seconds, at=self.clock())
        took_us = round(seconds * 1_000_000 / len(subjects))
        for each in decided:
            each.took_us = took_us
        return decided

    def decide_loaded(
        self, subjects: Sequence[Payable], deciding: Deciding, loaded: Loaded, *, at: datetime
    ) -> list[Decision]:
        """Return what rules, models and lists say of payments whose features are loaded."""
        return decide_batch(
            Purpose.PAYMENT,
            subjects,
            deciding,
            loaded,
            at=at,
            scored=self._score(subjects, loaded, business_day(at)),
        )

    def tell_payer(self, decision: Decision) -> tuple[Reason, ...]:
        """Return what the payer may know of why, from the rules that the process has just used."""
        try:
            live = self.rules.find(Purpose.PAYMENT, business_day(decision.decided_at)).live
        except RulesNotLoaded:
            live = None
        is_known = live is not None and live.version.id == decision.version_id
        return list_payer_reasons(decision, live.rules.rules if live and is_known else ())

    async def prepare(self) -> None:
        """Store what decisions refer to, once: later it would take a second connection each time.

        Not needed, but who decides inside a transaction of its own should have done so before.
        """
        columns = {
            name: Column(kind, np.empty(0, DTYPES[kind])) for name, kind in PAYMENT_FEATURES.items()
        }
        await self._names.keep(name_features(columns))

    async def load(
        self, connection: DriverConnection, subjects: Sequence[Payable], *, at: datetime
    ) -> Loaded:
        """Return what payments are decided from, and set the marks of their facts."""
        features = await online.load_features(
            connection,
            [each.facts for each in subjects],
            at=at,
            marks=_read_marks(self.rulebook, business_day(at)),
        )
        listed = await find_lists(self.lists, connection, subjects, at)
        return Loaded(features, name_features(features), listed)

    def _score(self, subjects: Sequence[Payable], loaded: Loaded, day: date) -> Scored | None:
        # Models know how people pay. A payroll would look like nothing they have seen, and ten
        # thousand such scores in a row like a model that drifts: it would be taken out of use.
        if self.models is None or all(each.facts.kind in FILE_KINDS for each in subjects):
            return None
        return score_batch(
            self.models.find(Purpose.PAYMENT),
            loaded.features,
            [each.id for each in subjects],
            purpose=Purpose.PAYMENT,
            policy=read_policy(self.rulebook, Purpose.PAYMENT, day),
        )

    async def _fall_back(
        self,
        connection: DriverConnection,
        subjects: Sequence[Payable],
        cause: Fallback,
        *,
        at: datetime,
    ) -> list[Decision]:
        _log.error("decided_without_assessment", cause=cause.value, payments=len(subjects))
        policy = FallbackPolicy.read(self.rulebook, business_day(at))
        # Who is blocked is blocked whatever else is true, and lists cost next to nothing.
        listed = await find_lists(self.lists, connection, subjects, at)
        decided = [
            Decision(
                id=each.id,
                purpose=Purpose.PAYMENT,
                action=policy.decide(each.facts.amount, listed=own),
                decided_at=at,
                listed=own,
                fallback=cause,
            )
            for each, own in zip(subjects, listed, strict=True)
        ]
        _add_participants(subjects, decided)
        return decided


def make_records(decisions: Sequence[Decision], *, keeps_known: bool = False) -> list[Statement]:
    """Return the statements that write decisions down, each once, with the alerts that they raise.

    One that is there already is a unique violation, unless `keeps_known`: then it stays as it is.
    """
    if not decisions:
        return []
    return [
        store.make_insert(decisions, keeps_known=keeps_known),
        *make_alerts(decisions, keeps_known=keeps_known),
    ]


def make_update(facts: Sequence[PaymentFacts], *, at: datetime) -> Statement:
    """Return the statement that counts payments which were decided about, and posted at `at`."""
    return online.make_update(facts, at=at)


def _add_participants(subjects: Sequence[Payable], decisions: Sequence[Decision]) -> None:
    for subject, decision in zip(subjects, decisions, strict=True):
        if is_alert(decision):
            decision.participants = name_participants(subject.entities, subject.payees)
            decision.amount = subject.amount


@lru_cache(maxsize=limits.RULE_DAYS_CACHED_MAX)
def _read_marks(rulebook: Rulebook, day: date) -> MarkRules:
    return MarkRules.read(rulebook, day)
