"""Commands: an application is handed in, decided by rules or by people, and appealed."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import audit, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import LOAN_APPLICATION, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits
from huitong.lending.applications import store
from huitong.lending.applications.errors import AppealedAlready
from huitong.lending.applications.events import LoanApplicationMoved
from huitong.lending.applications.filling import lock_application, move
from huitong.lending.applications.reporting import check_complete, find_report
from huitong.lending.applications.types import (
    Application,
    LoanDecider,
    LoanDecision,
    LoanSubject,
    Reason,
    Stage,
    Step,
    Verdict,
)
from huitong.lending.loans import LoanTermsRefused, check_loan_terms
from huitong.lending.loans.types import LoanTerms
from huitong.privacy import Vault

_STAGES: Final = {
    Verdict.OFFER: Stage.OFFERED,
    Verdict.REVIEW: Stage.REVIEW,
    Verdict.REFUSE: Stage.REFUSED,
}
_TOO_LITTLE: Final = Reason(
    code="limit_below_least",
    zh="按您目前的情况，可借额度低于该产品的最低金额",
    en="What could be lent to you now is less than the least of this product",
)
_OUTSIDE: Final = Reason(
    code="outside_product",
    zh="该产品的自动条件不适用，我们正在人工审核",
    en="The product's terms do not fit as they are, and somebody is looking at it",
)


async def submit_application(
    uow: UnitOfWork,
    vault: Vault,
    decider: LoanDecider,
    application_id: uuid.UUID,
    *,
    device_id: uuid.UUID | None = None,
    rulebook: Rulebook,
    now: datetime,
) -> Application:
    """Hand an application in and decide: an offer, people, or a refusal with reasons.

    Asks for the consent to a credit report of the applicant and of everybody named; a report that
    `begin_report` asked for is decided by. An offer that is not one of the product's goes to
    people. Raises LoanApplicationIncomplete with the field, ConsentMissing, WrongStage.
    """
    application = await lock_application(uow, application_id, Stage.DRAFT)
    facts = await check_complete(uow, vault, application, now=now)
    handed_in = replace(application, device_id=device_id)
    submitted = await move(uow, handed_in, Stage.DRAFT, Step.SUBMITTED, now=now)
    report = await find_report(uow, vault, application)
    others = [
        await find_report(uow, vault, application, each.customer_id) for each in application.parties
    ]
    subject = LoanSubject(
        application=submitted, facts=facts, report=report, party_reports=tuple(others)
    )
    decision = await decider.decide(uow, subject, now=now)
    decision = _keep_within_product(submitted, decision, rulebook=rulebook, now=now)
    return await _conclude(uow, submitted, decision, rulebook=rulebook, now=now)


async def appeal_refusal(
    uow: UnitOfWork, application_id: uuid.UUID, *, words: str, now: datetime
) -> Application:
    """Ask people to look at what was refused without them; once.

    Raises InvalidField, WrongStage, AppealedAlready.
    """
    if not words.strip() or len(words) > limits.WORDS_LENGTH_MAX:
        raise InvalidField(f"has 1 to {limits.WORDS_LENGTH_MAX} characters", field="words")
    application = await lock_application(uow, application_id, Stage.REFUSED)
    if application.has_appealed or application.is_decided_by_person:
        raise AppealedAlready("people have looked at this application")
    appealed = replace(application, has_appealed=True)
    moved = await move(
        uow, appealed, Stage.REVIEW, Step.APPEALED, now=now, details={"words": words}
    )
    await _tell(uow, moved, now=now)
    return moved


async def decide_application(
    uow: UnitOfWork,
    application_id: uuid.UUID,
    decision: LoanDecision,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> Application:
    """Decide as a person about an application that waits for one.

    An offer may be less than was asked for. Raises WrongStage, LoanTermsRefused for an offer
    outside the product, and InvalidField for a refusal without reasons or a review once more.
    """
    if decision.verdict is Verdict.REVIEW:
        raise InvalidField("must be an offer or a refusal", field="verdict")
    if decision.verdict is Verdict.REFUSE and not decision.reasons:
        raise InvalidField("a refusal gives at least one reason", field="reasons")
    application = await lock_application(uow, application_id, Stage.REVIEW)
    by_person = replace(application, is_decided_by_person=True)
    return await _conclude(uow, by_person, decision, rulebook=rulebook, now=now)


async def _conclude(
    uow: UnitOfWork,
    application: Application,
    decision: LoanDecision,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> Application:
    offer = _make_offer(application, decision)
    if offer is None and decision.verdict is Verdict.OFFER:
        decision = replace(decision, verdict=Verdict.REFUSE, reasons=(_TOO_LITTLE,))
    until = None
    if offer is not None:
        _check_offer(application, offer, rulebook=rulebook, now=now)
        until = business_day(now) + timedelta(days=limits.OFFER_DAYS)
    concluded = replace(
        application,
        offer=offer,
        offer_until=until,
        reasons=decision.reasons,
        decision_id=decision.decision_id or application.decision_id,
    )
    details = {
        "verdict": decision.verdict.value,
        "grade": decision.grade,
        "reasons": store.write_reasons(decision.reasons),
        "by_person": application.is_decided_by_person,
        "limit": decision.limit,
        "rate": decision.rate,
        "records": dict(decision.records),
    }
    stage = _STAGES[decision.verdict]
    moved = await move(uow, concluded, stage, Step.DECIDED, now=now, details=details)
    await audit.record(
        uow,
        action="lending.decide_application",
        subject=show_id(LOAN_APPLICATION, application.id),
        details={"verdict": decision.verdict.value, "by_person": application.is_decided_by_person},
    )
    await _tell(uow, moved, now=now)
    return moved


def _make_offer(application: Application, decision: LoanDecision) -> LoanTerms | None:
    """Return the wish within what was decided; None if that is less than the product's least."""
    wish = application.wish
    if decision.verdict is not Verdict.OFFER or wish is None:
        return None
    principal = wish.principal if decision.limit is None else min(wish.principal, decision.limit)
    if principal < application.product.terms.amount_min:
        return None
    rate = wish.rate if decision.rate is None else decision.rate
    return replace(wish, principal=principal, rate=rate, grade=decision.grade or wish.grade)


def _check_offer(
    application: Application, offer: LoanTerms, *, rulebook: Rulebook, now: datetime
) -> None:
    shown = replace(offer, facts=dict.fromkeys(application.product.terms.mandatory, "stated"))
    check_loan_terms(shown, application.product, rulebook=rulebook, now=now)


def _keep_within_product(
    application: Application, decision: LoanDecision, *, rulebook: Rulebook, now: datetime
) -> LoanDecision:
    """Return the decision, or one that asks people if its offer is not one of the product's."""
    offer = _make_offer(application, decision)
    if offer is None:
        return decision
    try:
        _check_offer(application, offer, rulebook=rulebook, now=now)
    except LoanTermsRefused as refused:
        records = {**decision.records, "outside_product": refused.field}
        return replace(decision, verdict=Verdict.REVIEW, reasons=(_OUTSIDE,), records=records)
    return decision


async def _tell(uow: UnitOfWork, application: Application, *, now: datetime) -> None:
    event = LoanApplicationMoved(
        application_id=application.id,
        customer_id=application.customer_id,
        product=application.product.code,
        stage=application.stage.value,
        moved_at=now,
    )
    await outbox.append(uow, [event])
