"""What staff see of people: their record masked, values and pictures whole with a reason."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import msgspec

from huitong.customers import identity_store
from huitong.customers.commands.applying import get_application
from huitong.customers.identity_store import IdentityRecord
from huitong.customers.onboarding import sealing
from huitong.customers.onboarding import store as application_store
from huitong.customers.onboarding.types import PersonDetails, PictureKind
from huitong.customers.people import MOBILE_FIELD, NAME_FIELD, sealed_of, show_people
from huitong.customers.queries import get_customer
from huitong.customers.types import Customer, ShownPerson
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import APPLICATION, show_id
from huitong.privacy import (
    DataKind,
    SealedField,
    Shown,
    Vault,
    Viewer,
    disclose,
    mask,
    permit_whole,
)

_APPLICANT: Final[Mapping[str, DataKind]] = {
    "name": DataKind.NAME,
    "mobile": DataKind.MOBILE,
    "id_number": DataKind.ID_NUMBER,
    "address": DataKind.ADDRESS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownIdentity:
    """A verified identity: number and address masked, and what it rests on."""

    id_number: str = field(repr=False)
    address: str = field(repr=False)
    valid_until_on: date | None
    channels: tuple[str, ...]
    is_in_person: bool
    verified_at: datetime
    review_due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCustomer:
    """A customer's record as staff see it; `identity` is None if none was verified, or it ended."""

    customer: Customer
    person: ShownPerson
    identity: ShownIdentity | None


async def show_customer_record(uow: UnitOfWork, vault: Vault, customer: Customer) -> ShownCustomer:
    """Return a customer's record, masked; nothing personal once the data was destroyed."""
    people = await show_people(uow, vault, [customer])
    record = await identity_store.find_record(uow, customer.id)
    shown = None if record is None else await _show_identity(uow, vault, customer.id, record)
    return ShownCustomer(customer=customer, person=people[customer.id], identity=shown)


async def disclose_customer(
    uow: UnitOfWork,
    vault: Vault,
    *,
    customer_id: uuid.UUID,
    viewer: Viewer,
    purpose: str,
    reason: str | None,
    now: datetime,
) -> Shown:
    """Return a customer's name, numbers and address, whole where the policy permits it.

    A full view is recorded with its reason, see `privacy.disclose`, which says what it raises;
    NotFound for nobody.
    """
    customer = await get_customer(uow, customer_id)
    kinds = {NAME_FIELD: DataKind.NAME, MOBILE_FIELD: DataKind.MOBILE}
    fields = {
        name: SealedField(kind=kinds[name], sealed=sealed)
        for name, sealed in sealed_of(customer).items()
    }
    record = await identity_store.find_record(uow, customer_id)
    if record is not None:
        within = sealing.IDENTITY_PERSON_FIELD
        fields[sealing.ID_NUMBER_FIELD] = SealedField(
            kind=DataKind.ID_NUMBER, sealed=record.id_number
        )
        fields[f"{within}.address"] = SealedField(
            kind=DataKind.ADDRESS, sealed=record.person, within=within
        )
    return await disclose(
        uow,
        vault,
        viewer=viewer,
        subject_id=customer_id,
        fields=fields,
        purpose=purpose,
        reason=reason,
        now=now,
    )


async def disclose_applicant(
    uow: UnitOfWork,
    vault: Vault,
    *,
    application_id: uuid.UUID,
    viewer: Viewer,
    purpose: str,
    reason: str | None,
    now: datetime,
) -> Shown:
    """Return what an applicant typed, whole where the policy permits it, as for a customer.

    Raises what `disclose_customer` raises; NotFound too before anything was typed.
    """
    application = await get_application(uow, application_id)
    if application.sealed_person is None:
        shown = show_id(APPLICATION, application_id)
        raise NotFound(f"{shown} says nothing of a person yet", context={"id": shown})
    within = sealing.PERSON_FIELD
    return await disclose(
        uow,
        vault,
        viewer=viewer,
        subject_id=application_id,
        fields={
            f"{within}.{member}": SealedField(
                kind=kind, sealed=application.sealed_person, within=within
            )
            for member, kind in _APPLICANT.items()
        },
        purpose=purpose,
        reason=reason,
        now=now,
    )


async def disclose_picture(
    uow: UnitOfWork,
    vault: Vault,
    *,
    application_id: uuid.UUID,
    kind: PictureKind,
    viewer: Viewer,
    purpose: str,
    reason: str,
    now: datetime,
) -> bytes:
    """Return a picture of an application, or of the customer that came of it, and record the view.

    Raises NotFound for one that there is not, and what `privacy.permit_whole` and `Vault.open`
    raise.
    """
    parts = (await application_store.list_picture_parts(uow, application_id)).get(kind)
    if parts is None:
        shown = show_id(APPLICATION, application_id)
        raise NotFound(f"there is no picture {kind.value} of {shown}", context={"id": shown})
    await permit_whole(
        uow,
        viewer=viewer,
        subject_id=application_id,
        fields={f"customers.picture_parts.{kind.value}": DataKind.PICTURE},
        purpose=purpose,
        reason=reason,
        now=now,
    )
    return await sealing.open_picture(uow, vault, application_id, kind, parts)


async def find_people_with_work(
    uow: UnitOfWork, subject_ids: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Return those of some people on whom staff have work here: a decision, or a review."""
    return await identity_store.find_with_work(uow, subject_ids)


async def _show_identity(
    uow: UnitOfWork, vault: Vault, customer_id: uuid.UUID, record: IdentityRecord
) -> ShownIdentity | None:
    sealed = {
        sealing.ID_NUMBER_FIELD: record.id_number,
        sealing.IDENTITY_PERSON_FIELD: record.person,
    }
    opened = (await vault.open_many(uow, {customer_id: sealed}))[customer_id]
    if opened is None:
        return None
    person = msgspec.json.decode(opened[sealing.IDENTITY_PERSON_FIELD], type=PersonDetails)
    return ShownIdentity(
        id_number=mask(DataKind.ID_NUMBER, opened[sealing.ID_NUMBER_FIELD]),
        address=mask(DataKind.ADDRESS, person.address),
        valid_until_on=record.valid_until_on,
        channels=record.channels,
        is_in_person=record.is_in_person,
        verified_at=record.verified_at,
        review_due_on=record.review_due_on,
    )
