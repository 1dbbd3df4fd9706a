"""The registry: models as they were trained, and which of them decides."""

import asyncio
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.kernel import audit, limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict, Fault, InvalidField, LimitExceeded, NotFound
from huitong.kernel.ids import APPROVAL, MODEL, show_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.models.fairness import check_fair
from huitong.risk.decisioning.models.types import (
    Bins,
    Calibration,
    ModelStatus,
    RegisteredModel,
    TrainedModel,
)

_NEXT: Final[Mapping[ModelStatus, frozenset[ModelStatus]]] = {
    ModelStatus.SHADOW: frozenset(
        {ModelStatus.CHALLENGER, ModelStatus.CHAMPION, ModelStatus.RETIRED}
    ),
    ModelStatus.CHALLENGER: frozenset(
        {ModelStatus.SHADOW, ModelStatus.CHAMPION, ModelStatus.RETIRED}
    ),
    ModelStatus.CHAMPION: frozenset({ModelStatus.SHADOW, ModelStatus.RETIRED}),
    ModelStatus.RETIRED: frozenset(),
}
#: Of these there is one of a name.
_SINGLE: Final = frozenset({ModelStatus.CHAMPION, ModelStatus.CHALLENGER})
_VIEW: Final = """
    SELECT id, name, version, status, settings, metrics, card, registered_by, registered_at,
           champion_from
      FROM risk.models
"""


class ModelNotFound(NotFound):
    """No model has this id."""

    code = "model_not_found"
    title = "There is no such model"


class ModelStatusConflict(Conflict):
    """The model's life does not go this way."""

    code = "model_status_conflict"
    title = "The model cannot take this status"


class ModelUntried(Conflict):
    """The model has not scored enough beside others to be trusted with decisions."""

    code = "model_untried"
    title = "The model was not tried enough"


class ModelDamaged(Fault):
    """What is stored is not what was registered; it must not score anything."""

    code = "model_damaged"
    title = "A stored model differs from what was registered"


class _Settings(msgspec.Struct, frozen=True):
    """What serving needs beside the trees."""

    feature_names: tuple[str, ...]
    calibration: Calibration
    bins: dict[str, Bins]


async def register_model(uow: UnitOfWork, *, model: TrainedModel, now: datetime) -> RegisteredModel:
    """Store a trained model as the next version of its name; it begins in the shadow.

    Raises LimitExceeded for one that is too large.
    """
    for field, size, most in (
        ("onnx", len(model.onnx), limits.MODEL_BYTES_MAX),
        ("trees", len(model.trees), limits.MODEL_BYTES_MAX),
        ("card", len(model.card), limits.MODEL_CARD_LENGTH_MAX),
    ):
        if size > most:
            raise LimitExceeded(f"The model's {field} is {size} long, not {most}", field=field)
    await _lock_name(uow, model.name)
    identifier, settings = uuid7(), _settings_of(model)
    row = await uow.fetch_one(
        """
        INSERT INTO risk.models (id, name, version, onnx, trees, settings, digest, metrics, card,
                                 registered_by, registered_at)
        SELECT :id, CAST(:name AS text), coalesce(max(version), 0) + 1, :onnx, :trees,
               CAST(:settings AS jsonb), :digest, CAST(:metrics AS jsonb), :card, :actor, :now
          FROM risk.models WHERE name = :name
        RETURNING id, name, version, status, settings, metrics, card, registered_by, registered_at,
                  champion_from
        """,
        id=identifier,
        name=model.name,
        onnx=model.onnx,
        trees=model.trees,
        settings=msgspec.json.encode(settings).decode(),
        digest=_digest(model.onnx, model.trees, settings),
        metrics=msgspec.json.encode(model.metrics).decode(),
        card=model.card,
        actor=uow.caller.actor,
        now=now,
    )
    assert row is not None, "an aggregate without groups has one row"
    registered = _read(row)
    await audit.record(
        uow, action="risk.register_model", subject=_subject(registered.name, registered.version)
    )
    return registered


