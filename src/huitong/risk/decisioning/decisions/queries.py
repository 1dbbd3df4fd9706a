"""Reading decisions: the record, the reasons in words, and the same decision made once more."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Fault, InvalidField, NotFound
from huitong.kernel.ids import DECISION, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions import store
from huitong.risk.decisioning.decisions.model_reasons import explain_score, is_asked_by_model
from huitong.risk.decisioning.decisions.overturns import find_overturn
from huitong.risk.decisioning.decisions.policy import combine
from huitong.risk.decisioning.decisions.rescoring import rescore
from huitong.risk.decisioning.decisions.telling import FAILED
from huitong.risk.decisioning.decisions.types import Decision, Fallback, FeatureNames, Reason, Value
from huitong.risk.decisioning.decisions.values import make_features, unpack
from huitong.risk.decisioning.rules.commands import get_rule_version
from huitong.risk.decisioning.rules.lists.types import ListKind
from huitong.risk.decisioning.rules.rule_sets import reload_rules
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action, Features

_NOBODY_ASKS: Final = np.zeros(1, np.int64)
_ID_AGE_MAX: Final = timedelta(days=7)
_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_LISTED: Final[Mapping[ListKind, Reason]] = {
    ListKind.BLOCK: Reason(
        code="list_block",
        zh="涉及的一方在禁止名单上。",
        en="A party to it is on the list of those who are blocked.",
    ),
    ListKind.ALLOW: Reason(
        code="list_allow",
        zh="涉及的一方在限时放行名单上。",
        en="A party to it is on the list of those who are let through for a time.",
    ),
    ListKind.WATCH: Reason(
        code="list_watch",
        zh="涉及的一方在观察名单上。",
        en="A party to it is on the list of those who are watched.",
    ),
}
_FALLBACKS: Final[Mapping[Fallback, Reason]] = {
    Fallback.NO_RULES: Reason(
        code="no_rules",
        zh="当时没有可用的规则，按既定办法处理。",
        en="There were no rules then, and the written policy for that held.",
    ),
    Fallback.SLOW: Reason(
        code="slow",
        zh="当时系统繁忙，按既定办法处理。",
        en="Deciding was too slow then, and the written policy for that held.",
    ),
}


_OVERTURNED: Final = Reason(
    code="overturned",
    zh="经两名工作人员复核，这一决定有误，特此更正。",
    en="Two members of staff looked at this decision again and found it wrong.",
)


class DecisionNotFound(NotFound):
    """No decision has this identifier."""

    code = "decision_not_found"
    title = "The decision does not exist"


class DecisionNotReplayable(Fault):
    """What a decision was made from is not there: only a decision that fell back is so."""

    code = "decision_not_replayable"
    title = "The decision cannot be made again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The same decision made again from its record: `is_same` if it came out alike."""

    action: Action
    hits: tuple[str, ...]
    failed: tuple[str, ...]
    is_same: bool


def show_decision(decision_id: uuid.UUID) -> str:
    """Return the public id of a decision: `dec_…`, with the number of what it is about."""
    return show_id(DECISION, decision_id)


async def get_decision(uow: UnitOfWork, decision_id: uuid.UUID) -> Decision:
    """Return a decision; raises DecisionNotFound."""
    decision = await store.find_decision(uow, decision_id)
    if decision is None:
        raise DecisionNotFound(f"there is no decision {show_decision(decision_id)}")
    return decision


