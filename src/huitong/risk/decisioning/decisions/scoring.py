"""What models say of a batch: scores, and the action that each row's score asks for.

The champion's score counts; for a share of the decisions, by a hash of their ids, the challenger's
counts instead, so that both can be compared. The shadow's is written down and has no effect. Where
a model gives no score, nobody waits for it: the rules decide alone.
"""

import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from huitong.kernel import limits, metrics
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions.types import Scoring
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.model_cache import ServedModel, ServedModels
from huitong.risk.decisioning.models.serving import FallbackReason
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action, Features

_HASHES: Final = 2**32


class Models(Protocol):
    """Where the models of a purpose are found: a `ModelCache`."""

    def find(self, purpose: Purpose, /) -> ServedModels:
        """Return the models of a purpose."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPolicy:
    """From which probability on a score asks for what, and how much the challenger decides.

    `thresholds` go from the mildest action to the hardest; a score must be above one.
    `hashes_below` is how many of 2^32 hashes the challenger decides.
    """

    thresholds: tuple[tuple[Action, float], ...]
    hashes_below: int

    @classmethod
    def read(cls, rulebook: Rulebook, purpose: Purpose, on_day: date) -> Self:
        """Return the policy of a business day."""
        share = rulebook.decimal("risk.model.challenger.share", on_day)
        return cls(
            thresholds=tuple(
                (
                    action,
                    float(
                        rulebook.decimal(f"risk.model.{purpose.value}.{action.code}.above", on_day)
                    ),
                )
                for action in Action
                if action is not Action.ALLOW
            ),
            hashes_below=int(share * _HASHES),
        )

    @property
    def review_above(self) -> float:
        """The probability above which a score is an alert."""
        return dict(self.thresholds)[Action.REVIEW]

    def ask(self, scores: Floats, *, is_simulated: bool = False) -> NDArray[np.int64]:
        """Return the hardest action that each score asks for, as a number.

        A model that learned from simulated customers asks for a second factor at most.
        """
        asked = np.zeros(len(scores), np.int64)
        for action, above in self.thresholds:
            asked[scores > above] = action
        return np.minimum(asked, Action.STEP_UP) if is_simulated else asked

    def ask_one(self, score: float, *, is_simulated: bool = False) -> Action:
        """Return the hardest action that one score asks for."""
        return Action(int(self.ask(np.array([score]), is_simulated=is_simulated)[0]))


@lru_cache(maxsize=limits.RULE_DAYS_CACHED_MAX)
def read_policy(rulebook: Rulebook, purpose: Purpose, day: date) -> ModelPolicy:
    """Return the policy of a purpose on a business day, read once."""
    return ModelPolicy.read(rulebook, purpose, day)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What models say of a batch: the actions asked for (0 where none), each row's record."""

    asked: NDArray[np.int64]
    scorings: Sequence[Scoring]


def score_batch(
    models: ServedModels,
    features: Features,
    ids: Sequence[uuid.UUID],
    *,
    purpose: Purpose,
    policy: ModelPolicy,
) -> Scored | None:
    """Return what models say of a batch, or None where there is none to ask. Never raises."""
    if models.champion is None and models.challenger is None and models.shadow is None:
        return None
    champion, challenger, shadow = (
        _score(each, features) for each in (models.champion, models.challenger, models.shadow)
    )
    if champion.fallback is not None:
        metrics.MODEL_FALLBACKS.labels(purpose.value, champion.fallback.value).inc(len(ids))
    asked = _ask(champion, policy, len(ids))
    is_challenged = np.zeros(len(ids), np.bool_)
    if challenger.id is not None:
        is_challenged = _share(challenger.id, ids, policy.hashes_below)
        asked = np.where(is_challenged, _ask(challenger, policy, len(ids)), asked)
    return Scored(asked, _record(champion, challenger, shadow, is_challenged, asked))


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """What one model said: its id with scores, or neither, and for a model that fell back why."""

    id: uuid.UUID | None = None
    scores: Floats | None = None
    fallback: FallbackReason | None = None
    is_simulated: bool = False

    def list_scores(self, rows: int) -> Sequence[float | None]:
        return [None] * rows if self.scores is None else self.scores.tolist()


def _score(model: ServedModel | None, features: Features) -> _Answer:
    if model is None:
        return _Answer()
    said = model.guard.score(features)
    if isinstance(said, FallbackReason):
        return _Answer(fallback=said)
    return _Answer(model.id, said, is_simulated=model.is_simulated)


def _ask(answer: _Answer, policy: ModelPolicy, rows: int) -> NDArray[np.int64]:
    if answer.scores is None:
        return np.zeros(rows, np.int64)
    return policy.ask(answer.scores, is_simulated=answer.is_simulated)


def _share(
    challenger_id: uuid.UUID, ids: Sequence[uuid.UUID], hashes_below: int
) -> NDArray[np.bool_]:
    """Say which decisions the challenger makes; another challenger makes others."""
    start = zlib.crc32(challenger_id.bytes)
    return np.array([zlib.crc32(each.bytes, start) < hashes_below for each in ids], np.bool_)


def _record(
    champion: _Answer,
    challenger: _Answer,
    shadow: _Answer,
    is_challenged: NDArray[np.bool_],
    asked: NDArray[np.int64],
) -> list[Scoring]:
    rows = len(asked)
    has_champion = champion.id is not None
    return [
        Scoring(
            model_id=champion.id,
            score=score,
            challenger_id=challenger.id,
            challenger_score=challenger_score,
            shadow_id=shadow.id,
            shadow_score=shadow_score,
            is_challenged=is_own,
            action=Action(action) if is_own or has_champion else None,
            fallback=champion.fallback,
        )
        for score, challenger_score, shadow_score, is_own, action in zip(
            champion.list_scores(rows),
            challenger.list_scores(rows),
            shadow.list_scores(rows),
            is_challenged.tolist(),
            asked.tolist(),
            strict=True,
        )
    ]
