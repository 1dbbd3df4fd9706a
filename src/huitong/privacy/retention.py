"""Destroying what no longer may be kept, a bounded step at a time, with evidence of each step."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeAlias

from huitong.kernel import audit, limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.privacy import retention_store
from huitong.privacy.fulfilling import erase_everywhere
from huitong.privacy.records import Destruction
from huitong.privacy.retention_schedule import RetentionSchedule
from huitong.privacy.subject_data import Providers
from huitong.privacy.vault import Vault


class Retained(Protocol):
    """One class of data that a room can destroy; it works in the caller's transaction."""

    @property
    def data_class(self) -> str:
        """The class of the schedule."""
        ...

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many began on or before `cutoff_on`, counting no further than `limit`."""
        ...

    async def destroy_due(
        self, uow: UnitOfWork, *, cutoff_on: date, now: datetime
    ) -> Sequence[str]:
        """Destroy a bounded number of what began on or before `cutoff_on`; return identifiers."""
        ...


RetainedClasses: TypeAlias = Sequence[Retained]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is due in one class; `count` is at most `limits.RETENTION_ROWS_MAX`."""

    data_class: str
    cutoff_on: date
    count: int


@dataclass(frozen=True, slots=True)
class AccessLogs:
    """Masked reads and searches by staff."""

    data_class: str = "access_logs"

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many were recorded on or before a day."""
        return await retention_store.count_lookups(uow, cutoff_on, limit)

    async def destroy_due(
        self,
        uow: UnitOfWork,
        *,
        cutoff_on: date,
        now: datetime,  # noqa: ARG002 - the protocol's
    ) -> Sequence[str]:
        """Delete up to `limits.RETENTION_ROWS_MAX` of them."""
        return await retention_store.delete_lookups(uow, cutoff_on, limits.RETENTION_ROWS_MAX)


@dataclass(frozen=True, slots=True)
class ExportCopies:
    """Copies that nobody fetched in time."""

    data_class: str = "export_copies"

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many that still have their text were made on or before a day."""
        return await retention_store.count_copies(uow, cutoff_on, limit)

    async def destroy_due(
        self,
        uow: UnitOfWork,
        *,
        cutoff_on: date,
        now: datetime,  # noqa: ARG002 - the protocol's
    ) -> Sequence[str]:
        """Delete the text of up to `limits.RETENTION_SUBJECTS_MAX` of them."""
        return await retention_store.delete_copies(uow, cutoff_on, limits.RETENTION_SUBJECTS_MAX)


@dataclass(frozen=True, slots=True)
class RestrictedPeople:
    """People whose data is only stored, and of whom nothing must be kept any more."""

    vault: Vault
    providers: Providers
    data_class: str = "restricted_people"

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many have a last day on or before a day."""
        return await retention_store.count_restricted(uow, cutoff_on, limit)

    async def destroy_due(
        self, uow: UnitOfWork, *, cutoff_on: date, now: datetime
    ) -> Sequence[str]:
        """Erase up to `limits.RETENTION_SUBJECTS_MAX` people, and put off whom a room keeps on."""
        destroyed = []
        due = await retention_store.lock_restricted(uow, cutoff_on, limits.RETENTION_SUBJECTS_MAX)
        for subject_id in due:
            kept = await erase_everywhere(
                uow, self.vault, self.providers, subject_id, is_first=False, now=now
            )
            if kept:
                classes = sorted({each.data_class for each in kept})
                await retention_store.put_off(uow, subject_id, classes, kept[-1].until_on)
            else:
                await retention_store.mark_destroyed(uow, subject_id, now)
                destroyed.append(str(subject_id))
        return destroyed


async def list_due(uow: UnitOfWork, retained: RetainedClasses, *, now: datetime) -> tuple[Due, ...]:
    """Return what is due in each class that can be destroyed, in the classes' order."""
    today, schedule = business_day(now), RetentionSchedule.load()
    found = []
    for each in retained:
        cutoff_on = schedule.get(each.data_class).period(today).cutoff(today)
        count = await each.count_due(uow, cutoff_on=cutoff_on, limit=limits.RETENTION_ROWS_MAX)
        found.append(Due(data_class=each.data_class, cutoff_on=cutoff_on, count=count))
    return tuple(found)


async def destroy_due(uow: UnitOfWork, retained: Retained, *, now: datetime) -> Destruction | None:
    """Destroy a bounded number of one class, write the evidence, and return it, or None.

    Data and evidence are in one transaction: neither is ever without the other.
    """
    today = business_day(now)
    entry = RetentionSchedule.load().get(retained.data_class)
    cutoff_on = entry.period(today).cutoff(today)
    destroyed = await retained.destroy_due(uow, cutoff_on=cutoff_on, now=now)
    if not destroyed:
        return None
    evidence = Destruction(
        id=uuid7(),
        data_class=entry.data_class,
        rule=entry.describe(today),
        cutoff_on=cutoff_on,
        count=len(destroyed),
        digest=digest_identifiers(destroyed),
        destroyed_at=now,
    )
    await retention_store.insert_destruction(uow, evidence)
    await audit.record(
        uow,
        action="privacy.destroy_due",
        subject=f"data_class {entry.data_class}",
        details={"count": evidence.count, "cutoff_on": cutoff_on},
    )
    return evidence


async def destroy_all_due(database: Database, classes: RetainedClasses, *, now: datetime) -> bool:
    """Do one bounded step of each class, each in its own transaction; say whether any did much.

    A class that fails does not undo the others before it; it is met again in the next round.
    """
    has_more = False
    for each in classes:

        async def step(uow: UnitOfWork, retained: Retained = each) -> Destruction | None:
            return await destroy_due(uow, retained, now=now)

        has_more |= await database.run(step) is not None
    return has_more


def digest_identifiers(identifiers: Sequence[str]) -> bytes:
    """Return SHA-256 over identifiers, sorted, a line each."""
    return hashlib.sha256("".join(f"{each}\n" for each in sorted(identifiers)).encode()).digest()


async def list_destructions(
    uow: UnitOfWork,
    *,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> tuple[Destruction, ...]:
    """Return a page of evidence, newest first. Raises InvalidField for a bad limit."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    return await retention_store.list_destructions(uow, before_id, limit)
