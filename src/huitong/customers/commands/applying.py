"""Applying for an account, step by step; each step may be repeated and may be lost on the way."""

import re
import uuid
from datetime import datetime
from typing import Final

from huitong.customers.errors import ApplicationExists, ApplicationNotDraft
from huitong.customers.evidence import Finding, FindingCode, to_invalid_fields
from huitong.customers.evidence.pictures import check_upload
from huitong.customers.onboarding import sealing, store
from huitong.customers.onboarding.judging import judge_person
from huitong.customers.onboarding.marks import index_picture, put_picture_mark
from huitong.customers.onboarding.types import (
    Application,
    ApplicationState,
    PersonDetails,
    PictureKind,
)
from huitong.customers.queries import check_limit, read_cursor
from huitong.kernel import audit, limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import APPLICATION, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Page
from huitong.privacy import Vault

_NATIONALITY_SHAPE: Final = re.compile(r"[A-Z]{3}")


async def start_application(
    uow: UnitOfWork,
    *,
    application_id: uuid.UUID,
    requested_class: int,
    consent_reference: str,
    now: datetime,
) -> Application:
    """Start an application and return the draft.

    `consent_reference` names the person's consent to the use of identity and biometric data. The
    same identifier with the same facts returns the application as it stands. Raises InvalidField,
    ApplicationExists.
    """
    if type(requested_class) is not int or not 1 <= requested_class <= 3:  # noqa: PLR2004 - the classes
        raise InvalidField("must be 1, 2 or 3", field="requested_class")
    _check_text(consent_reference, "consent_reference", limits.REFERENCE_LENGTH_MAX)
    is_new = await store.insert_application(
        uow,
        application_id,
        requested_class=requested_class,
        consent_reference=consent_reference,
        now=now,
    )
    application = await get_application(uow, application_id)
    wanted = (requested_class, consent_reference)
    if not is_new and (application.requested_class, application.consent_reference) != wanted:
        shown = show_id(APPLICATION, application_id)
        raise ApplicationExists(f"{shown} was started with other facts", context={"id": shown})
    if is_new:
        await record(uow, "customers.start_application", application_id)
    return application


async def save_person(
    uow: UnitOfWork,
    vault: Vault,
    *,
    application_id: uuid.UUID,
    person: PersonDetails,
    rulebook: Rulebook,
    now: datetime,
) -> Application:
    """Save the nine items of a draft, sealed, and return it with what was found about them.

    Raises InvalidField for what is no text at all, NotFound, ApplicationNotDraft. A number that
    breaks its standard or a document that has expired is a remark and may still be corrected.
    """
    _check_person(person)
    await _lock_draft(uow, application_id)
    remarks = judge_person(person, rulebook=rulebook, today=business_day(now))
    sealed = await sealing.seal_person(uow, vault, application_id, person)
    await store.set_person(
        uow, application_id, sealed, document=person.document, remarks=remarks, now=now
    )
    await record(uow, "customers.save_person", application_id)
    return await get_application(uow, application_id)


async def save_picture(
    uow: UnitOfWork,
    vault: Vault,
    *,
    application_id: uuid.UUID,
    kind: PictureKind,
    content: bytes,
) -> Application:
    """Save a picture of a draft, sealed; a later one of the same kind takes its place.

    Its first bytes decide whether it is a picture; it is decoded only at the picture desk. Raises
    InvalidField, NotFound, ApplicationNotDraft.
    """
    finding = check_upload(content, field="content")
    if len(content) > limits.APPLICATION_PICTURE_BYTES_MAX:
        finding = Finding(code=FindingCode.PICTURE_TOO_LARGE, field="content")
    if finding is not None:
        raise to_invalid_fields([finding])[0]
    application = await _lock_draft(uow, application_id)
    parts = await sealing.seal_picture(uow, vault, application_id, kind, content)
    await store.replace_picture(uow, application_id, kind, parts)
    await put_picture_mark(uow, application_id, kind, index_picture(vault, content))
    await record(uow, "customers.save_picture", application_id, kind=kind.value)
    return application


async def get_application(uow: UnitOfWork, application_id: uuid.UUID) -> Application:
    """Return an application; raises NotFound."""
    application = await store.find_application(uow, application_id)
    if application is None:
        raise not_found(application_id)
    return application


async def list_applications(
    uow: UnitOfWork,
    *,
    state: ApplicationState | None = None,
    cursor: str | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> Page[Application]:
    """Return a page of applications, oldest first, of one state or all; raises InvalidField."""
    found = await store.list_applications(uow, state, read_cursor(cursor), check_limit(limit) + 1)
    items = tuple(found[:limit])
    return Page(items, items[-1].id.hex if len(found) > limit else None)


def not_found(application_id: uuid.UUID) -> NotFound:
    """Return the refusal for an application that does not exist."""
    shown = show_id(APPLICATION, application_id)
    return NotFound(f"there is no application {shown}", context={"id": shown})


async def lock_application(uow: UnitOfWork, application_id: uuid.UUID) -> Application:
    """Return an application that nobody else changes meanwhile; raises NotFound."""
    application = await store.find_application(uow, application_id, is_locking=True)
    if application is None:
        raise not_found(application_id)
    return application


async def _lock_draft(uow: UnitOfWork, application_id: uuid.UUID) -> Application:
    application = await lock_application(uow, application_id)
    if application.state is not ApplicationState.DRAFT:
        raise ApplicationNotDraft(
            "the evidence of an application that was handed in does not change",
            context={"state": application.state.value},
        )
    return application


async def record(
    uow: UnitOfWork, action: str, application_id: uuid.UUID, **details: object
) -> None:
    """Write what was done to an application into the audit trail."""
    subject = show_id(APPLICATION, application_id)
    await audit.record(uow, action=action, subject=subject, details=details)


def _check_person(person: PersonDetails) -> None:
    _check_text(person.name, "name", limits.NAME_LENGTH_MAX)
    _check_text(person.occupation, "occupation", limits.NAME_LENGTH_MAX)
    _check_text(person.address, "address", limits.DESCRIPTION_LENGTH_MAX)
    _check_text(person.id_number, "id_number", limits.IDENTITY_NUMBER_TEXT_LENGTH_MAX)
    _check_text(person.mobile, "mobile", limits.IDENTITY_NUMBER_TEXT_LENGTH_MAX)
    if _NATIONALITY_SHAPE.fullmatch(person.nationality) is None:
        raise InvalidField("must be three capital letters (ISO 3166-1)", field="nationality")
    if person.issuer is not None and _NATIONALITY_SHAPE.fullmatch(person.issuer) is None:
        raise InvalidField("must be three capital letters (ISO 3166-1)", field="issuer")
    if person.name_latin is not None:
        _check_text(person.name_latin, "name_latin", limits.NAME_LENGTH_MAX)
        if not person.name_latin.isascii():
            raise InvalidField("must have Latin letters only", field="name_latin")
    if len(person.bank_cards) > limits.BANK_CARDS_PER_APPLICATION_MAX:
        raise InvalidField(
            f"must be at most {limits.BANK_CARDS_PER_APPLICATION_MAX}", field="bank_cards"
        )
    for card in person.bank_cards:
        _check_text(card, "bank_cards", limits.IDENTITY_NUMBER_TEXT_LENGTH_MAX)


def _check_text(text: str, field: str, length_max: int) -> None:
    if not text.strip() or len(text) > length_max or not text.isprintable():
        raise InvalidField(
            f"must have 1 to {length_max} characters, none of them a control character", field=field
        )
