"""Deciding about batches of payments in the path: features, lists and rules, all at once."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.kernel.logs import get_logger
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions import store
from huitong.risk.decisioning.decisions.breaker import Breaker
from huitong.risk.decisioning.decisions.policy import FallbackPolicy, combine
from huitong.risk.decisioning.decisions.types import Decision, Fallback, FeatureNames, Listed
from huitong.risk.decisioning.decisions.values import name_features, take_rows
from huitong.risk.decisioning.features import online
from huitong.risk.decisioning.features.columns import PAYMENT_FEATURES
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.marks import MarkRules
from huitong.risk.decisioning.rules.errors import RulesNotLoaded
from huitong.risk.decisioning.rules.lists.changing import find_listed
from huitong.risk.decisioning.rules.lists.types import Entity
from huitong.risk.decisioning.rules.rule_cache import CompiledVersion, Deciding
from huitong.risk.decisioning.rules.rule_sets import Assessment, report_failures
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import DTYPES, Action, Column, Features

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaymentSubject:
    """One payment to decide about: its order's id, its facts, and who may be on a list."""

    id: uuid.UUID
    facts: PaymentFacts
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """What a batch is decided from: features with their names, and each payment's lists."""

    features: Features
    names: FeatureNames
    listed: Sequence[tuple[Listed, ...]]


class Rules(Protocol):
    """Where the rules of a purpose and a day are found: a `RuleCache`."""

    def find(self, purpose: Purpose, day: date, /) -> Deciding:
        """Return what decides; raises RulesNotLoaded."""
        ...


