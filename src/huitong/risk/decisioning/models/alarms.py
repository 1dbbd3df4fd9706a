"""Alarms about models: while one is open its model is out of use, until two people looked."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict
from huitong.kernel.ids import APPROVAL, MODEL, show_id, uuid7
from huitong.kernel.logs import get_logger
from huitong.risk.decisioning.models.registry import get_model

_log = get_logger(__name__)


class AlarmCause(StrEnum):
    """Why a model is out of use."""

    #: Payments, or their scores, are distributed unlike those of its training.
    DRIFT = "drift"
    #: It finds less fraud than it did in training.
    DECAY = "decay"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAlarm:
    """An alarm about a model, with what was measured."""

    id: uuid.UUID
    model_id: uuid.UUID
    cause: AlarmCause
    details: Mapping[str, Any]
    raised_at: datetime
    cleared_at: datetime | None


class ModelNotOut(Conflict):
    """The model is in use: no alarm about it is open."""

    code = "model_not_out"
    title = "No alarm about the model is open"


async def raise_alarm(
    uow: UnitOfWork,
    *,
    model_id: uuid.UUID,
    cause: AlarmCause,
    details: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Take a model out of use and say so in the log; False if it is out for this cause already."""
    row = await uow.fetch_one(
        """
        INSERT INTO risk.model_alarms (id, model_id, cause, details, raised_at)
        VALUES (:id, :model_id, :cause, CAST(:details AS jsonb), :now)
        ON CONFLICT (model_id, cause) WHERE cleared_at IS NULL DO NOTHING
        RETURNING id
        """,
        id=uuid7(),
        model_id=model_id,
        cause=cause.value,
        details=msgspec.json.encode(details).decode(),
        now=now,
    )
    if row is None:
        return False
    _log.error(
        "model_out_of_use", model=show_id(MODEL, model_id), cause=cause.value, measured=details
    )
    return True


async def check_can_reuse(uow: UnitOfWork, *, model_id: uuid.UUID) -> None:
    """Raise ModelNotFound, or ModelNotOut for a model about which no alarm is open."""
    await get_model(uow, model_id)
    if not await is_model_out(uow, model_id):
        raise ModelNotOut("No alarm about this model is open.")


async def reuse_model(
    uow: UnitOfWork, *, model_id: uuid.UUID, approval_id: uuid.UUID, now: datetime
) -> None:
    """Clear the alarms about a model, so that it scores again; two people looked and agreed.

    It is watched from here on: what was before raises no alarm again. Raises ModelNotFound and
    ModelNotOut.
    """
    await check_can_reuse(uow, model_id=model_id)
    rows = await uow.execute(
        # An alarm of another machine, whose clock is ahead, is cleared when it was raised.
        "UPDATE risk.model_alarms SET cleared_at = greatest(raised_at, :now), "
        "approval_id = :approval_id WHERE model_id = :model_id AND cleared_at IS NULL "
        "RETURNING cause",
        model_id=model_id,
        approval_id=approval_id,
        now=now,
    )
    if not rows:
        raise ModelNotOut("Its alarms were cleared just now.")
    await audit.record(
        uow,
        action="risk.reuse_model",
        subject=show_id(MODEL, model_id),
        details={
            "causes": sorted(row.cause for row in rows),
            "approval": show_id(APPROVAL, approval_id),
        },
    )


async def list_alarms(uow: UnitOfWork, model_id: uuid.UUID) -> list[ModelAlarm]:
    """Return the newest alarms about a model, open and cleared, newest first."""
    rows = await uow.execute(
        """
        SELECT id, model_id, cause, details, raised_at, cleared_at FROM risk.model_alarms
         WHERE model_id = :model_id ORDER BY id DESC LIMIT :limit
        """,
        model_id=model_id,
        limit=limits.MODELS_PAGE,
    )
    return [
        ModelAlarm(
            id=row.id,
            model_id=row.model_id,
            cause=AlarmCause(row.cause),
            details=row.details,
            raised_at=row.raised_at,
            cleared_at=row.cleared_at,
        )
        for row in rows
    ]


async def find_last_cleared(uow: UnitOfWork, model_id: uuid.UUID) -> datetime | None:
    """Return when alarms about a model were last cleared, or None."""
    found: datetime | None = await uow.fetch_value(
        "SELECT max(cleared_at) FROM risk.model_alarms WHERE model_id = :id", id=model_id
    )
    return found


async def is_model_out(uow: UnitOfWork, model_id: uuid.UUID) -> bool:
    """Say whether an alarm about a model is open."""
    found = await uow.fetch_value(
        "SELECT EXISTS (SELECT 1 FROM risk.model_alarms "
        "WHERE model_id = :id AND cleared_at IS NULL)",
        id=model_id,
    )
    return bool(found)
