"""Decisions of risk as they travel."""

import uuid
from typing import Annotated, ClassVar, Final, Literal

from fastapi import Path
from pydantic import ConfigDict, Field

from huitong import risk
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import Body, Instant, View, example_id, id_pattern
from huitong.kernel import ids
from huitong.kernel.ids import show_id

ActionName = Literal["allow", "step_up", "review", "delay", "block"]
DecisionPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.DECISION),
        description="The decision's id: that of the payment, with `dec_` in the place of `pay_`.",
        examples=[example_id(ids.DECISION)],
    ),
]
_VERSION_SHAPE: Final = id_pattern(ids.RULE_VERSION)
_MODEL_SHAPE: Final = id_pattern(ids.MODEL)


class ReasonView(View):
    """Why, in plain words for the customer."""

    code: str = Field(description="A rule's key, or a list or fallback.", examples=["velocity"])
    zh: str
    en: str


class ReplayView(View):
    """The same decision made again from its record."""

    action: ActionName
    is_same: bool = Field(description="Whether it came out as it did then.")


class OverturnDecision(Body):
    """Why a decision was wrong."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"reason": "the customer showed the invoice"}]}
    )

    reason: Why


class OverturnView(View):
    """That two members of staff found a decision wrong."""

    request: str = Field(pattern=id_pattern(ids.APPROVAL), examples=[example_id(ids.APPROVAL)])
    reason: str
    overturned_at: Instant
    exempt_until: Instant | None = Field(
        description="Until when rules let this payer pay this payee."
    )


class ScoringView(View):
    """What models said. A score is a probability, and the hardest of rules and model holds."""

    model: str | None = Field(pattern=_MODEL_SHAPE, description="The champion, if it scored.")
    score: float | None
    challenger: str | None = Field(pattern=_MODEL_SHAPE)
    challenger_score: float | None
    shadow: str | None = Field(pattern=_MODEL_SHAPE, description="Scored without effect.")
    shadow_score: float | None
    is_challenged: bool = Field(description="Whether the challenger's score counted.")
    action: ActionName | None = Field(description="What the score that counted asked for.")
    fallback: (
        Literal[
            "model_missing", "model_slow", "model_drifting", "features_poisoned", "model_failed"
        ]
        | None
    ) = Field(description="Why the champion gave no score: the rules decided alone.")


class DecisionView(View):
    """A decision, and what it was made from."""

    id: str = Field(pattern=id_pattern(ids.DECISION), examples=[example_id(ids.DECISION)])
    purpose: Literal["payment", "log_in", "onboarding", "loan"]
    action: ActionName
    reasons: list[ReasonView]
    listed: list[str] = Field(description="Lists and kinds of parties, such as `block:account`.")
    version: str | None = Field(pattern=_VERSION_SHAPE, description="The rules that decided.")
    hits: list[str] = Field(description="Keys of its rules that were true.")
    failed: list[str] = Field(description="Keys of its rules that could not be computed.")
    shadow_version: str | None = Field(
        pattern=_VERSION_SHAPE, description="Rules that were tried beside, without effect."
    )
    shadow_action: ActionName | None
    fallback: Literal["no_rules", "slow"] | None
    scoring: ScoringView | None = Field(description="None where there were no models to ask.")
    features: dict[str, int | float | bool | str | None]
    took_microseconds: int = Field(description="This decision's part of its batch's time.")
    decided_at: Instant
    overturned: OverturnView | None
    replay: ReplayView | None = Field(
        description="None for one that fell back, or whose model is damaged."
    )


def show_decision(
    decision: risk.Decision,
    reasons: tuple[risk.Reason, ...],
    features: dict[str, risk.Value],
    replay: risk.Replay | None,
    overturn: risk.Overturn | None,
) -> DecisionView:
    """Return a decision as a view."""
    return DecisionView.model_validate(
        {
            "id": risk.show_decision(decision.id),
            "purpose": decision.purpose.value,
            "action": decision.action.code,
            "reasons": [{"code": each.code, "zh": each.zh, "en": each.en} for each in reasons],
            "listed": [each.code for each in decision.listed],
            "version": _show_version(decision.version_id),
            "hits": decision.hits,
            "failed": decision.failed,
            "shadow_version": _show_version(decision.shadow_version_id),
            "shadow_action": _show_action(decision.shadow_action),
            "fallback": None if decision.fallback is None else decision.fallback.value,
            "scoring": None if decision.scoring is None else _show_scoring(decision.scoring),
            "features": features,
            "took_microseconds": decision.took_us,
            "decided_at": decision.decided_at,
            "overturned": None if overturn is None else _show_overturn(overturn),
            "replay": None
            if replay is None
            else {"action": replay.action.code, "is_same": replay.is_same},
        }
    )


def _show_overturn(overturn: risk.Overturn) -> OverturnView:
    return OverturnView(
        request=show_id(ids.APPROVAL, overturn.approval_id),
        reason=overturn.reason,
        overturned_at=overturn.overturned_at,
        exempt_until=overturn.exempt_until,
    )


def _show_scoring(said: risk.Scoring) -> dict[str, object]:
    return {
        "model": _show_model(said.model_id),
        "score": said.score,
        "challenger": _show_model(said.challenger_id),
        "challenger_score": said.challenger_score,
        "shadow": _show_model(said.shadow_id),
        "shadow_score": said.shadow_score,
        "is_challenged": said.is_challenged,
        "action": _show_action(said.action),
        "fallback": None if said.fallback is None else said.fallback.value,
    }


def _show_model(model_id: uuid.UUID | None) -> str | None:
    return None if model_id is None else show_id(ids.MODEL, model_id)


def _show_version(version_id: uuid.UUID | None) -> str | None:
    return None if version_id is None else show_id(ids.RULE_VERSION, version_id)


def _show_action(action: risk.Action | None) -> str | None:
    return None if action is None else action.code
