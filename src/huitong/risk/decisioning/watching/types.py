"""What is measured of models at work."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from huitong.risk.decisioning.models.types import ModelStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftMeasure:
    """Population stability of stored decisions against training: of the score, of each feature."""

    model_id: uuid.UUID
    first_at: datetime
    last_at: datetime
    decisions: int
    score_psi: float
    feature_psi: Mapping[str, float]
    measured_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekMeasure:
    """How a model did in a week, which begins on a Monday, in one role.

    `alerts` are scores above the review threshold, `caught` the frauds among them. What nobody
    labelled counts as genuine, because its labels had time to arrive; what was blocked and nobody
    labelled never happened, and does not count. `average_precision` and `precision_as_trained` are
    None without a known fraud.
    """

    model_id: uuid.UUID
    week_on: date
    role: ModelStatus
    decisions: int
    labelled: int
    frauds: int
    alerts: int
    caught: int
    average_precision: float | None
    precision_as_trained: float | None
    measured_at: datetime

    @property
    def precision(self) -> float | None:
        """The share of frauds among the alerts; None without alerts."""
        return self.caught / self.alerts if self.alerts else None

    @property
    def recall(self) -> float | None:
        """The share of the frauds that gave an alert; None without a known fraud."""
        return self.caught / self.frauds if self.frauds else None
