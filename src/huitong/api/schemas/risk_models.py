"""Models of risk as they travel."""

from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal

from fastapi import Path
from pydantic import ConfigDict, Field

from huitong import risk
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import Body, Instant, View, example_id, id_pattern
from huitong.kernel import ids
from huitong.kernel.ids import show_id

StatusName = Literal["shadow", "challenger", "champion", "retired"]
RoleName = Literal["champion", "challenger", "shadow"]
ModelPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.MODEL),
        description="The model's id.",
        examples=[example_id(ids.MODEL)],
    ),
]
ModelId = Annotated[str, Field(pattern=id_pattern(ids.MODEL), examples=[example_id(ids.MODEL)])]
_PSI: Final = "Population stability index against training; above 0.25 counts as drifting."


class SetModelStatus(Body):
    """What becomes of a model."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [{"status": "challenger", "reason": "better than the champion for a month"}]
        }
    )

    status: StatusName = Field(
        description="`champion` decides, `challenger` decides a share, `shadow` scores without "
        "effect, `retired` is for good."
    )
    reason: Why


class ReuseModel(Body):
    """Why a model that was taken out of use may score again."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"reason": "the holidays are over"}]}
    )

    reason: Why


class ModelView(View):
    """A registered model."""

    id: ModelId
    name: str = Field(examples=["payment_fraud"])
    version: int
    status: StatusName
    features: list[str] = Field(description="What it looks at, in its own order.")
    metrics: dict[str, Any] = Field(description="What training measured on rows it had not seen.")
    registered_by: str
    registered_at: Instant
    champion_from: Instant | None = Field(description="When it last became the champion.")


class ModelAlarmView(View):
    """Why a model is, or was, out of use."""

    cause: Literal["drift", "decay"]
    details: dict[str, Any]
    raised_at: Instant
    cleared_at: Instant | None = Field(description="When two people let it be used again.")


class ModelCardView(ModelView):
    """A registered model, whole."""

    card: str = Field(description="The model card, in Markdown.")
    is_out_of_use: bool = Field(description="Whether an alarm is open: rules then decide alone.")
    alarms: list[ModelAlarmView]


class WeekView(View):
    """How a model did in a week, in one role."""

    week_on: date = Field(description="The Monday on which it begins.")
    role: RoleName
    decisions: int
    labelled: int = Field(description="How many somebody said something of; others are genuine.")
    frauds: int
    alerts: int = Field(description="Scores above the review threshold.")
    caught: int = Field(description="Frauds among the alerts.")
    precision: float | None
    recall: float | None
    average_precision: float | None
    precision_as_trained: float | None = Field(
        description="Average precision as if fraud were as frequent as in training."
    )
    measured_at: Instant


class DriftView(View):
    """How far a model's decisions of a period are from its training."""

    first_at: Instant
    last_at: Instant
    decisions: int = Field(description="How many were looked at.")
    score_psi: float = Field(description=_PSI)
    feature_psi: dict[str, float] = Field(description=_PSI)
    measured_at: Instant


class MeasuresView(View):
    """What was measured of a model at work, newest first."""

    weeks: list[WeekView]
    drift: list[DriftView]


def show_model(model: risk.RegisteredModel) -> ModelView:
    """Return a model as a view."""
    return ModelView(**_show_fields(model))


def show_card(model: risk.RegisteredModel, alarms: list[risk.ModelAlarm]) -> ModelCardView:
    """Return a model with its card and the alarms about it as a view."""
    return ModelCardView(
        **_show_fields(model),
        card=model.card,
        is_out_of_use=any(each.cleared_at is None for each in alarms),
        alarms=[
            ModelAlarmView(
                cause=each.cause.value,
                details=dict(each.details),
                raised_at=each.raised_at,
                cleared_at=each.cleared_at,
            )
            for each in alarms
        ],
    )


def show_measures(weeks: list[risk.WeekMeasure], drift: list[risk.DriftMeasure]) -> MeasuresView:
    """Return measures as a view."""
    return MeasuresView(
        weeks=[WeekView.model_validate(each, from_attributes=True) for each in weeks],
        drift=[DriftView.model_validate(each, from_attributes=True) for each in drift],
    )


def _show_fields(model: risk.RegisteredModel) -> dict[str, Any]:
    return {
        "id": show_id(ids.MODEL, model.id),
        "name": model.name,
        "version": model.version,
        "status": model.status.value,
        "features": list(model.feature_names),
        "metrics": dict(model.metrics),
        "registered_by": model.registered_by,
        "registered_at": model.registered_at,
        "champion_from": model.champion_from,
    }
