"""Who a verified customer is, opened for work that nobody looks at: checks and questions."""

import uuid
from dataclasses import dataclass, field
from datetime import date

import msgspec

from huitong.customers import identity_store
from huitong.customers.onboarding.documents import find_birth, read_number
from huitong.customers.onboarding.sealing import IDENTITY_PERSON_FIELD
from huitong.customers.onboarding.types import PersonDetails
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy import DataDestroyed, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPerson:
    """Name, document number and day of birth as they were verified."""

    name: str = field(repr=False)
    id_number: str = field(repr=False)
    birth_on: date = field(repr=False)


async def open_verified_person(
    uow: UnitOfWork, vault: Vault, customer_id: uuid.UUID, *, on: date
) -> VerifiedPerson | None:
    """Return who a customer is on a business day; None for one who was never verified, or is gone.

    What people see comes from `showing`.
    """
    proof = await identity_store.find_proof(uow, customer_id)
    if proof is None:
        return None
    try:
        opened = await vault.open(uow, customer_id, {IDENTITY_PERSON_FIELD: proof.person})
    except DataDestroyed:
        return None
    person = msgspec.json.decode(opened[IDENTITY_PERSON_FIELD], type=PersonDetails)
    birth_on, number = find_birth(person, on), read_number(person, on)
    if birth_on is None or number is None:
        return None
    return VerifiedPerson(name=person.name, id_number=number, birth_on=birth_on)