@dataclass(slots=True, eq=False)
class PaymentDecider:
    """Decides about payments in one process, by the rules that the process knows."""

    database: Database
    rules: Rules
    rulebook: Rulebook
    clock: Callable[[], float] = time.perf_counter
    breaker: Breaker = field(default_factory=Breaker)
    _stored_names: set[uuid.UUID] = field(default_factory=set, init=False)

    async def decide(
        self,
        connection: DriverConnection,
        subjects: Sequence[PaymentSubject],
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
            return self._fall_back(subjects, Fallback.SLOW, at=at)
        day = business_day(at)
        try:
            deciding = self.rules.find(Purpose.PAYMENT, day)
        except RulesNotLoaded:
            return self._fall_back(subjects, Fallback.NO_RULES, at=at)
        loaded = await self.load(connection, subjects, at=at)
        await self._store_names(loaded.names)
        decided = decide_batch(subjects, deciding, loaded, at=at)
        seconds = self.clock() - started
        self.breaker.note(seconds, at=self.clock())
        took_us = round(seconds * 1_000_000 / len(subjects))
        for each in decided:
            each.took_us = took_us
        return decided

    async def prepare(self) -> None:
        """Store what decisions refer to, once: later it would take a second connection each time.

        Not needed, but who decides inside a transaction of its own should have done so before.
        """
        columns = {
            name: Column(kind, np.empty(0, DTYPES[kind])) for name, kind in PAYMENT_FEATURES.items()
        }
        await self._store_names(name_features(columns))

    async def load(
        self, connection: DriverConnection, subjects: Sequence[PaymentSubject], *, at: datetime
    ) -> Loaded:
        """Return what payments are decided from, and set the marks of their facts."""
        features = await online.load_features(
            connection,
            [each.facts for each in subjects],
            at=at,
            marks=_read_marks(self.rulebook, business_day(at)),
        )
        listed = await _find_lists(connection, subjects, at)
        return Loaded(features, name_features(features), listed)

    async def _store_names(self, names: FeatureNames) -> None:
        # In a transaction of its own: the names must not depend on the fate of a batch.
        if names.id not in self._stored_names:
            async with self.database.unit_of_work() as uow:
                await store.put_names(uow, names)
            self._stored_names.add(names.id)

    def _fall_back(
        self, subjects: Sequence[PaymentSubject], cause: Fallback, *, at: datetime
    ) -> list[Decision]:
        _log.error("decided_without_assessment", cause=cause.value, payments=len(subjects))
        policy = FallbackPolicy.read(self.rulebook, business_day(at))
        return [
            Decision(
                id=each.id,
                purpose=Purpose.PAYMENT,
                action=policy.decide(each.facts.amount),
                decided_at=at,
                fallback=cause,
            )
            for each in subjects
        ]


def make_records(decisions: Sequence[Decision], *, keeps_known: bool = False) -> Statement:
    """Return the statement that writes decisions down, each once.

    One that is there already is a unique violation, unless `keeps_known`: then it stays as it is.
    """
    return store.make_insert(decisions, keeps_known=keeps_known)


def make_update(facts: Sequence[PaymentFacts], *, at: datetime) -> Statement:
    """Return the statement that counts payments which were decided about, and posted at `at`."""
    return online.make_update(facts, at=at)


@lru_cache(maxsize=limits.RULE_DAYS_CACHED_MAX)
def _read_marks(rulebook: Rulebook, day: date) -> MarkRules:
    return MarkRules.read(rulebook, day)


async def _find_lists(
    connection: DriverConnection, subjects: Sequence[PaymentSubject], at: datetime
) -> list[tuple[Listed, ...]]:
    entities = [entity for each in subjects for entity in each.entities]
    found = await find_listed(connection, entities, now=at) if entities else {}
    if not found:
        return [()] * len(subjects)
    return [
        tuple(
            sorted(
                {
                    Listed(kind, entity.kind)
                    for entity in each.entities
                    for kind in found.get(entity, ())
                },
                key=lambda listed: listed.code,
            )
        )
        for each in subjects
    ]


def decide_batch(
    subjects: Sequence[PaymentSubject], deciding: Deciding, loaded: Loaded, *, at: datetime
) -> list[Decision]:
    """Return the decisions about a batch from what was loaded for it: rules, lists, the record."""
    rows, names, listed = len(subjects), loaded.names, loaded.listed
    live = _assess(deciding.live, loaded.features, rows)
    shadow = _assess(deciding.shadow, loaded.features, rows)
    asked = np.zeros(rows, np.int64) if live is None else live.said.actions
    actions = combine(asked, listed)
    values = take_rows(loaded.features, names)
    return [
        Decision(
            id=each.id,
            purpose=Purpose.PAYMENT,
            action=actions[place],
            decided_at=at,
            listed=listed[place],
            version_id=None if live is None else live.id,
            hits=() if live is None else live.hits[place],
            failed=() if live is None else live.failed[place],
            shadow_version_id=None if shadow is None else shadow.id,
            shadow_action=None if shadow is None else Action(int(shadow.said.actions[place])),
            shadow_hits=() if shadow is None else shadow.hits[place],
            names_id=names.id,
            values=values[place],
        )
        for place, each in enumerate(subjects)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What one version says, with the keys of its rules for each row."""

    id: uuid.UUID
    said: Assessment
    hits: list[tuple[str, ...]]
    failed: list[tuple[str, ...]]


def _assess(compiled: CompiledVersion | None, features: Features, rows: int) -> _Said | None:
    if compiled is None:
        return None
    said = compiled.rules.assess(features, rows=rows)
    report_failures(compiled.rules, said, purpose=Purpose.PAYMENT)
    keys = [rule.key for rule in compiled.rules.rules]
    return _Said(
        compiled.version.id, said, _name(keys, said.hits, rows), _name(keys, said.failed, rows)
    )


def _name(keys: Sequence[str], where: NDArray[np.bool_] | None, rows: int) -> list[tuple[str, ...]]:
    named: list[list[str]] = [[] for _ in range(rows)]
    if where is not None:
        for rule, row in zip(*np.nonzero(where), strict=True):
            named[row].append(keys[rule])
    return [tuple(each) for each in named]
