"""Handing an application in: what it has in common with others, and what risk says to that."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong.customers.commands.applying import get_application, lock_application, record
from huitong.customers.commands.deciding import close_application, tell
from huitong.customers.errors import ApplicationIncomplete
from huitong.customers.events import ApplicationSubmitted
from huitong.customers.evidence import years_between
from huitong.customers.evidence.numbers.texts import compact
from huitong.customers.onboarding import marks as marks_store
from huitong.customers.onboarding import sealing, store
from huitong.customers.onboarding.assessing import (
    ApplicationAction,
    ApplicationDecider,
    ApplicationDecision,
    ApplicationSubject,
    FeatureValue,
)
from huitong.customers.onboarding.documents import (
    find_birth,
    list_pictures,
    name_holder,
    read_number,
)
from huitong.customers.onboarding.marks import Earlier, Marks
from huitong.customers.onboarding.types import (
    Application,
    ApplicationState,
    OnDecision,
    PersonDetails,
    PictureKind,
    Remark,
    Weight,
    do_nothing,
)
from huitong.customers.people import index_mobile
from huitong.kernel import limits, outbox
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault

_ZONE: Final = ZoneInfo(SHANGHAI)
_DAY: Final = timedelta(days=1)
#: Who decided, where risk refuses at once; the reason is then in words for the applicant.
DECIDED_BY_RISK: Final = "risk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What is needed to have an application decided about; without a decider it is only noted.

    `address_index` is from where the applicant handed it in, None where a partner did for them.
    """

    vault: Vault
    rulebook: Rulebook
    decider: ApplicationDecider | None = None
    address_index: bytes | None = field(default=None, repr=False)
    on_decision: OnDecision = do_nothing


async def submit_application(
    uow: UnitOfWork,
    *,
    application_id: uuid.UUID,
    submission: Submission | None = None,
    now: datetime,
) -> Application:
    """Hand an application in: it is checked outside soon, and its evidence stays as it is.

    Risk may have it looked at by people, checked later, or refused at once. One that was handed in
    before is returned as it stands. Raises NotFound, and ApplicationIncomplete naming what is
    missing.
    """
    application = await lock_application(uow, application_id)
    if application.state is not ApplicationState.DRAFT:
        return application
    await _check_complete(uow, application)
    await record(uow, "customers.submit_application", application_id)
    event = ApplicationSubmitted(application_id=application_id, submitted_at=now)
    await outbox.append(uow, [event])
    decision = ApplicationDecision(action=ApplicationAction.ALLOW)
    if submission is not None:
        decision = await _assess(uow, application, submission, now=now)
        if decision.action is ApplicationAction.BLOCK:
            return await _refuse(uow, application, submission, decision, now=now)
    is_held = decision.action is ApplicationAction.REVIEW
    due_at = now
    if decision.action is ApplicationAction.DELAY:
        assert submission is not None
        key = "risk.onboarding.delay.hours"
        due_at += timedelta(hours=submission.rulebook.integer(key, business_day(now)))
    await store.set_checking(uow, application_id, due_at, now, is_held_for_review=is_held)
    return await get_application(uow, application_id)


def make_features(
    person: PersonDetails, application: Application, earlier: Earlier, *, now: datetime
) -> dict[str, FeatureValue]:
    """Return what an application is decided from; names as in risk's catalogue for onboarding.

    Counts from the address are decayed with half-lives of 1 and 30 days: three applications one
    day ago leave 1.5 and 2.93.
    """
    today = business_day(now)
    birth_on = find_birth(person, today)
    seen_at = earlier.mobile_seen_at
    weights = [remark.weight for remark in application.remarks]
    return {
        "applications_from_address_1d": _decay(earlier.from_address_at, 1, now),
        "applications_from_address_30d": _decay(earlier.from_address_at, 30, now),
        "age": _find_age(birth_on, today),
        "seconds_to_submit": max(0, int((now - application.created_at).total_seconds())),
        "rejected_checks": weights.count(Weight.REFUSE),
        "doubtful_checks": weights.count(Weight.REVIEW),
        "mobile_age_seconds": (
            None if seen_at is None else max(0, int((now - seen_at).total_seconds()))
        ),
        "others_with_mobile": earlier.others_with_mobile,
        "earlier_with_number": earlier.with_number,
        "refused_with_number": earlier.refused_with_number,
        "pictures_seen_before": earlier.with_pictures,
        "hour": now.astimezone(_ZONE).hour,
    }


async def _check_complete(uow: UnitOfWork, application: Application) -> None:
    kinds: Iterable[PictureKind] = await store.list_picture_kinds(uow, application.id)
    missing = [kind.value for kind in list_pictures(application.document) if kind not in kinds]
    if application.sealed_person is None:
        missing.insert(0, "person")
    if missing:
        raise ApplicationIncomplete(
            f"there is no {', '.join(missing)} yet", context={"missing": missing}
        )


async def _assess(
    uow: UnitOfWork, application: Application, submission: Submission, *, now: datetime
) -> ApplicationDecision:
    assert application.sealed_person is not None, "it is complete"
    person = await sealing.open_person_details(
        uow, submission.vault, application.id, application.sealed_person
    )
    marks = _make_marks(application.id, person, submission, today=business_day(now))
    decision = ApplicationDecision(action=ApplicationAction.ALLOW)
    if submission.decider is not None:
        earlier = await marks_store.find_earlier(uow, marks, now=now)
        subject = ApplicationSubject(
            id=application.id,
            features=make_features(person, application, earlier, now=now),
            mobile_index=marks.mobile_index,
        )
        decision = await submission.decider.decide(uow, subject, now=now)
    await marks_store.insert_marks(uow, marks, now=now)
    return decision


def _make_marks(
    application_id: uuid.UUID, person: PersonDetails, submission: Submission, *, today: date
) -> Marks:
    number = read_number(person, today)
    id_index = None
    if number is not None:
        id_index = sealing.index_id_number(submission.vault, name_holder(person, number))
    return Marks(
        application_id=application_id,
        mobile_index=index_mobile(submission.vault, compact(person.mobile)),
        id_index=id_index,
        address_index=submission.address_index,
    )


async def _refuse(
    uow: UnitOfWork,
    application: Application,
    submission: Submission,
    decision: ApplicationDecision,
    *,
    now: datetime,
) -> Application:
    remark = Remark(code="risk_refused", field="application", weight=Weight.REFUSE)
    reason = None if decision.reason is None else decision.reason[: limits.DESCRIPTION_LENGTH_MAX]
    refused = replace(
        application,
        remarks=(*application.remarks, remark),
        decided_by=DECIDED_BY_RISK,
        reason=reason,
    )
    decided = await close_application(uow, refused, ApplicationState.REFUSED, now)
    await tell(uow, decided, None, submission.on_decision, now)
    return decided


def _decay(instants: Iterable[datetime], half_life_days: int, now: datetime) -> float:
    half_life = half_life_days * _DAY
    return float(sum(2.0 ** (-max(0.0, (now - each) / half_life)) for each in instants))


def _find_age(birth_on: date | None, today: date) -> int | None:
    return years_between(birth_on, today) if birth_on is not None and birth_on <= today else None
