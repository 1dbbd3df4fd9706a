"""Evidence as it is stored: typed items as one sealed JSON, pictures in sealed parts."""

import base64
import unicodedata
import uuid
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from huitong.customers.onboarding.types import (
    Application,
    IdentityDocument,
    PersonDetails,
    PictureKind,
    ShownApplicant,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy import DataKind, Vault, mask

PERSON_FIELD: Final = "customers.applications.person"
IDENTITY_PERSON_FIELD: Final = "customers.identities.person"
ID_NUMBER_FIELD: Final = "customers.identities.id_number"
_ID_INDEX: Final = "id_number"
_KINDS: Final = {
    IdentityDocument.RESIDENT_ID: DataKind.ID_NUMBER,
    IdentityDocument.PASSPORT: DataKind.PASSPORT,
}
_NAME_BIRTH_INDEX: Final = "name_birth"


async def seal_person(
    uow: UnitOfWork, vault: Vault, subject_id: uuid.UUID, person: PersonDetails
) -> bytes:
    """Return the typed items, sealed for an application."""
    text = msgspec.json.encode(person).decode()
    return (await vault.seal(uow, subject_id, {PERSON_FIELD: text}))[PERSON_FIELD]


async def open_person_details(
    uow: UnitOfWork, vault: Vault, subject_id: uuid.UUID, sealed: bytes
) -> PersonDetails:
    """Return the typed items of an application; raises DataDestroyed."""
    opened = await vault.open(uow, subject_id, {PERSON_FIELD: sealed})
    return msgspec.json.decode(opened[PERSON_FIELD], type=PersonDetails)


async def seal_picture(
    uow: UnitOfWork, vault: Vault, subject_id: uuid.UUID, kind: PictureKind, content: bytes
) -> list[bytes]:
    """Return a picture in sealed parts; each is bound to its kind and its place."""
    step = limits.PICTURE_PART_BYTES
    parts = {
        _part_field(kind, place): base64.b64encode(content[start : start + step]).decode()
        for place, start in enumerate(range(0, len(content), step))
    }
    sealed = await vault.seal(uow, subject_id, parts)
    return [sealed[name] for name in parts]


async def open_picture(
    uow: UnitOfWork, vault: Vault, subject_id: uuid.UUID, kind: PictureKind, parts: Sequence[bytes]
) -> bytes:
    """Return a picture; raises SealBroken if a part was changed, moved or swapped."""
    sealed = {_part_field(kind, place): part for place, part in enumerate(parts)}
    opened = await vault.open(uow, subject_id, sealed)
    return b"".join(base64.b64decode(opened[name]) for name in sealed)


async def show_applicants(
    uow: UnitOfWork, vault: Vault, applications: Sequence[Application]
) -> dict[uuid.UUID, ShownApplicant]:
    """Return name, mobile and identity number of a page of applications, masked.

    One query for all. An application without a person yet, or whose data was destroyed, is left
    out.
    """
    sealed = {
        application.id: {PERSON_FIELD: application.sealed_person}
        for application in applications
        if application.sealed_person is not None
    }
    opened = await vault.open_many(uow, sealed) if sealed else {}
    shown = {}
    for application_id, texts in opened.items():
        if texts is not None:
            person = msgspec.json.decode(texts[PERSON_FIELD], type=PersonDetails)
            shown[application_id] = ShownApplicant(
                name=mask(DataKind.NAME, person.name),
                mobile=mask(DataKind.MOBILE, person.mobile),
                id_number=mask(_KINDS[person.document], person.id_number),
            )
    return shown


def index_id_number(vault: Vault, number: str) -> bytes:
    """Return the blind index of what `documents.name_holder` gives: one document, one index."""
    return vault.blind_index(_ID_INDEX, number.strip().upper())


def index_name_and_birth(vault: Vault, name: str, birth_on: date) -> bytes:
    """Return the blind index of a name with a day of birth, a hint that two are one person."""
    written = "".join(unicodedata.normalize("NFKC", name).split()).upper()
    return vault.blind_index(_NAME_BIRTH_INDEX, f"{written} {birth_on.isoformat()}")


def _part_field(kind: PictureKind, place: int) -> str:
    return f"customers.picture_parts.{kind.value}_{place:02d}"
