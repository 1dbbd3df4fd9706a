"""The scorecard that is shipped, as files: written by a fit, read by every installation."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from huitong.risk.credit.scorecards.types import Scorecard, read_scorecard, write_scorecard
from huitong.risk.decisioning.models.types import TrainedModel

_FOLDER: Final = "huitong.risk.credit.starting.scorecard"
_CARD: Final = "scorecard.json"
_MODEL_CARD: Final = "card.md"
_METRICS: Final = "metrics.json"


def write_start_scorecard(card: Scorecard, model: TrainedModel, folder: Path) -> None:
    """Write scorecard, measures and model card into a folder; the same scorecard, same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    document = json.dumps(json.loads(write_scorecard(card)), ensure_ascii=False, indent=1)
    (folder / _CARD).write_text(document + "\n", encoding="utf-8")
    metrics = json.dumps(dict(model.metrics), ensure_ascii=False, indent=1, sort_keys=True)
    (folder / _METRICS).write_text(metrics + "\n", encoding="utf-8")
    (folder / _MODEL_CARD).write_text(model.card, encoding="utf-8")


@cache
def start_scorecard() -> Scorecard:
    """Return the scorecard that is shipped, read once."""
    return read_scorecard((files(_FOLDER) / _CARD).read_text(encoding="utf-8"))
