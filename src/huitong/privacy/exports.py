"""Copies of everything that is kept about a person: made, sealed at rest, fetched once, expired."""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import SUBJECT, SUBJECT_REQUEST, show_id
from huitong.privacy import request_store
from huitong.privacy.consents import list_consents
from huitong.privacy.disclosing import list_disclosures
from huitong.privacy.errors import ExportGone, ExportNotReady, ExportTooLarge
from huitong.privacy.records import Consent, Export, SubjectRequest
from huitong.privacy.requests import get_request, list_requests
from huitong.privacy.retention_schedule import RetentionSchedule
from huitong.privacy.subject_data import Providers
from huitong.privacy.types import Disclosure
from huitong.privacy.vault import Vault

EXPORT_FORMAT: Final = "huitong.subject_export"
EXPORT_VERSION: Final = 1
EXPORT_CLASS: Final = "export_copies"


async def make_export(
    uow: UnitOfWork, vault: Vault, providers: Providers, request: SubjectRequest, *, now: datetime
) -> Export:
    """Gather what every room keeps about a person, seal it, and keep it until fetched or expired.

    The text is JSON as `export_schema.json` describes it. Raises ExportTooLarge, DataDestroyed.
    """
    rooms: dict[str, object] = {}
    for provider in providers:
        assert provider.room not in rooms, f"two providers for {provider.room}"
        rooms[provider.room] = await provider.export(uow, request.subject_id)
    document = {
        "format": EXPORT_FORMAT,
        "version": EXPORT_VERSION,
        "subject": show_id(SUBJECT, request.subject_id),
        "made_at": now,
        "rooms": rooms,
        "privacy": await _export_own(uow, request.subject_id),
    }
    text = msgspec.json.encode(document, order="sorted").decode()
    parts = await _seal_parts(uow, vault, request.subject_id, text)
    days = RetentionSchedule.load().get(EXPORT_CLASS).days
    export = Export(
        request_id=request.id,
        subject_id=request.subject_id,
        digest=hashlib.sha256(text.encode()).digest(),
        made_at=now,
        expires_at=now + timedelta(days=days),
        downloaded_at=None,
    )
    await request_store.insert_export(uow, export, parts)
    return export


async def download_export(
    uow: UnitOfWork,
    vault: Vault,
    *,
    request_id: uuid.UUID,
    subject_id: uuid.UUID,
    now: datetime,
) -> str:
    """Return a copy as JSON text, and delete it: it is given once.

    Send it only after the commit. Raises SubjectRequestNotFound (also for somebody else's),
    ExportNotReady, ExportGone, DataDestroyed.
    """
    await get_request(uow, request_id, subject_id=subject_id)
    export = await request_store.lock_export(uow, request_id)
    if export is None:
        raise ExportNotReady("The copy is not made yet; ask again in a minute")
    if export.downloaded_at is not None or export.expires_at <= now:
        raise ExportGone("The copy was fetched already, or has expired: make a new request")
    sealed = await request_store.take_parts(uow, request_id)
    if not sealed:
        raise ExportGone("The copy was deleted with the person's data")
    opened = await vault.open(
        uow, subject_id, {_part_name(number): part for number, part in enumerate(sealed)}
    )
    await request_store.mark_downloaded(uow, request_id, now)
    await audit.record(
        uow,
        action="privacy.download_export",
        subject=show_id(SUBJECT, subject_id),
        details={"request": show_id(SUBJECT_REQUEST, request_id)},
    )
    text = "".join(opened[_part_name(number)] for number in range(len(sealed)))
    assert hashlib.sha256(text.encode()).digest() == export.digest, "sealed parts are as made"
    return text


async def _seal_parts(
    uow: UnitOfWork, vault: Vault, subject_id: uuid.UUID, text: str
) -> list[bytes]:
    size = limits.EXPORT_PART_CHARACTERS
    parts = {
        _part_name(number): text[at : at + size]
        for number, at in enumerate(range(0, len(text), size))
    }
    if len(parts) > limits.EXPORT_PARTS_MAX:
        raise ExportTooLarge(
            f"A copy has at most {size * limits.EXPORT_PARTS_MAX} characters, not {len(text)}"
        )
    sealed = await vault.seal(uow, subject_id, parts)
    return [sealed[name] for name in parts]


async def _export_own(uow: UnitOfWork, subject_id: uuid.UUID) -> Mapping[str, object]:
    disclosures: list[Disclosure] = []
    while len(disclosures) < limits.EXPORTED_RECORDS_MAX:
        page = await list_disclosures(
            uow,
            subject_id=subject_id,
            before_id=disclosures[-1].id if disclosures else None,
            limit=limits.PAGE_SIZE_MAX,
        )
        disclosures += page
        if len(page) < limits.PAGE_SIZE_MAX:
            break
    consents = await list_consents(uow, subject_id=subject_id, limit=limits.EXPORTED_RECORDS_MAX)
    requests = await list_requests(uow, subject_id=subject_id, limit=limits.REQUESTS_OF_SUBJECT_MAX)
    return {
        "consents": [_show_consent(consent) for consent in consents],
        "requests": [_show_request(request) for request in requests],
        "disclosures": [_show_disclosure(disclosure) for disclosure in disclosures],
    }


def _show_consent(consent: Consent) -> dict[str, Any]:
    return {
        "purpose": consent.purpose,
        "action": consent.action.value,
        "version": consent.version,
        "text_sha256": consent.digest.hex(),
        "channel": consent.channel,
        "recorded_at": consent.recorded_at,
    }


def _show_request(request: SubjectRequest) -> dict[str, Any]:
    return {
        "id": show_id(SUBJECT_REQUEST, request.id),
        "kind": request.kind.value,
        "state": request.state.value,
        "received_at": request.received_at,
        "due_on": request.due_on,
    }


def _show_disclosure(disclosure: Disclosure) -> dict[str, Any]:
    # Neither who nor why in their words: both may say something about other people.
    return {
        "role": disclosure.role,
        "purpose": disclosure.purpose,
        "fields": list(disclosure.fields),
        "disclosed_at": disclosure.disclosed_at,
    }


def _part_name(number: int) -> str:
    return f"privacy.export_parts.part_{number:02d}"
