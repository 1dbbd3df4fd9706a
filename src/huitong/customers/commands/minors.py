"""Guardians who consent and are replaced or lost, and minors who come of age."""

import uuid
from datetime import date, datetime
from typing import Final

import msgspec

from huitong import privacy
from huitong.customers import identity_store, restrictions
from huitong.customers import store as customer_store
from huitong.customers.errors import (
    GuardianConsentMissing,
    GuardianUnfit,
    NotAMinor,
)
from huitong.customers.events import (
    CustomerCapacityChanged,
    CustomerRestricted,
    CustomerRestrictionLifted,
    GuardianReplaced,
)
from huitong.customers.evidence import years_between
from huitong.customers.minors import store
from huitong.customers.minors.types import (
    Capacity,
    GuardianConsent,
    GuardianRelation,
    Minor,
    Unfitness,
    find_capacity,
)
from huitong.customers.onboarding import store as application_store
from huitong.customers.onboarding.documents import find_birth
from huitong.customers.onboarding.sealing import IDENTITY_PERSON_FIELD
from huitong.customers.onboarding.types import ApplicationState, PersonDetails
from huitong.customers.reasons import check_reason
from huitong.customers.restrictions import RestrictionKind
from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import APPLICATION, CUSTOMER, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import DataDestroyed, Vault

#: The purpose of the text that guardians agree to (`privacy/consent_texts.yaml`).
CHILD_DATA: Final = "child_data"
_LOST_REASON: Final = "the guardian can no longer act 监护人无法履行职责"
_OPEN_STATES: Final = frozenset(
    {ApplicationState.DRAFT, ApplicationState.CHECKING, ApplicationState.PENDING_REVIEW}
)


async def find_unfitness(
    uow: UnitOfWork, vault: Vault, guardian_id: uuid.UUID, *, rulebook: Rulebook, now: datetime
) -> Unfitness | None:
    """Return why somebody cannot be a guardian, or None for one who can.

    A guardian is a customer of age, verified, open and without restrictions, until this transaction
    has ended.
    """
    await customer_store.share_customer(uow, guardian_id)
    guardian = await customer_store.find_customer(uow, guardian_id)
    if guardian is None:
        return Unfitness.UNKNOWN
    if guardian.closed_at is not None:
        return Unfitness.CLOSED
    proof = await identity_store.find_proof(uow, guardian_id)
    if proof is None:
        return Unfitness.NOT_VERIFIED
    if await restrictions.is_restricted(uow, guardian):
        return Unfitness.RESTRICTED
    try:
        birth_on = await _open_birth(uow, vault, guardian_id, proof.person, business_day(now))
    except DataDestroyed:
        return Unfitness.DESTROYED
    today = business_day(now)
    capacity = find_capacity(years_between(birth_on, today), rulebook=rulebook, on_day=today)
    return None if capacity is Capacity.FULL else Unfitness.NOT_OF_AGE


async def give_guardian_consent(
    uow: UnitOfWork,
    vault: Vault,
    *,
    child_id: uuid.UUID,
    guardian_id: uuid.UUID,
    relation: GuardianRelation,
    version: int,
    channel: str,
    rulebook: Rulebook,
    now: datetime,
) -> GuardianConsent:
    """Record that a guardian consents to the use of a child's data (个人信息保护法 Art. 31).

    `child_id` is an application that is not decided yet and whose person is saved, or a minor.
    `version` is the text that the guardian saw; `channel` is `app`, `web`, `counter` or `api`. The
    caller has made sure that it is the guardian who agrees. Given again it is returned as it
    stands. Raises NotFound, GuardianUnfit, InvalidField, and as `privacy.give_consent`.
    """
    if child_id == guardian_id:
        raise InvalidField("must be somebody else", field="guardian")
    await _check_child(uow, child_id)
    await _check_guardian(uow, vault, guardian_id, rulebook=rulebook, now=now)
    given = await privacy.give_consent(
        uow, subject_id=child_id, purpose=CHILD_DATA, version=version, channel=channel, now=now
    )
    consent = GuardianConsent(
        child_id=child_id,
        guardian_id=guardian_id,
        relation=relation,
        consent_id=given.id,
        given_at=now,
    )
    await store.save_consent(uow, consent)
    await audit.record(
        uow,
        action="customers.give_guardian_consent",
        subject=show_id(APPLICATION, child_id),
        details={"guardian": show_id(CUSTOMER, guardian_id), "relation": relation.value},
    )
    found = await find_consent(uow, child_id, guardian_id, now=now)
    assert found is not None, "it was stored a moment ago"
    return found