async def install_first_model(
    uow: UnitOfWork, *, model: TrainedModel, now: datetime
) -> RegisteredModel:
    """Register a model and make it the champion at once, where its name has no model yet.

    For the preparation of a new installation only: nothing was scored there yet, and nobody works
    there who could approve it. Raises ModelStatusConflict if the name is taken.
    """
    await _lock_name(uow, model.name)
    if await uow.fetch_value(
        "SELECT 1 FROM risk.models WHERE name = :name LIMIT 1", name=model.name
    ):
        raise ModelStatusConflict(f"{model.name} has models already", field="name")
    registered = await register_model(uow, model=model, now=now)
    await uow.execute(
        "UPDATE risk.models SET status = 'champion', installed_at = :now, champion_from = :now "
        "WHERE id = :id",
        id=registered.id,
        now=now,
    )
    await audit.record(
        uow,
        action="risk.install_first_model",
        subject=_subject(registered.name, registered.version),
    )
    return replace(registered, status=ModelStatus.CHAMPION, champion_from=now)


async def check_model_status(
    uow: UnitOfWork, *, model_id: uuid.UUID, status: ModelStatus, rulebook: Rulebook, now: datetime
) -> RegisteredModel:
    """Return a model that may take a status, while nobody else changes those of its name.

    Raises ModelNotFound, ModelStatusConflict for a step that is not there (from retired nothing
    comes back, and a champion does not become a challenger at once), and ModelUntried for one that
    is to be the champion and has scored too few decisions beside others, ModelUnfair for one about
    credit that breaks a bound of `risk.credit.fairness`. The first champion needs
    none, and who was one before may come back at once.
    """
    found = await get_model(uow, model_id)
    await _lock_name(uow, found.name)
    model = await get_model(uow, model_id)
    if status not in _NEXT[model.status]:
        raise ModelStatusConflict(
            f"A model that is {model.status} cannot become {status}", field="status"
        )
    if status in _SINGLE:
        check_fair(model, rulebook, business_day(now))
    is_new = status is ModelStatus.CHAMPION and model.champion_from is None
    if is_new and await _had_champion(uow, model.name):
        least = rulebook.integer("risk.model.shadow_decisions.min", business_day(now))
        scored = await _count_scored(uow, model, most=least)
        if scored < least:
            raise ModelUntried(
                f"It has scored {scored} decisions beside others; {least} are needed",
                field="status",
            )
    return model


async def set_model_status(
    uow: UnitOfWork,
    *,
    model_id: uuid.UUID,
    status: ModelStatus,
    approval_id: uuid.UUID,
    rulebook: Rulebook,
    now: datetime,
) -> RegisteredModel:
    """Move a model on in its life; a champion or challenger before it goes back to the shadow.

    Two people agreed on it, as `approval_id` says. Raises what `check_model_status` does.
    """
    model = await check_model_status(
        uow, model_id=model_id, status=status, rulebook=rulebook, now=now
    )
    if status in _SINGLE:
        await uow.execute(
            "UPDATE risk.models SET status = 'shadow' WHERE name = :name AND status = :status",
            name=model.name,
            status=status.value,
        )
    begins = now if status is ModelStatus.CHAMPION else model.champion_from
    await uow.execute(
        "UPDATE risk.models SET status = :status, approval_id = :approval_id, "
        "champion_from = :begins WHERE id = :id",
        id=model_id,
        status=status.value,
        approval_id=approval_id,
        begins=begins,
    )
    await audit.record(
        uow,
        action="risk.set_model_status",
        subject=_subject(model.name, model.version),
        details={
            "from": model.status,
            "to": status,
            "approval": show_id(APPROVAL, approval_id),
        },
    )
    return replace(model, status=status, champion_from=begins)


async def get_model(uow: UnitOfWork, model_id: uuid.UUID) -> RegisteredModel:
    """Return a model without its trees; raises ModelNotFound."""
    row = await uow.fetch_one(f"{_VIEW} WHERE id = :id", id=model_id)
    if row is None:
        raise ModelNotFound(f"There is no model {show_id(MODEL, model_id)}")
    return _read(row)


async def find_model(
    uow: UnitOfWork, name: str, status: ModelStatus = ModelStatus.CHAMPION
) -> RegisteredModel | None:
    """Return the newest model of a name with this status, or None."""
    row = await uow.fetch_one(
        f"{_VIEW} WHERE name = :name AND status = :status ORDER BY version DESC LIMIT 1",
        name=name,
        status=status.value,
    )
    return None if row is None else _read(row)


