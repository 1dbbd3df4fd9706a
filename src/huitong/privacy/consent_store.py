"""All SQL of consents, and the lock that orders what happens to one subject."""

import uuid
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import SUBJECT, show_id
from huitong.privacy.errors import DataDestroyed, SubjectUnknown
from huitong.privacy.records import Consent, ConsentAction

_CONSENTS: Final = """
    SELECT id, subject_id, purpose, number, action, version, digest, channel, actor, recorded_at
      FROM privacy.consents
"""
_INSERT: Final = """
    INSERT INTO privacy.consents (id, subject_id, purpose, number, action, version, digest, channel,
                                  actor, recorded_at)
    VALUES (:id, :subject_id, :purpose, :number, :action, :version, :digest, :channel, :actor,
            :recorded_at)
"""


async def lock_subject(uow: UnitOfWork, subject_id: uuid.UUID) -> None:
    """Keep others from this subject until the transaction ends: consents, requests, destruction.

    Raises SubjectUnknown if nothing was ever sealed for it, and DataDestroyed.
    """
    row = await uow.fetch_one(
        "SELECT destroyed_at FROM privacy.subject_keys WHERE subject_id = :id FOR NO KEY UPDATE",
        id=subject_id,
    )
    shown = show_id(SUBJECT, subject_id)
    if row is None:
        raise SubjectUnknown(f"No data is kept for {shown}")
    if row.destroyed_at is not None:
        raise DataDestroyed(f"The data of {shown} was destroyed", context={"subject": shown})


async def find_last(uow: UnitOfWork, subject_id: uuid.UUID, purpose: str) -> Consent | None:
    """Return what holds for a purpose, or None if it was never given."""
    row = await uow.fetch_one(
        f"{_CONSENTS} WHERE subject_id = :subject_id AND purpose = :purpose "
        "ORDER BY number DESC LIMIT 1",
        subject_id=subject_id,
        purpose=purpose,
    )
    return None if row is None else _read(row)


async def list_consents(uow: UnitOfWork, subject_id: uuid.UUID, limit: int) -> tuple[Consent, ...]:
    """Return the newest givings and withdrawings of a subject, newest first."""
    rows = await uow.execute(
        f"{_CONSENTS} WHERE subject_id = :subject_id ORDER BY id DESC LIMIT :limit",
        subject_id=subject_id,
        limit=limit,
    )
    return tuple(map(_read, rows))


async def insert_consent(uow: UnitOfWork, consent: Consent) -> None:
    """Insert a giving or withdrawing."""
    await uow.execute(
        _INSERT,
        id=consent.id,
        subject_id=consent.subject_id,
        purpose=consent.purpose,
        number=consent.number,
        action=consent.action.value,
        version=consent.version,
        digest=consent.digest,
        channel=consent.channel,
        actor=consent.actor,
        recorded_at=consent.recorded_at,
    )


def _read(row: Row[Any]) -> Consent:
    return Consent(**{**row._asdict(), "action": ConsentAction(row.action)})
