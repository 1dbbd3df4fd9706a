"""Deciding applications: by what the checks found, or by staff; approval opens the customer.

Everything happens in one transaction, so there is never half a customer.
"""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from huitong.customers import store as customer_store
from huitong.customers.calendar import add_months
from huitong.customers.commands.applying import get_application, not_found
from huitong.customers.commands.identifying import (
    make_indexes,
    read_birth,
    read_sound_number,
    tidy_mobile,
)
from huitong.customers.commands.minors import find_consent, find_unfitness, record_minor
from huitong.customers.commands.opening import open_customer
from huitong.customers.errors import ApplicationNotPending, EvidenceTooWeak, GuardianUnfit
from huitong.customers.events import ApplicationDecided
from huitong.customers.evidence import years_between
from huitong.customers.minors.types import Unfitness, needs_consent
from huitong.customers.onboarding import sealing, store
from huitong.customers.onboarding.documents import find_birth
from huitong.customers.onboarding.judging import (
    find_class,
    has_weight,
    judge_hold,
    judge_outcome,
    judge_person,
    list_channels,
)
from huitong.customers.onboarding.types import (
    Application,
    ApplicationState,
    Decision,
    OnDecision,
    Outcome,
    PersonDetails,
    Remark,
    Weight,
    do_nothing,
)
from huitong.customers.reasons import check_reason
from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import APPLICATION, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault

_ADULT_KEY: Final = "person.adult.age.min"
_MINOR_CLASS_KEY: Final = "minor.account_class.max"


async def record_outcome(
    uow: UnitOfWork,
    vault: Vault,
    *,
    application_id: uuid.UUID,
    outcome: Outcome,
    rulebook: Rulebook,
    on_decision: OnDecision = do_nothing,
    now: datetime,
) -> Application:
    """Record what asking outside gave, and decide: approved, refused, or for staff to look at.

    `on_decision` is told in this transaction of an approval or refusal, as in the functions below.
    An application that is decided already stays as it is. Raises NotFound.
    """
    application = await store.find_application(uow, application_id, is_locking=True)
    if application is None:
        raise not_found(application_id)
    if application.state is not ApplicationState.CHECKING:
        return application
    await store.insert_checks(uow, application_id, outcome.answers, now)
    person = await _open(uow, vault, application)
    remarks = [
        *judge_person(person, rulebook=rulebook, today=business_day(now)),
        *judge_outcome(person, outcome),
        *judge_hold(application),
        *await _judge_guardian(uow, vault, application.id, person, rulebook=rulebook, now=now),
    ]
    channels = list_channels(person, outcome.answers)
    found = replace(application, channels=channels, remarks=tuple(remarks))
    decided = await _decide(uow, vault, found, person, rulebook=rulebook, now=now)
    await tell(uow, decided, person, on_decision, now)
    return decided


async def approve_application(
    uow: UnitOfWork,
    vault: Vault,
    *,
    application_id: uuid.UUID,
    is_in_person: bool,
    reason: str,
    rulebook: Rulebook,
    on_decision: OnDecision = do_nothing,
    now: datetime,
) -> Application:
    """Approve an application that waits for staff, and open the customer with an account.

    `is_in_person` says that the person came with the document, which supports any class. A person
    or a mobile number that belongs to a customer by now refuses the application instead. Raises
    NotFound, InvalidField, ApplicationNotPending, GuardianUnfit for a guardian who can no longer
    act, and EvidenceTooWeak without any proof.
    """
    application = await _lock_pending(uow, application_id, ApplicationState.APPROVED, reason)
    if application.state is ApplicationState.APPROVED:
        return application
    person = await _open(uow, vault, application)
    # What held when the evidence was checked may have ended since.
    lost = await _judge_guardian(uow, vault, application_id, person, rulebook=rulebook, now=now)
    if has_weight(lost, Weight.REFUSE):
        raise GuardianUnfit(
            f"{lost[0].field}: {lost[0].code}", field="guardian", context={"because": lost[0].code}
        )
    supported = find_class(
        application.channels,
        is_in_person=is_in_person,
        rulebook=rulebook,
        on_day=business_day(now),
    )
    if supported is None:
        raise EvidenceTooWeak("no outside channel confirmed the person, who did not come either")
    decided = await _approve(
        uow,
        vault,
        replace(application, reason=reason, decided_by=uow.caller.actor),
        person,
        account_class=min(supported, application.requested_class),
        is_in_person=is_in_person,
        rulebook=rulebook,
        now=now,
    )
    await tell(uow, decided, person, on_decision, now)
    return decided


