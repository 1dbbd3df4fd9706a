"""Deciding about what is not a payment: log-ins, applications, loans, one or a few at a time.

Their rooms compute the features, because they own what features are made of, and hand them over.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.logs import get_logger
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
from huitong.risk.decisioning.decisions.policy import apply_lists
from huitong.risk.decisioning.decisions.scoring import Models, Scored, read_policy, score_batch
from huitong.risk.decisioning.decisions.types import Decision, Fallback, Value
from huitong.risk.decisioning.decisions.values import make_columns, name_features
from huitong.risk.decisioning.rules.defaults.loading import default_catalogue
from huitong.risk.decisioning.rules.errors import RulesNotLoaded
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action, Features

_log: Final = get_logger(__name__)


@dataclass(slots=True, eq=False)
class Decider:
    """Decides about one purpose in one process, by the rules that the process knows."""

    purpose: Purpose
    database: Database
    rules: Rules
    rulebook: Rulebook
    clock: Callable[[], float] = time.perf_counter
    breaker: Breaker = field(default_factory=Breaker)
    lists: Lists = field(default_factory=StoredLists)
    #: Where models of the purpose are found; without it rules decide alone.
    models: Models | None = None
    _names: NameKeeper = field(init=False)

    def __post_init__(self) -> None:
        """Keep the names of features in the same database."""
        self._names = NameKeeper(self.database)

    async def prepare(self) -> None:
        """Write the names of the purpose's features down, so that no decision has to.

        The first one would need a second connection for it, while it holds its own.
        """
        catalogue = default_catalogue(self.purpose)
        unknown = make_columns(catalogue, [dict.fromkeys(catalogue)])
        await self._names.keep(name_features(unknown))

    async def decide(
        self,
        uow: UnitOfWork,
        subjects: Sequence[Subject],
        values: Sequence[Mapping[str, Value]],
        *,
        at: datetime,
        is_scored: bool = True,
    ) -> list[Decision]:
        """Return the decision about each subject; `record_decisions` writes them down.

        `values` are each subject's features, all of the purpose's catalogue and no others, None for
        what is not known. Raises InvalidField for a feature that is missing, of another type, or no
        finite number. While the process has no rules, or deciding was slow, the rulebook's
        `risk.fallback.<purpose>.action` holds. Models are asked if `is_scored`; where one is
        missing, slow or drifts, rules decide alone.
        """
        if not subjects:
            return []
        catalogue = default_catalogue(self.purpose)
        features = make_columns(catalogue, values)
        started = self.clock()
        listed = await find_lists(self.lists, await uow.driver(), subjects, at)
        loaded = Loaded(features, name_features(features), listed)
        try:
            deciding = self.rules.find(self.purpose, business_day(at))
        except RulesNotLoaded:
            return self._fall_back(subjects, loaded, Fallback.NO_RULES, at=at)
        if not self.breaker.is_closed(started):
            return self._fall_back(subjects, loaded, Fallback.SLOW, at=at)
        await self._names.keep(loaded.names)
        scored = self._score(subjects, features, at) if is_scored else None
        decided = decide_batch(self.purpose, subjects, deciding, loaded, at=at, scored=scored)
        for subject, decision in zip(subjects, decided, strict=True):
            if is_alert(decision):
                decision.participants = name_participants(subject.entities)
        seconds = self.clock() - started
        self.breaker.note(seconds, at=self.clock())
        for each in decided:
            each.took_us = round(seconds * 1_000_000 / len(subjects))
        return decided

    def _score(
        self, subjects: Sequence[Subject], features: Features, at: datetime
    ) -> Scored | None:
        if self.models is None:
            return None
        return score_batch(
            self.models.find(self.purpose),
            features,
            [each.id for each in subjects],
            purpose=self.purpose,
            policy=read_policy(self.rulebook, self.purpose, business_day(at)),
        )

    def _fall_back(
        self, subjects: Sequence[Subject], loaded: Loaded, cause: Fallback, *, at: datetime
    ) -> list[Decision]:
        _log.error(
            "decided_without_assessment",
            cause=cause.value,
            purpose=self.purpose.value,
            subjects=len(subjects),
        )
        code = self.rulebook.text(f"risk.fallback.{self.purpose.value}.action", business_day(at))
        action = Action[code.upper()]
        return [
            Decision(
                id=each.id,
                purpose=self.purpose,
                action=apply_lists(action, listed),
                decided_at=at,
                listed=listed,
                fallback=cause,
                participants=name_participants(each.entities),
            )
            for each, listed in zip(subjects, loaded.listed, strict=True)
        ]


async def record_decisions(uow: UnitOfWork, decisions: Sequence[Decision]) -> None:
    """Write decisions and their alerts down in the unit of work that does what they allow."""
    if decisions:
        driver = await uow.driver()
        for statement in (store.make_insert(decisions), *make_alerts(decisions)):
            await driver.execute(statement.text, *statement.arguments)
