"""A trained model as files, and the one that is shipped: every new installation begins with it."""

from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import msgspec

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk.decisioning.models.registry import ModelStatusConflict, install_first_model
from huitong.risk.decisioning.models.types import (
    Bins,
    Calibration,
    RegisteredModel,
    TrainedModel,
)

_FOLDER: Final = "huitong.risk.fraud.start_model"
_ONNX: Final = "model.onnx"
_TREES: Final = "trees.txt"
_SETTINGS: Final = "settings.json"
_CARD: Final = "card.md"


class _Settings(msgspec.Struct, frozen=True):
    name: str
    feature_names: tuple[str, ...]
    calibration: Calibration
    bins: dict[str, Bins]
    metrics: dict[str, Any]


def write_model(model: TrainedModel, folder: Path) -> None:
    """Write a model into a folder, which is made if it is not there; the same model, same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = _Settings(
        name=model.name,
        feature_names=model.feature_names,
        calibration=model.calibration,
        bins=dict(model.bins),
        metrics=dict(model.metrics),
    )
    (folder / _ONNX).write_bytes(model.onnx)
    (folder / _TREES).write_text(model.trees, encoding="utf-8")
    document = msgspec.json.format(msgspec.json.encode(settings), indent=1)
    (folder / _SETTINGS).write_bytes(document + b"\n")
    (folder / _CARD).write_text(model.card, encoding="utf-8")


def read_model(folder: Traversable) -> TrainedModel:
    """Return what `write_model` wrote; raises FileNotFoundError and msgspec.DecodeError."""
    settings = msgspec.json.decode((folder / _SETTINGS).read_bytes(), type=_Settings)
    return TrainedModel(
        name=settings.name,
        feature_names=settings.feature_names,
        onnx=(folder / _ONNX).read_bytes(),
        trees=(folder / _TREES).read_text(encoding="utf-8"),
        calibration=settings.calibration,
        bins=settings.bins,
        metrics=settings.metrics,
        card=(folder / _CARD).read_text(encoding="utf-8"),
    )


def read_start_model() -> TrainedModel:
    """Return the model that is shipped."""
    return read_model(files(_FOLDER))


async def install_start_model(uow: UnitOfWork, *, now: datetime) -> RegisteredModel | None:
    """Make the shipped model the champion of a new installation.

    Returns None, and changes nothing, where its name has a model: what a bank has trained and who
    decides there is its own affair, however old the model is.
    """
    try:
        return await install_first_model(uow, model=read_start_model(), now=now)
    except ModelStatusConflict:
        return None
