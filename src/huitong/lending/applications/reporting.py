"""Commands: a credit report is asked for once, by consent, and kept sealed.

A question is written down before it is asked, so that no failure makes it two; the bureau is asked
between `begin_report` and `end_report`, outside of both transactions.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict
from huitong.kernel.rulebook import Rulebook
from huitong.lending.applications import erasing_store, store
from huitong.lending.applications.errors import LoanApplicationIncomplete
from huitong.lending.applications.filling import lock_application, open_facts
from huitong.lending.applications.types import Application, Role, Stage
from huitong.lending.bureau import limits
from huitong.lending.bureau.types import Answer, InquiryReason, Report
from huitong.privacy import DataDestroyed, Json, Vault, find_consents, require_consent

CREDIT_REPORT: Final = "credit_report_query"
_REPORT_FIELD: Final = "lending.report_queries.report"
_REPEAT: Final = "loan.report.repeat.hours"


class ReportPending(Conflict):
    """The report was asked for a moment ago and is on its way."""

    code = "credit_report_pending"
    title = "The credit report is on its way"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportQuery:
    """A question that is to be asked now; `consent_id` is what it rests on."""

    id: uuid.UUID
    subject_id: uuid.UUID
    consent_id: uuid.UUID
    reason: InquiryReason = InquiryReason.LOAN


async def check_complete(
    uow: UnitOfWork, vault: Vault, application: Application, *, now: datetime
) -> dict[str, str]:
    """Return an application's facts once nothing is missing to decide about it.

    Raises LoanApplicationIncomplete with the field, ConsentMissing for anybody named.
    """
    facts = await open_facts(uow, vault, application)
    if application.wish is None:
        raise LoanApplicationIncomplete("say how much is needed, and for how long", field="wish")
    for name in application.product.terms.mandatory:
        if name not in facts:
            raise LoanApplicationIncomplete("is asked for by the product", field=f"facts.{name}")
    for person in (application.customer_id, *(each.customer_id for each in application.parties)):
        await require_consent(uow, subject_id=person, purpose=CREDIT_REPORT, now=now)
    return facts


async def begin_report(
    uow: UnitOfWork,
    vault: Vault,
    application_id: uuid.UUID,
    *,
    query_id: uuid.UUID,
    subject_id: uuid.UUID | None = None,
    rulebook: Rulebook,
    now: datetime,
) -> ReportQuery | None:
    """Write down that a report is asked for, the applicant's or a named person's; return that.

    None if it was answered within `loan.report.repeat.hours`. A question without an answer is
    returned again, with its id, once whoever asked must be gone; before, ReportPending is raised.
    Raises what `check_complete` raises, and WrongStage.
    """
    application = await lock_application(uow, application_id, Stage.DRAFT)
    await check_complete(uow, vault, application, now=now)
    hours = rulebook.integer(_REPEAT, business_day(now))
    person = subject_id or application.customer_id
    reason = _find_reason(application, person)
    since = now - timedelta(hours=hours)
    known = await store.find_query(uow, application_id, person, since=since)
    if known is not None:
        if known.answered_at is not None:
            return None
        if known.asked_at > now - timedelta(seconds=limits.PATIENCE_SECONDS):
            raise ReportPending("ask again in a moment")
        return ReportQuery(
            id=known.id, subject_id=person, consent_id=known.consent_id, reason=reason
        )
    given = (await find_consents(uow, subject_id=person, now=now))[CREDIT_REPORT]
    assert given[1] is not None, "the consent was looked at above"
    query = ReportQuery(id=query_id, subject_id=person, consent_id=given[1].id, reason=reason)
    await store.insert_query(
        uow,
        application_id,
        query_id=query.id,
        subject_id=query.subject_id,
        consent_id=query.consent_id,
        now=now,
    )
    return query


async def end_report(
    uow: UnitOfWork, vault: Vault, query: ReportQuery, answer: Answer, *, now: datetime
) -> None:
    """Keep what the bureau said, sealed; a second answer to one question changes nothing."""
    sealed = None
    if answer.report is not None:
        text = msgspec.json.encode(answer.report).decode()
        sealed = (await vault.seal(uow, query.subject_id, {_REPORT_FIELD: text}))[_REPORT_FIELD]
    await store.save_answer(
        uow,
        query.id,
        verdict=answer.verdict.value,
        trouble=None if answer.trouble is None else answer.trouble.value,
        report=sealed,
        now=now,
    )


async def list_opened_reports(
    uow: UnitOfWork, vault: Vault, subject_id: uuid.UUID, *, most: int
) -> list[Json]:
    """Return the latest questions to the bureau about a person, each with what it said."""
    shown: list[Json] = []
    for row in await erasing_store.list_reports(uow, subject_id, most):
        report: Json = None
        if row.report is not None:
            opened = await vault.open(uow, subject_id, {_REPORT_FIELD: bytes(row.report)})
            report = msgspec.json.decode(opened[_REPORT_FIELD])
        asked_at = row.asked_at.isoformat()
        shown.append({"asked_at": asked_at, "verdict": row.verdict, "report": report})
    return shown


async def find_report(
    uow: UnitOfWork, vault: Vault, application: Application, subject_id: uuid.UUID | None = None
) -> Report | None:
    """Return the last report about the applicant, or a named person, that there is; or None."""
    person = subject_id or application.customer_id
    sealed = await store.find_report(uow, application.id, person)
    if sealed is None:
        return None
    try:
        opened = await vault.open(uow, person, {_REPORT_FIELD: sealed})
    except DataDestroyed:
        return None
    return msgspec.json.decode(opened[_REPORT_FIELD], type=Report)


def _find_reason(application: Application, person: uuid.UUID) -> InquiryReason:
    roles = [each.role for each in application.parties if each.customer_id == person]
    assert roles or person == application.customer_id, "only who is named is asked about"
    return InquiryReason.GUARANTEE if Role.GUARANTOR in roles else InquiryReason.LOAN