async def list_models(
    uow: UnitOfWork,
    name: str,
    *,
    before: int = limits.MODEL_VERSIONS_MAX + 1,
    limit: int = limits.MODELS_PAGE,
) -> list[RegisteredModel]:
    """Return a page of versions of a name, newest first, below `before`; raises InvalidField."""
    if not 1 <= limit <= limits.MODELS_PAGE:
        raise InvalidField(f"must be from 1 to {limits.MODELS_PAGE}, not {limit}", field="limit")
    rows = await uow.execute(
        f"{_VIEW} WHERE name = :name AND version < :before ORDER BY version DESC LIMIT :limit",
        name=name,
        before=before,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def load_model(uow: UnitOfWork, model_id: uuid.UUID) -> TrainedModel:
    """Return everything of a model, to serve it or to explain its scores.

    Raises ModelNotFound, and ModelDamaged if it is not what was registered.
    """
    row = await uow.fetch_one(
        """
        SELECT name, onnx, trees, settings, digest, metrics, card FROM risk.models WHERE id = :id
        """,
        id=model_id,
    )
    if row is None:
        raise ModelNotFound(f"There is no model {show_id(MODEL, model_id)}")
    # Megabytes are digested: payments of this process need not wait for that.
    return await asyncio.to_thread(_open, model_id, row)


async def _had_champion(uow: UnitOfWork, name: str) -> bool:
    found = await uow.fetch_value(
        "SELECT EXISTS (SELECT 1 FROM risk.models WHERE name = :name "
        "AND champion_from IS NOT NULL)",
        name=name,
    )
    return bool(found)


async def _count_scored(uow: UnitOfWork, model: RegisteredModel, *, most: int) -> int:
    """Return how many decisions a model scored beside others, and stop counting at `most`."""
    count: int = await uow.fetch_value(
        """
        SELECT count(*) FROM (
            SELECT 1 FROM risk.decisions
             WHERE decided_at >= :since AND (shadow_model_id = :id OR challenger_id = :id)
             LIMIT :most) found
        """,
        id=model.id,
        since=model.registered_at,
        most=most,
    )
    return count


def _open(model_id: uuid.UUID, row: Row[Any]) -> TrainedModel:
    onnx = bytes(row.onnx)
    try:
        settings = _read_settings(row.settings)
    except msgspec.ValidationError:
        settings = None
    if settings is None or _digest(onnx, row.trees, settings) != bytes(row.digest):
        raise ModelDamaged(
            f"Model {show_id(MODEL, model_id)} differs from what was registered", retryable=False
        )
    return TrainedModel(
        name=row.name,
        feature_names=settings.feature_names,
        onnx=onnx,
        trees=row.trees,
        calibration=settings.calibration,
        bins=settings.bins,
        metrics=_read_json(row.metrics),
        card=row.card,
    )


async def _lock_name(uow: UnitOfWork, name: str) -> None:
    """Let one at a time add a version of a name or change who decides under it."""
    await uow.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('risk.models ' || :name, 0))", name=name
    )


def _settings_of(model: TrainedModel) -> _Settings:
    return _Settings(model.feature_names, model.calibration, dict(model.bins))


def _digest(onnx: bytes, trees: str, settings: _Settings) -> bytes:
    """Return SHA-256 over the three, each with its own digest so that no border can move."""
    parts = (onnx, trees.encode(), msgspec.json.encode(settings, order="deterministic"))
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


def _subject(name: str, version: int) -> str:
    return f"{name}/{version}"


def _read(row: Row[Any]) -> RegisteredModel:
    return RegisteredModel(
        id=row.id,
        name=row.name,
        version=row.version,
        status=ModelStatus(row.status),
        feature_names=_read_settings(row.settings).feature_names,
        metrics=_read_json(row.metrics),
        card=row.card,
        registered_by=row.registered_by,
        registered_at=row.registered_at,
        champion_from=row.champion_from,
    )


def _read_settings(stored: Any) -> _Settings:
    return msgspec.convert(_read_json(stored), _Settings)


def _read_json(stored: Any) -> Any:
    return msgspec.json.decode(stored) if isinstance(stored, str) else stored