async def find_consent(
    uow: UnitOfWork, child_id: uuid.UUID, guardian_id: uuid.UUID, *, now: datetime
) -> GuardianConsent | None:
    """Return a guardian's consent as long as it holds: not after it was withdrawn."""
    consent = await store.find_consent(uow, child_id, guardian_id)
    if consent is None or not await _has_consent(uow, child_id, now):
        return None
    return consent


async def get_minor(uow: UnitOfWork, customer_id: uuid.UUID) -> Minor:
    """Return a minor and the guardian; raises NotAMinor, also for nobody."""
    minor = await store.find_minor(uow, customer_id)
    if minor is None:
        shown = show_id(CUSTOMER, customer_id)
        raise NotAMinor(f"{shown} is no minor", context={"id": shown})
    return minor


async def replace_guardian(
    uow: UnitOfWork,
    vault: Vault,
    *,
    customer_id: uuid.UUID,
    guardian_id: uuid.UUID,
    reason: str,
    rulebook: Rulebook,
    now: datetime,
) -> Minor:
    """Give a minor another guardian, who has consented; a restriction for want of one is lifted.

    The same guardian again lifts it too, once the guardian can act again. Raises NotAMinor,
    GuardianUnfit, GuardianConsentMissing, InvalidField for the reason.
    """
    check_reason(reason)
    await store.lock_customers(uow, [customer_id, guardian_id])
    await get_minor(uow, customer_id)
    await _check_guardian(uow, vault, guardian_id, rulebook=rulebook, now=now)
    consent = await find_consent(uow, customer_id, guardian_id, now=now)
    if consent is None:
        raise GuardianConsentMissing("the guardian has not consented", field="guardian")
    await store.set_guardian(uow, customer_id, guardian_id, consent.relation)
    await audit.record(
        uow,
        action="customers.replace_guardian",
        subject=show_id(CUSTOMER, customer_id),
        details={"guardian": show_id(CUSTOMER, guardian_id), "reason": reason},
    )
    event = GuardianReplaced(customer_id=customer_id, guardian_id=guardian_id, replaced_at=now)
    await outbox.append(uow, [event])
    await _lift(uow, customer_id, reason=reason, now=now)
    return await get_minor(uow, customer_id)


async def release_wards(uow: UnitOfWork, guardian_id: uuid.UUID, *, now: datetime) -> int:
    """Handle that a guardian can no longer act for good: closed, or data destroyed.

    Who may do nothing alone is restricted until there is another guardian; all wards are put before
    staff. Returns how many wards there were. The caller holds the guardian's lock and those of the
    wards, see `lock_with_wards`.
    """
    wards = await store.list_wards(uow, guardian_id)
    for ward in wards:
        await _put_before_staff(uow, ward, now)
    return len(wards)


async def lock_with_wards(uow: UnitOfWork, guardian_id: uuid.UUID) -> None:
    """Lock a customer and the minors whom they are the guardian of, in the order of the ids."""
    wards = await store.list_wards(uow, guardian_id)
    await store.lock_customers(uow, [guardian_id, *(ward.customer_id for ward in wards)])


async def lose_consent(uow: UnitOfWork, child_id: uuid.UUID, *, now: datetime) -> None:
    """Handle that the consent of a guardian was withdrawn: as if there were no guardian.

    A child under 14 may not be served without it, so the account is restricted whatever the child
    may do alone. Nothing happens for somebody who is no minor, or came of age.
    """
    await store.lock_customers(uow, [child_id])
    minor = await store.find_minor(uow, child_id)
    if minor is not None and not await _has_consent(uow, child_id, now):
        await _put_before_staff(uow, minor, now, is_restricting=True)


async def check_minors(
    uow: UnitOfWork,
    vault: Vault,
    *,
    rulebook: Rulebook,
    now: datetime,
    limit: int = limits.MINORS_CHECKED_AT_ONCE_MAX,
) -> int:
    """Look at the age of up to `limit` minors, once a day; return at how many.

    A birthday may give more capacity. Who came of age is no minor any more: a restriction for want
    of a guardian is lifted, and staff look at the customer again.
    """
    today = business_day(now)
    due = await store.list_to_check(uow, today, limit)
    await store.lock_customers(uow, due)
    for customer_id in due:
        await _check_minor(uow, vault, customer_id, rulebook=rulebook, now=now)
    return len(due)


