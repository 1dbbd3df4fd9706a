"""What a trained model is, apart from the libraries that train and run it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID


class ModelStatus(StrEnum):
    """Where a model is in its life."""

    #: Scores beside the others, for comparison only; where all begin.
    SHADOW = "shadow"
    #: Its score decides for a share of the traffic.
    CHALLENGER = "challenger"
    #: Its score decides; there is at most one of a name.
    CHAMPION = "champion"
    #: Never again.
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Makes log-odds s a probability: 1 / (1 + e^-(slope·s + offset)), order kept.

    Source: Platt, Probabilistic Outputs for Support Vector Machines (1999). Slope 1 and offset 0
    leave a model as it is: log-odds 0 give ½.
    """

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Bins:
    """How a feature was distributed in training: `edges` cut it into bins, closed to the right.

    `shares` are those of the bins, with one more at the end for unknown values; they add up to 1.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]


#: Among the metrics of a model, that it was trained on simulated customers.
SIMULATED: Final = "is_simulated"


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What a training run hands to the registry; all that serving and explaining need."""

    name: str
    feature_names: tuple[str, ...]
    #: The trees for serving (ONNX) and for explaining (LightGBM's text).
    onnx: bytes
    trees: str
    calibration: Calibration
    #: By feature, and the calibrated score under "score".
    bins: Mapping[str, Bins]
    metrics: Mapping[str, Any]
    #: Markdown, written by the training run.
    card: str

    @property
    def is_simulated(self) -> bool:
        """Whether it learned from simulated customers only, and so may hold nobody's money."""
        return bool(self.metrics.get(SIMULATED))


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model of the registry, with everything but its trees."""

    id: UUID
    name: str
    version: int
    status: ModelStatus
    feature_names: tuple[str, ...]
    metrics: Mapping[str, Any]
    card: str
    registered_by: str
    registered_at: datetime
    #: When it last became the champion; None for one that never did.
    champion_from: datetime | None = None
