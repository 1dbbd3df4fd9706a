"""Reads of what was recorded about log-ins."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.places import Place
from huitong.identity.store.logins import read_place_columns
from huitong.identity.types import Audience, Factor
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField

_LOG_INS: Final = """
    SELECT a.attempted_at, a.session_id, a.device_id, a.is_new_device, a.method, a.place, a.region,
           a.city, a.latitude, a.longitude
      FROM identity.attempts a JOIN identity.logins l ON l.id = a.login_id
     WHERE l.audience = :audience AND l.subject_id = :subject_id AND a.outcome = 'logged_in'
     ORDER BY a.id DESC
     LIMIT :count
"""

_DEVICE_USES: Final = """
    SELECT l.subject_id, d.id AS device_id, d.created_at, d.last_seen_at
      FROM unnest(CAST(:subject_ids AS uuid[])) AS n(id)
      JOIN identity.logins l ON l.audience = 'customer' AND l.subject_id = n.id
     CROSS JOIN LATERAL (SELECT id, created_at, last_seen_at FROM identity.devices
                          WHERE login_id = l.id AND last_seen_at >= :since
                          ORDER BY id DESC LIMIT :each_max) d
    UNION
    SELECT l.subject_id, d.id, d.created_at, d.last_seen_at
      FROM identity.devices d JOIN identity.logins l ON l.id = d.login_id
     WHERE d.id = ANY(:device_ids) AND l.audience = 'customer' AND d.last_seen_at >= :since
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """That a customer logged in with a device, and when first and last."""

    subject_id: uuid.UUID
    device_id: uuid.UUID
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """That somebody logged in, with which device and from where."""

    at: datetime
    session_id: uuid.UUID
    device_id: uuid.UUID
    is_new_device: bool
    method: Factor
    place: Place | None


async def find_device_uses(
    uow: UnitOfWork,
    *,
    subject_ids: Sequence[uuid.UUID],
    device_ids: Sequence[uuid.UUID],
    since: datetime,
    each_max: int,
) -> tuple[DeviceUse, ...]:
    """Return the devices that customers used since an instant, and the users of some devices.

    At most `each_max` devices of each login, the newest.
    """
    rows = await uow.execute(
        _DEVICE_USES,
        subject_ids=list(subject_ids),
        device_ids=list(device_ids),
        since=since,
        each_max=each_max,
    )
    return tuple(
        DeviceUse(
            subject_id=row.subject_id,
            device_id=row.device_id,
            first_at=row.created_at,
            last_at=row.last_seen_at,
        )
        for row in rows
    )


async def list_recent_log_ins(
    uow: UnitOfWork, *, audience: Audience, subject_id: uuid.UUID, limit: int = 2
) -> tuple[LogIn, ...]:
    """Return a person's last log-ins, the newest first, over all logins that the person ever had.

    What rules on impossible travel compare (`calculate_speed`). Raises InvalidField for the limit.
    """
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    rows = await uow.execute(_LOG_INS, audience=audience.value, subject_id=subject_id, count=limit)
    return tuple(_read(row) for row in rows)


def _read(row: Row[Any]) -> LogIn:
    return LogIn(
        at=row.attempted_at,
        session_id=row.session_id,
        device_id=row.device_id,
        is_new_device=row.is_new_device,
        method=Factor(row.method),
        place=read_place_columns(row),
    )