async def record_minor(
    uow: UnitOfWork,
    customer_id: uuid.UUID,
    *,
    age: int,
    guardian_id: uuid.UUID | None,
    rulebook: Rulebook,
    now: datetime,
) -> None:
    """Record a new customer who is a minor, with what the age allows."""
    today = business_day(now)
    consent = None
    if guardian_id is not None:
        consent = await find_consent(uow, customer_id, guardian_id, now=now)
    await store.insert_minor(
        uow,
        customer_id,
        guardian_id=guardian_id,
        relation=None if consent is None else consent.relation,
        today=today,
    )
    capacity = find_capacity(age, rulebook=rulebook, on_day=today)
    await store.set_capacity(uow, customer_id, capacity)


async def _check_minor(
    uow: UnitOfWork, vault: Vault, customer_id: uuid.UUID, *, rulebook: Rulebook, now: datetime
) -> None:
    today = business_day(now)
    minor = await store.find_minor(uow, customer_id)
    proof = await identity_store.find_proof(uow, customer_id)
    if minor is None:
        return
    birth_on: date | None = None
    if proof is not None:
        try:
            birth_on = await _open_birth(uow, vault, customer_id, proof.person, today)
        except DataDestroyed:
            birth_on = None
    if birth_on is None:
        # Closed or destroyed: there is no age to look at any more.
        await store.set_checked(uow, customer_id, today, now)
        return
    capacity = find_capacity(years_between(birth_on, today), rulebook=rulebook, on_day=today)
    is_of_age = capacity is Capacity.FULL
    if not await store.set_checked(uow, customer_id, today, now if is_of_age else None):
        return
    if capacity is minor.capacity:
        return
    await store.set_capacity(uow, customer_id, capacity)
    event = CustomerCapacityChanged(
        customer_id=customer_id, capacity=capacity.value, changed_at=now
    )
    await outbox.append(uow, [event])
    if is_of_age:
        await _lift(uow, customer_id, reason="came of age 已成年", now=now)
        await identity_store.mark(uow, customer_id, "came_of_age", now)


async def _has_consent(uow: UnitOfWork, child_id: uuid.UUID, now: datetime) -> bool:
    return await privacy.has_consent(uow, subject_id=child_id, purpose=CHILD_DATA, now=now)


async def _check_child(uow: UnitOfWork, child_id: uuid.UUID) -> None:
    application = await application_store.find_application(uow, child_id, is_locking=True)
    if application is not None and application.state in _OPEN_STATES:
        return
    if await store.find_minor(uow, child_id) is None:
        shown = show_id(APPLICATION, child_id)
        raise NotFound(f"{shown} is no open application and no minor", context={"id": shown})


async def _check_guardian(
    uow: UnitOfWork, vault: Vault, guardian_id: uuid.UUID, *, rulebook: Rulebook, now: datetime
) -> None:
    unfitness = await find_unfitness(uow, vault, guardian_id, rulebook=rulebook, now=now)
    if unfitness is not None:
        raise GuardianUnfit(
            "this customer cannot be a guardian now",
            field="guardian",
            context={"because": unfitness.value},
        )


async def _put_before_staff(
    uow: UnitOfWork, minor: Minor, now: datetime, *, is_restricting: bool = False
) -> None:
    customer = await customer_store.find_customer(uow, minor.customer_id)
    if customer is None or customer.closed_at is not None:
        return
    await identity_store.mark(uow, customer.id, "guardian_lost", now)
    if not is_restricting and minor.capacity is not Capacity.NONE:
        return
    change = await restrictions.place(
        uow, customer, RestrictionKind.GUARDIAN, reason=_LOST_REASON, now=now
    )
    if change.is_changed:
        event = CustomerRestricted(
            customer_id=customer.id, kind=RestrictionKind.GUARDIAN.value, restricted_at=now
        )
        await outbox.append(uow, [event])


async def _lift(uow: UnitOfWork, customer_id: uuid.UUID, *, reason: str, now: datetime) -> None:
    customer = await customer_store.find_customer(uow, customer_id)
    if customer is None or customer.closed_at is not None:
        return
    change = await restrictions.lift(
        uow, customer, RestrictionKind.GUARDIAN, reason=reason, now=now
    )
    if change.is_changed:
        event = CustomerRestrictionLifted(
            customer_id=customer_id, kind=RestrictionKind.GUARDIAN.value, lifted_at=now
        )
        await outbox.append(uow, [event])


async def _open_birth(
    uow: UnitOfWork, vault: Vault, customer_id: uuid.UUID, sealed: bytes, today: date
) -> date:
    opened = await vault.open(uow, customer_id, {IDENTITY_PERSON_FIELD: sealed})
    person = msgspec.json.decode(opened[IDENTITY_PERSON_FIELD], type=PersonDetails)
    birth_on = find_birth(person, today)
    assert birth_on is not None, "a document without a day of birth was refused"
    return birth_on