async def list_decisions(
    uow: UnitOfWork,
    purpose: Purpose,
    *,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[Decision]:
    """Return decisions that did not just allow, newest first; raises InvalidField."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    return await store.list_decisions(
        uow, purpose, before_id=before_id or _AFTER_ALL_IDS, count=limit
    )


async def count_actions(uow: UnitOfWork, purpose: Purpose, *, since: datetime) -> dict[Action, int]:
    """Return how often each action was decided since an instant; what never was is left out.

    Of the newest DECISIONS_COUNTED_MAX decisions.
    """
    # Payers make the ids, whose time may be some days before that of the decision.
    milliseconds = int((since - _ID_AGE_MAX).timestamp() * 1_000)
    return await store.count_actions(
        uow,
        purpose,
        from_id=uuid.UUID(int=milliseconds << 80),
        since=since,
        searched=limits.DECISIONS_COUNTED_MAX,
    )


async def name_values(uow: UnitOfWork, decision: Decision) -> dict[str, Value]:
    """Return the features that a decision was made from, by name; empty if it fell back."""
    if decision.names_id is None:
        return {}
    names, values = await _read_values(uow, decision)
    return dict(zip(names.names, values, strict=True))


async def explain_decision(uow: UnitOfWork, decision: Decision) -> tuple[Reason, ...]:
    """Return why, in plain words for the customer: lists, then rules, then what a model saw.

    A model is heard if it asked for what was decided. First of all comes that the decision was
    wrong, if it was overturned.
    """
    overturn = await find_overturn(uow, decision.id)
    reasons = [] if overturn is None else [_OVERTURNED]
    reasons += [
        _LISTED[kind] for kind in ListKind if any(listed.list is kind for listed in decision.listed)
    ]
    if decision.fallback is not None:
        reasons.append(_FALLBACKS[decision.fallback])
    if decision.version_id is not None and decision.hits:
        version = await get_rule_version(uow, decision.version_id)
        texts = {each["key"]: each for each in msgspec.json.decode(version.rules)}
        reasons += [
            Reason(code=key, zh=texts[key]["reason_zh"], en=texts[key]["reason_en"])
            for key in decision.hits
        ]
    if decision.failed:
        reasons.append(FAILED)
    if is_asked_by_model(decision):
        reasons += await explain_score(uow, decision, await name_values(uow, decision))
    return tuple(reasons)


async def replay_decision(
    uow: UnitOfWork, decision: Decision, *, rulebook: Rulebook | None = None
) -> Replay:
    """Make a decision again from its record: its features, rules, models, the lists of then.

    `rulebook` says what scores ask for, by default the one that ships. Raises DecisionNotReplayable
    for one that fell back, as nothing was looked at, and ModelDamaged.
    """
    names, values = await _read_values(uow, decision)
    features = make_features(names, values)
    rescored = await rescore(uow, decision, features, rulebook or Rulebook.load())
    said = await _assess_again(uow, decision, names, features)
    asked = np.maximum(said.asked, int(rescored.action))
    action = combine(asked, [decision.listed])[0]
    is_same = (action, said.hits, said.failed) == (
        decision.action,
        decision.hits,
        decision.failed,
    )
    return Replay(
        action=action, hits=said.hits, failed=said.failed, is_same=is_same and rescored.is_same
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What the rules of a decision say again."""

    asked: NDArray[np.int64]
    hits: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


async def _assess_again(
    uow: UnitOfWork, decision: Decision, names: FeatureNames, features: Features
) -> _Said:
    if decision.version_id is None:
        return _Said(_NOBODY_ASKS)
    version = await get_rule_version(uow, decision.version_id)
    catalogue = dict(zip(names.names, names.types, strict=True))
    rules = reload_rules(version.rules, catalogue)
    said = rules.assess(features, rows=1)
    keys = [rule.key for rule in rules.rules]
    hits = tuple(key for key, hit in zip(keys, said.hits[:, 0], strict=True) if hit)
    failed: tuple[str, ...] = ()
    if said.failed is not None:
        failed = tuple(key for key, is_bad in zip(keys, said.failed[:, 0], strict=True) if is_bad)
    return _Said(said.actions, hits, failed)


async def _read_values(
    uow: UnitOfWork, decision: Decision
) -> tuple[FeatureNames, tuple[Value, ...]]:
    if decision.names_id is None or decision.packed is None:
        raise DecisionNotReplayable("it fell back, so it was made from nothing")
    names = await store.find_names(uow, decision.names_id)
    if names is None:
        raise DecisionNotReplayable("the names of its features are not there")
    return names, unpack(decision.packed, names)
