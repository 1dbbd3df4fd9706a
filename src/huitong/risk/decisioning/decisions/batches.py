"""From what was loaded for a batch to its decisions: rules, lists and the record, all at once."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.risk.decisioning.decisions import store
from huitong.risk.decisioning.decisions.policy import combine
from huitong.risk.decisioning.decisions.scoring import Scored
from huitong.risk.decisioning.decisions.types import Decision, FeatureNames, Listed
from huitong.risk.decisioning.decisions.values import pack_rows
from huitong.risk.decisioning.rules.lists.changing import find_listed
from huitong.risk.decisioning.rules.lists.types import Entity, ListKind
from huitong.risk.decisioning.rules.rule_cache import CompiledVersion, Deciding
from huitong.risk.decisioning.rules.rule_sets import Assessment, report_failures
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action, Features


class Subject(Protocol):
    """What is decided about: its id becomes the decision's; its entities may be on lists."""

    @property
    def id(self) -> uuid.UUID:
        """Return the id of the order, log-in, application or loan."""
        ...

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Return who takes part in it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """What a batch is decided from: features with their names, and each subject's lists."""

    features: Features
    names: FeatureNames
    listed: Sequence[tuple[Listed, ...]]


class Rules(Protocol):
    """Where the rules of a purpose and a day are found: a `RuleCache`."""

    def find(self, purpose: Purpose, day: date, /) -> Deciding:
        """Return what decides; raises RulesNotLoaded."""
        ...


@dataclass(slots=True, eq=False)
class NameKeeper:
    """Writes the names of features down the first time that a process decides from them."""

    database: Database
    _kept: set[uuid.UUID] = field(default_factory=set, init=False)

    async def keep(self, names: FeatureNames) -> None:
        """Write names down, in a transaction of its own: they do not share a batch's fate."""
        if names.id not in self._kept:
            async with self.database.unit_of_work() as uow:
                await store.put_names(uow, names)
            self._kept.add(names.id)


class Lists(Protocol):
    """Where it is found who is on a list: a `ListCache`, or the database."""

    @property
    def are_empty(self) -> bool:
        """Whether it is known that nobody is on any: then parties need no names."""
        ...

    async def find(
        self, connection: DriverConnection, entities: Sequence[Entity], /, *, now: datetime
    ) -> Mapping[Entity, frozenset[ListKind]]:
        """Return the lists on which entities are now; who is on none is not in it."""
        ...


class StoredLists:
    """The lists as the database has them at this moment."""

    are_empty: Final = False

    async def find(
        self, connection: DriverConnection, entities: Sequence[Entity], /, *, now: datetime
    ) -> Mapping[Entity, frozenset[ListKind]]:
        """Return the lists on which entities are now, in one query."""
        return await find_listed(connection, entities, now=now) if entities else {}


async def find_lists(
    lists: Lists, connection: DriverConnection, subjects: Sequence[Subject], at: datetime
) -> list[tuple[Listed, ...]]:
    """Return the lists on which the parties of each subject are."""
    if lists.are_empty:
        return [()] * len(subjects)
    parties = [each.entities for each in subjects]
    found = await lists.find(connection, list(chain.from_iterable(parties)), now=at)
    if not found:
        return [()] * len(subjects)
    return [
        tuple(
            sorted(
                {
                    Listed(kind, entity.kind)
                    for entity in entities
                    for kind in found.get(entity, ())
                },
                key=lambda listed: listed.code,
            )
        )
        for entities in parties
    ]


def decide_batch(
    purpose: Purpose,
    subjects: Sequence[Subject],
    deciding: Deciding,
    loaded: Loaded,
    *,
    at: datetime,
    scored: Scored | None = None,
) -> list[Decision]:
    """Return the decisions about a batch from what was loaded for it: rules, lists, the record.

    `scored` is what models said of it, if any were asked.
    """
    rows, names, listed = len(subjects), loaded.names, loaded.listed
    live = _assess(purpose, deciding.live, loaded.features, rows)
    shadow = _assess(purpose, deciding.shadow, loaded.features, rows)
    asked = np.zeros(rows, np.int64) if live is None else live.said.actions
    if scored is not None:
        asked = np.maximum(asked, scored.asked)
    actions = combine(asked, listed)
    packed = pack_rows(loaded.features)
    return [
        Decision(
            id=each.id,
            purpose=purpose,
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
            packed=packed[place],
            scoring=None if scored is None else scored.scorings[place],
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


def _assess(
    purpose: Purpose, compiled: CompiledVersion | None, features: Features, rows: int
) -> _Said | None:
    if compiled is None:
        return None
    said = compiled.rules.assess(features, rows=rows)
    if said.failed is None and not said.actions.any():
        nothing: list[tuple[str, ...]] = [()] * rows
        return _Said(compiled.version.id, said, nothing, nothing)
    report_failures(compiled.rules, said, purpose=purpose)
    keys = [rule.key for rule in compiled.rules.rules]
    return _Said(
        compiled.version.id, said, _name(keys, said.hits, rows), _name(keys, said.failed, rows)
    )


def _name(keys: Sequence[str], where: NDArray[np.bool_] | None, rows: int) -> list[tuple[str, ...]]:
    named: list[tuple[str, ...]] = [()] * rows
    if where is not None:
        for rule, row in np.argwhere(where).tolist():
            named[row] += (keys[rule],)
    return named