async def refuse_application(
    uow: UnitOfWork,
    *,
    application_id: uuid.UUID,
    reason: str,
    on_decision: OnDecision = do_nothing,
    now: datetime,
) -> Application:
    """Refuse an application that waits for staff.

    Raises NotFound, InvalidField, ApplicationNotPending.
    """
    application = await _lock_pending(uow, application_id, ApplicationState.REFUSED, reason)
    if application.state is ApplicationState.REFUSED:
        return application
    refused = replace(application, reason=reason, decided_by=uow.caller.actor)
    decided = await close_application(uow, refused, ApplicationState.REFUSED, now)
    await tell(uow, decided, None, on_decision, now)
    return decided


async def give_up(
    uow: UnitOfWork,
    *,
    application_id: uuid.UUID,
    state: ApplicationState,
    on_decision: OnDecision = do_nothing,
    now: datetime,
) -> Application:
    """End the checks of an application whose evidence cannot be read: `evidence_broken`.

    One that is decided already stays as it is. Raises NotFound.
    """
    application = await store.find_application(uow, application_id, is_locking=True)
    if application is None:
        raise not_found(application_id)
    if application.state is not ApplicationState.CHECKING:
        return application
    is_refused = state is ApplicationState.REFUSED
    remark = Remark(
        code="evidence_broken",
        field="application",
        weight=Weight.REFUSE if is_refused else Weight.REVIEW,
    )
    decided = await close_application(uow, replace(application, remarks=(remark,)), state, now)
    await tell(uow, decided, None, on_decision, now)
    return decided


async def tell(
    uow: UnitOfWork,
    application: Application,
    person: PersonDetails | None,
    on_decision: OnDecision,
    now: datetime,
) -> None:
    """Let others react in this transaction to an application that was approved or refused."""
    if application.state is ApplicationState.PENDING_REVIEW:
        return
    is_approved = application.state is ApplicationState.APPROVED
    mobile = tidy_mobile(person) if is_approved and person is not None else None
    decision = Decision(
        application_id=application.id, state=application.state, mobile=mobile, decided_at=now
    )
    await on_decision(uow, decision)


