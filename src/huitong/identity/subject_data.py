"""Identity's part in people's requests, and what it destroys when its time is over."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.commands.logins import close_login_of_subject
from huitong.identity.commands.sign_ups import end_sign_up
from huitong.identity.languages import forget_language, get_language
from huitong.identity.store import leaving
from huitong.identity.types import Audience, Vault
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.privacy import Erasure, Json, Kept, kept_until

_RECORDS: Final = "log_in_records"
_SESSIONS: Final = "ended_sessions"
_DEVICE_NAME: Final = "identity.devices.name"
_PASSKEY_NAME: Final = "identity.passkeys.name"


class IdentityData:
    """How a customer logs in: never corrected on demand, closed and stripped when they leave."""

    room: Final = "identity"
    correctable: Final[frozenset[str]] = frozenset()

    def __init__(self, vault: Vault) -> None:
        """Take the vault that the names of devices are opened with."""
        self._vault = vault

    async def export(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Mapping[str, Json]:
        """Return logins, devices, passkeys, the last tries to log in and the last notices."""
        person = leaving.PersonsLogins(uow, subject_id)
        logins = await person.list_logins()
        if not logins:
            return {}
        devices, passkeys = await person.list_devices(), await person.list_passkeys()
        attempts = await person.list_attempts(limits.EXPORT_LOG_INS_MAX)
        notices = await person.list_notices(limits.EXPORT_LOG_INS_MAX)
        return {
            "language": await get_language(uow, subject_id),
            "logins": [_show(row) for row in logins],
            "devices": await self._show_named(uow, subject_id, _DEVICE_NAME, devices),
            "passkeys": await self._show_named(uow, subject_id, _PASSKEY_NAME, passkeys),
            "log_ins": [_show(row) for row in attempts],
            "notices": [_show(row) for row in notices],
        }

    async def _show_named(
        self, uow: UnitOfWork, subject_id: uuid.UUID, field: str, rows: Sequence[Row[Any]]
    ) -> list[Json]:
        shown: list[Json] = []
        for row in rows:
            name = None
            if row.name_sealed is not None:
                sealed = {field: bytes(row.name_sealed)}
                name = (await self._vault.open(uow, subject_id, sealed))[field]
            shown.append(_show(row) | {"name": name})
        return shown

    async def correct(
        self,
        uow: UnitOfWork,  # noqa: ARG002 - the protocol's, as the others below
        subject_id: uuid.UUID,  # noqa: ARG002
        corrections: Mapping[str, str],
        *,
        now: datetime,  # noqa: ARG002
    ) -> None:
        """Refuse: nothing is correctable."""
        raise InvalidField("cannot be corrected here", field=min(corrections))

    async def blockers(
        self,
        uow: UnitOfWork,  # noqa: ARG002
        subject_id: uuid.UUID,  # noqa: ARG002
    ) -> Sequence[str]:
        """Return nothing: a way in keeps nobody."""
        return ()

    async def erase(self, uow: UnitOfWork, subject_id: uuid.UUID, *, now: datetime) -> Erasure:
        """Close the login and take its credentials and names away; the log of tries is kept."""
        person = leaving.PersonsLogins(uow, subject_id)
        await close_login_of_subject(
            uow, audience=Audience.CUSTOMER, subject_id=subject_id, now=now
        )
        await end_sign_up(uow, subject_id=subject_id, now=now)
        erased = await person.strip(now=now) + await forget_language(uow, subject_id)
        last = await person.list_attempts(1)
        if not last:
            return Erasure(erased=erased)
        tried_on = business_day(last[0].attempted_at)
        until_on = kept_until(_RECORDS, tried_on, on=business_day(now))
        return Erasure(erased=erased, kept=(Kept(data_class=_RECORDS, until_on=until_on),))

    async def forget(self, uow: UnitOfWork, subject_id: uuid.UUID) -> None:
        """Overwrite the blind indexes of the person's number."""
        await leaving.PersonsLogins(uow, subject_id).forget()


@dataclass(frozen=True, slots=True)
class LogInRecords:
    """Tries of customers to log in and of staff to sign in."""

    data_class: str = _RECORDS

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many are from that day or before."""
        customers = await leaving.list_old_attempts(uow, cutoff_on, limit)
        staff = await leaving.list_old_staff_attempts(uow, cutoff_on, limit)
        return min(limit, len(customers) + len(staff))

    async def destroy_due(
        self,
        uow: UnitOfWork,
        *,
        cutoff_on: date,
        now: datetime,  # noqa: ARG002 - the protocol's
    ) -> Sequence[str]:
        """Delete up to `limits.RETENTION_ROWS_MAX` of each."""
        most = limits.RETENTION_ROWS_MAX
        customers = await leaving.list_old_attempts(uow, cutoff_on, most)
        staff = await leaving.list_old_staff_attempts(uow, cutoff_on, most)
        await leaving.delete_attempts(uow, customers)
        await leaving.delete_staff_attempts(uow, staff)
        return [str(each) for each in (*customers, *staff)]


@dataclass(frozen=True, slots=True)
class EndedSessions:
    """Sessions that are over, once the tries that opened them are gone."""

    data_class: str = _SESSIONS

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many were over on that day or before."""
        return len(await leaving.list_old_sessions(uow, cutoff_on, limit))

    async def destroy_due(
        self,
        uow: UnitOfWork,
        *,
        cutoff_on: date,
        now: datetime,  # noqa: ARG002 - the protocol's
    ) -> Sequence[str]:
        """Delete up to `limits.RETENTION_ROWS_MAX` of them."""
        found = await leaving.list_old_sessions(uow, cutoff_on, limits.RETENTION_ROWS_MAX)
        await leaving.delete_sessions(uow, found)
        return [str(each) for each in found]


def _show(row: Row[Any]) -> dict[str, Json]:
    shown: dict[str, Json] = {}
    for name, value in row._asdict().items():
        if name in {"id", "name_sealed"}:
            continue
        shown[str(name)] = value.isoformat() if isinstance(value, datetime) else value
    return shown
