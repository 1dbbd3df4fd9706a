"""What late borrowers ask for, and what they see of being contacted, as it travels."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import Field

from huitong import lending
from huitong.api.schemas.common import (
    Body,
    GivenDay,
    Instant,
    MoneyBody,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.kernel import ids
from huitong.kernel.ids import (
    COLLECTION_CASE,
    COLLECTION_COMPLAINT,
    COLLECTION_CONTACT,
    HARDSHIP,
    LOAN,
    PROMISE,
    show_id,
)
from huitong.kernel.money import Money

collections = lending.collections

ChannelName = Literal["app", "sms", "call", "letter"]
CauseName = Literal["income_lost", "illness", "disaster", "business_trouble", "family", "other"]
AboutName = Literal["too_often", "quiet_hours", "other_people", "conduct", "amount", "other"]
OutcomeName = Literal[
    "reached", "promised", "refuses", "disputes", "no_answer", "other_person", "wrong_number"
]


def _id(prefix: str) -> Any:
    return Field(pattern=id_pattern(prefix), examples=[example_id(prefix)])


def _path(prefix: str, what: str) -> Any:
    return Path(
        pattern=id_pattern(prefix), description=f"The {what}'s id.", examples=[example_id(prefix)]
    )


LoanId = Annotated[str, _id(ids.LOAN)]
CaseId = Annotated[str, _id(ids.COLLECTION_CASE)]
ContactId = Annotated[str, _id(ids.COLLECTION_CONTACT)]
PromiseId = Annotated[str, _id(ids.PROMISE)]
HardshipId = Annotated[str, _id(ids.HARDSHIP)]
ComplaintId = Annotated[str, _id(ids.COLLECTION_COMPLAINT)]
CasePath = Annotated[str, _path(ids.COLLECTION_CASE, "case")]
ContactPath = Annotated[str, _path(ids.COLLECTION_CONTACT, "contact")]
HardshipPath = Annotated[str, _path(ids.HARDSHIP, "request")]
ComplaintPath = Annotated[str, _path(ids.COLLECTION_COMPLAINT, "complaint")]


class MakePromise(Body):
    """What is paid by a day."""

    amount: MoneyBody
    pay_by: GivenDay


class AskForHardship(Body):
    """Easier terms: what is left, in so many payments from now on."""

    cause: CauseName
    count: Annotated[int, Field(ge=1, le=480)]


class Complain(Body):
    """A complaint about being contacted."""

    about: AboutName
    words: Annotated[str, Field(min_length=1, max_length=1_000)]


class ContactView(View):
    """One contact about a loan, in its texts; `nth` of at most `most` that day."""

    id: ContactId
    channel: ChannelName
    made_at: Instant
    nth: int
    most: int
    text_zh: str
    text_en: str
    outcome: OutcomeName | Literal["sent"] | None


class PromiseView(View):
    """A promise, and whether it was kept."""

    id: PromiseId
    amount: MoneyView
    made_at: Instant
    pay_by: date
    state: Literal["open", "kept", "broken", "void"]
    paid: MoneyView | None


class HardshipView(View):
    """A request for easier terms, and what was decided."""

    id: HardshipId
    loan: LoanId
    cause: CauseName
    count: int
    asked_at: Instant
    due_on: date
    state: Literal["open", "granted", "refused"]
    decided_at: Instant | None
    reason_zh: str | None
    reason_en: str | None


class LateCaseView(View):
    """How late a loan is; score and segment are for staff."""

    id: CaseId
    loan: LoanId
    opened_on: date
    since: date
    days: int
    owed: MoneyView
    score: int | None
    segment: str | None
    closed_on: date | None
    outcome: Literal["paid", "eased", "written_off"] | None


class ContactHistoryView(View):
    """What was done about a loan that was due or late, newest first."""

    cases: list[LateCaseView]
    contacts: list[ContactView]
    promises: list[PromiseView]
    hardship_requests: list[HardshipView]


class ComplaintView(View):
    """A complaint; contact stops until it is answered, by `due_on` at the latest."""

    id: ComplaintId
    about: AboutName
    made_at: Instant
    due_on: date
    answered_at: Instant | None
    is_upheld: bool | None
    answer_zh: str | None
    answer_en: str | None


class ComplaintsView(View):
    """Complaints, newest first."""

    data: list[ComplaintView]


def show_contact(contact: lending.collections.Contact) -> ContactView:
    """Return a contact as a view."""
    return ContactView(
        id=show_id(COLLECTION_CONTACT, contact.id),
        channel=contact.channel.value,
        made_at=contact.made_at,
        nth=contact.nth,
        most=contact.most,
        text_zh=contact.text_zh,
        text_en=contact.text_en,
        outcome=None if contact.outcome is None else contact.outcome.value,
    )


def show_promise(promise: lending.collections.Promise) -> PromiseView:
    """Return a promise as a view."""
    paid = None if promise.paid is None else Money(promise.paid, promise.currency)
    return PromiseView(
        id=show_id(PROMISE, promise.id),
        amount=show_money(Money(promise.amount, promise.currency)),
        made_at=promise.made_at,
        pay_by=promise.pay_by,
        state=promise.state.value,
        paid=None if paid is None else show_money(paid),
    )


def show_hardship(hardship: lending.collections.Hardship) -> HardshipView:
    """Return a request as a view."""
    return HardshipView(
        id=show_id(HARDSHIP, hardship.id),
        loan=show_id(LOAN, hardship.loan_id),
        cause=hardship.cause.value,
        count=hardship.count,
        asked_at=hardship.asked_at,
        due_on=hardship.due_on,
        state=hardship.state.value,
        decided_at=hardship.decided_at,
        reason_zh=hardship.reason_zh,
        reason_en=hardship.reason_en,
    )


def show_case(case: lending.collections.Case, *, is_staff: bool) -> LateCaseView:
    """Return a case as a view."""
    return LateCaseView(
        id=show_id(COLLECTION_CASE, case.id),
        loan=show_id(LOAN, case.loan_id),
        opened_on=case.opened_on,
        since=case.since_day,
        days=case.days,
        owed=show_money(Money(case.owed, case.currency)),
        score=case.score if is_staff else None,
        segment=case.segment if is_staff else None,
        closed_on=case.closed_on,
        outcome=case.outcome,  # type: ignore[arg-type] # the database has these three only
    )


def show_history(history: lending.collections.History, *, is_staff: bool) -> ContactHistoryView:
    """Return a history as a view."""
    return ContactHistoryView(
        cases=[show_case(each, is_staff=is_staff) for each in history.cases],
        contacts=[show_contact(each) for each in history.contacts],
        promises=[show_promise(each) for each in history.promises],
        hardship_requests=[show_hardship(each) for each in history.hardships],
    )


def show_complaint(complaint: lending.collections.Complaint) -> ComplaintView:
    """Return a complaint as its debtor sees it in lists, without its words."""
    return ComplaintView(
        id=show_id(COLLECTION_COMPLAINT, complaint.id),
        about=complaint.about.value,
        made_at=complaint.made_at,
        due_on=complaint.due_on,
        answered_at=complaint.answered_at,
        is_upheld=complaint.is_upheld,
        answer_zh=complaint.answer_zh,
        answer_en=complaint.answer_en,
    )


def show_complaints(complaints: Sequence[lending.collections.Complaint]) -> ComplaintsView:
    """Return complaints as a view."""
    return ComplaintsView(data=[show_complaint(each) for each in complaints])