async def _decide(
    uow: UnitOfWork,
    vault: Vault,
    application: Application,
    person: PersonDetails,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> Application:
    if has_weight(application.remarks, Weight.REFUSE):
        return await close_application(uow, application, ApplicationState.REFUSED, now)
    today = business_day(now)
    twin = Remark(code="possible_duplicate", field="name", weight=Weight.REVIEW)
    indexes = make_indexes(vault, person, today)
    remarks = list(application.remarks)
    if await store.has_name_and_birth(uow, indexes[2]) and not await store.has_identity(
        uow, indexes[0]
    ):
        remarks.append(twin)
    supported = find_class(
        application.channels, is_in_person=False, rulebook=rulebook, on_day=today
    )
    if supported is None:
        remarks.append(Remark(code="no_channel", field="channels", weight=Weight.REVIEW))
    elif supported < application.requested_class:
        remarks.append(Remark(code="class_lowered", field="requested_class", weight=Weight.NOTE))
    application = replace(application, remarks=tuple(remarks))
    if supported is None or has_weight(remarks, Weight.REVIEW):
        return await close_application(uow, application, ApplicationState.PENDING_REVIEW, now)
    return await _approve(
        uow,
        vault,
        application,
        person,
        account_class=min(supported, application.requested_class),
        is_in_person=False,
        rulebook=rulebook,
        now=now,
    )


async def _approve(
    uow: UnitOfWork,
    vault: Vault,
    application: Application,
    person: PersonDetails,
    *,
    account_class: int,
    is_in_person: bool,
    rulebook: Rulebook,
    now: datetime,
) -> Application:
    today = business_day(now)
    id_index, mobile_index, name_birth_index = make_indexes(vault, person, today)
    # Two applications of one person, or with one mobile number, come one after the other here.
    await store.lock_numbers(
        uow, [int.from_bytes(index[:8], signed=True) for index in (id_index, mobile_index)]
    )
    taken = await _find_taken(uow, id_index, mobile_index)
    if taken is not None:
        refused = replace(application, remarks=(*application.remarks, taken))
        return await close_application(uow, refused, ApplicationState.REFUSED, now)
    age = years_between(read_birth(person, today), today)
    is_minor = age < rulebook.integer(_ADULT_KEY, today)
    if is_minor:
        account_class = min(account_class, rulebook.integer(_MINOR_CLASS_KEY, today))
    await open_customer(
        uow,
        vault,
        customer_id=application.id,
        name=person.name,
        mobile=tidy_mobile(person),
        account_class=account_class,
        now=now,
    )
    texts = {
        sealing.ID_NUMBER_FIELD: read_sound_number(person, today),
        sealing.IDENTITY_PERSON_FIELD: msgspec.json.encode(person).decode(),
    }
    sealed = await vault.seal(uow, application.id, texts)
    identity = store.Identity(
        customer_id=application.id,
        document=person.document,
        id_number=sealed[sealing.ID_NUMBER_FIELD],
        person=sealed[sealing.IDENTITY_PERSON_FIELD],
        id_index=id_index,
        name_birth_index=name_birth_index,
        valid_until_on=person.valid_until_on,
        channels=application.channels,
        is_in_person=is_in_person,
        verified_at=now,
        review_due_on=add_months(today, rulebook.integer("aml.review.months", today)),
    )
    await store.insert_identity(uow, identity)
    if is_minor:
        await record_minor(
            uow,
            application.id,
            age=age,
            guardian_id=person.guardian_id,
            rulebook=rulebook,
            now=now,
        )
    return await close_application(uow, application, ApplicationState.APPROVED, now)


async def close_application(
    uow: UnitOfWork, application: Application, state: ApplicationState, now: datetime
) -> Application:
    """Store what came of an application, with its remarks, channels and reason."""
    remarks = application.remarks[: limits.APPLICATION_REMARKS_MAX]
    await store.set_decision(
        uow,
        application.id,
        state=state,
        remarks=remarks,
        channels=application.channels,
        decided_by=application.decided_by or uow.caller.actor,
        reason=application.reason,
        now=now,
    )
    await audit.record(
        uow,
        action="customers.decide_application",
        subject=show_id(APPLICATION, application.id),
        details={"state": state.value, "remarks": sorted({remark.code for remark in remarks})},
    )
    event = ApplicationDecided(application_id=application.id, state=state.value, decided_at=now)
    await outbox.append(uow, [event])
    return await get_application(uow, application.id)


async def _find_taken(uow: UnitOfWork, id_index: bytes, mobile_index: bytes) -> Remark | None:
    if await store.has_identity(uow, id_index):
        return Remark(code="duplicate_person", field="id_number", weight=Weight.REFUSE)
    if await customer_store.find_customer_by_mobile(uow, mobile_index) is not None:
        return Remark(code="mobile_taken", field="mobile", weight=Weight.REFUSE)
    return None


async def _judge_guardian(
    uow: UnitOfWork,
    vault: Vault,
    application_id: uuid.UUID,
    person: PersonDetails,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> list[Remark]:
    """Judge whether the guardian can act, and has consented where the law demands it."""
    if person.guardian_id is None:
        return []
    today = business_day(now)
    birth_on = find_birth(person, today)
    unfitness = await find_unfitness(uow, vault, person.guardian_id, rulebook=rulebook, now=now)
    if unfitness is not None:
        gone = (Unfitness.UNKNOWN, Unfitness.CLOSED)
        code = "guardian_unknown" if unfitness in gone else f"guardian_{unfitness.value}"
        return [Remark(code=code, field="guardian_id", weight=Weight.REFUSE)]
    if birth_on is None or birth_on > today:
        return []
    age = years_between(birth_on, today)
    is_adult = age >= rulebook.integer(_ADULT_KEY, today)
    if is_adult or await find_consent(uow, application_id, person.guardian_id, now=now):
        return []
    is_demanded = needs_consent(age, rulebook=rulebook, on_day=today)
    weight = Weight.REFUSE if is_demanded else Weight.REVIEW
    return [Remark(code="guardian_consent_missing", field="guardian_id", weight=weight)]


async def _lock_pending(
    uow: UnitOfWork, application_id: uuid.UUID, wanted: ApplicationState, reason: str
) -> Application:
    check_reason(reason)
    application = await store.find_application(uow, application_id, is_locking=True)
    if application is None:
        raise not_found(application_id)
    if application.state not in (ApplicationState.PENDING_REVIEW, wanted):
        raise ApplicationNotPending(
            "only an application that waits for staff is decided by them",
            context={"state": application.state.value},
        )
    return application


async def _open(uow: UnitOfWork, vault: Vault, application: Application) -> PersonDetails:
    assert application.sealed_person is not None, "it was handed in with a person"
    return await sealing.open_person_details(uow, vault, application.id, application.sealed_person)
