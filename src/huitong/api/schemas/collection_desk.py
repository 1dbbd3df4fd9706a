"""The staff's side of collections as it travels: tasks, cases, requests, strategies."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, Field

from huitong import customers, lending
from huitong.api.schemas.approvals import StaffId, Why
from huitong.api.schemas.collections import (
    CaseId,
    ChannelName,
    ComplaintView,
    ContactHistoryView,
    HardshipView,
    LateCaseView,
    LoanId,
    OutcomeName,
    show_case,
    show_complaint,
    show_history,
)
from huitong.api.schemas.common import (
    Body,
    CustomerId,
    GivenDay,
    MoneyBody,
    Name,
    View,
    check_printable,
    example_id,
    id_pattern,
)
from huitong.api.schemas.loan_changes import Rate, read_minor
from huitong.kernel import ids
from huitong.kernel.ids import (
    COLLECTION_CASE,
    COLLECTION_TASK,
    CUSTOMER,
    LOAN,
    STAFF,
    show_id,
)

collections = lending.collections

TaskPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.COLLECTION_TASK),
        description="The task's id.",
        examples=[example_id(ids.COLLECTION_TASK)],
    ),
]
PurposeName = Literal["consumer", "business", "farm"]
PurposePath = Annotated[
    PurposeName, Path(description="What the loans are for.", examples=["consumer"])
]
QueueQuery = Annotated[
    Literal["waiting", "own"], Query(description="Tasks that nobody has, or one's own.")
]
_Words = Annotated[
    str,
    Field(min_length=1, max_length=500, description="The borrower reads it."),
    AfterValidator(check_printable),
]
_Code = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,31}$", examples=["late_early"])]


class StepBody(Body):
    """A step on a day past due; 0 and below are the due day and days before it.

    Texts may name {amount}, {due_on} and {days}.
    """

    day: Annotated[int, Field(ge=-30, le=3_650)]
    channel: ChannelName
    is_automatic: bool
    text_zh: Annotated[str, Field(min_length=1, max_length=140)]
    text_en: Annotated[str, Field(min_length=1, max_length=240)]


class SegmentBody(Body):
    """Loans that are treated alike; of several that fit, the first one takes them."""

    code: _Code
    days_min: Annotated[int, Field(ge=1, le=3_650)]
    amount_min: MoneyBody | None = None
    score_max: Annotated[int, Field(ge=0, le=10_000)] | None = None
    steps: Annotated[list[StepBody], Field(max_length=64)]


class AddStrategy(Body):
    """What is done about loans of a purpose and currency from a day on."""

    purpose: PurposeName
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["CNY"])] = "CNY"
    name_zh: Name
    name_en: Name
    effective_from: GivenDay
    before_due: Annotated[list[StepBody], Field(max_length=64)]
    segments: Annotated[list[SegmentBody], Field(min_length=1, max_length=16)]
    reason: Why


class AssignTask(Body):
    """Who is to have a task: oneself if nobody is named."""

    to: StaffId | None = None


class EndContact(Body):
    """How an attempt ended. `other_person`: somebody else answered, and was told nothing."""

    outcome: OutcomeName


class RefuseHardship(Body):
    """Why a request is refused, for the borrower."""

    reason_zh: _Words
    reason_en: _Words


class GrantHardship(Body):
    """The terms that are asked for; without a rate that of the contract stays."""

    count: Annotated[int, Field(ge=1, le=480)]
    rate: Rate | None = None
    reason: Why


class AnswerComplaint(Body):
    """What was found, for the debtor."""

    is_upheld: bool
    answer_zh: _Words
    answer_en: _Words


class TaskView(View):
    """A step for one loan; who the debtor is stands in the single task."""

    id: Annotated[
        str,
        Field(pattern=id_pattern(ids.COLLECTION_TASK), examples=[example_id(ids.COLLECTION_TASK)]),
    ]
    loan: LoanId
    case: CaseId | None
    customer: CustomerId
    segment: str
    day: int
    channel: ChannelName
    on: date
    state: Literal["waiting", "taken", "done", "needless", "refused", "unreachable", "lapsed"]
    assigned_to: StaffId | None
    text_zh: str
    text_en: str


class TasksView(View):
    """Tasks, the oldest first."""

    data: list[TaskView]


class NextTaskView(View):
    """The task that was taken; null if none waits."""

    task: TaskView | None


class CaseOfDebtorView(View):
    """A case with its loan's history; the debtor's name and number are masked."""

    case: LateCaseView
    customer: CustomerId
    name: str | None
    mobile: str | None
    history: ContactHistoryView


class HardshipsView(View):
    """Requests that wait, the one that is due first first."""

    data: list[HardshipView]


class OpenComplaintView(ComplaintView):
    """A complaint with its words, for who answers it."""

    customer: CustomerId
    words: str


class OpenComplaintsView(View):
    """Complaints that wait, the one that is due first first."""

    data: list[ComplaintView]


class StrategyView(View):
    """A version of a strategy, as two people agreed on it; amounts in minor units."""

    version: int
    strategy: dict[str, Any]


class StrategiesView(View):
    """All versions for a purpose, by currency, first first."""

    data: list[StrategyView]


def show_task(task: lending.collections.Task) -> TaskView:
    """Return a task as a view."""
    return TaskView(
        id=show_id(COLLECTION_TASK, task.id),
        loan=show_id(LOAN, task.loan_id),
        case=None if task.case_id is None else show_id(COLLECTION_CASE, task.case_id),
        customer=show_id(CUSTOMER, task.customer_id),
        segment=task.segment,
        day=task.day,
        channel=task.channel.value,
        on=task.on_day,
        state=task.state.value,
        assigned_to=None if task.assigned_to is None else show_id(STAFF, task.assigned_to),
        text_zh=task.text_zh,
        text_en=task.text_en,
    )


def show_case_of_debtor(
    case: lending.collections.Case,
    person: customers.ShownPerson,
    history: lending.collections.History,
) -> CaseOfDebtorView:
    """Return a case with its debtor, masked, as a view."""
    return CaseOfDebtorView(
        case=show_case(case, is_staff=True),
        customer=show_id(CUSTOMER, case.customer_id),
        name=person.name,
        mobile=person.mobile,
        history=show_history(history, is_staff=True),
    )


def show_open_complaint(complaint: lending.collections.Complaint, words: str) -> OpenComplaintView:
    """Return a complaint with its words as a view."""
    return OpenComplaintView(
        **show_complaint(complaint).model_dump(),
        customer=show_id(CUSTOMER, complaint.customer_id),
        words=words,
    )


def show_strategy(strategy: lending.collections.Strategy) -> StrategyView:
    """Return a version as a view."""
    return StrategyView(version=strategy.version, strategy=collections.write_strategy(strategy.new))


def read_strategy(body: AddStrategy) -> lending.collections.NewStrategy:
    """Return the version that is asked for; raises InvalidField for amounts in other money."""
    return collections.NewStrategy(
        purpose=lending.Purpose(body.purpose),
        currency=body.currency,
        name_zh=body.name_zh,
        name_en=body.name_en,
        effective_from=body.effective_from,
        before_due=tuple(_read_step(each) for each in body.before_due),
        segments=tuple(
            collections.Segment(
                code=each.code,
                days_min=each.days_min,
                amount_min=0
                if each.amount_min is None
                else read_minor(each.amount_min, body.currency),
                score_max=each.score_max,
                steps=tuple(_read_step(step) for step in each.steps),
            )
            for each in body.segments
        ),
    )


def _read_step(body: StepBody) -> lending.collections.NewStep:
    return collections.NewStep(
        day=body.day,
        channel=collections.Channel(body.channel),
        is_automatic=body.is_automatic,
        text_zh=body.text_zh,
        text_en=body.text_en,
    )
