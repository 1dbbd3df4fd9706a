"""Collections as agents work on them: cases, tasks from the queue, contacts within the rules."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, identity, lending, privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, ListedPage, open_cursor, show_page
from huitong.api.people_seen import note_seen
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.collection_desk import (
    AssignTask,
    CaseOfDebtorView,
    EndContact,
    NextTaskView,
    QueueQuery,
    TaskPath,
    TasksView,
    TaskView,
    show_case_of_debtor,
    show_task,
)
from huitong.api.schemas.collections import (
    CasePath,
    ContactPath,
    ContactView,
    LateCaseView,
    MakePromise,
    PromiseView,
    show_case,
    show_contact,
    show_promise,
)
from huitong.api.schemas.common import NoBody, Page
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import (
    COLLECTION_CASE,
    COLLECTION_CONTACT,
    COLLECTION_TASK,
    STAFF,
    read_id,
    uuid7,
)
from huitong.wiring.collecting import tell_debtor

collections = lending.collections

router: Final = APIRouter(
    prefix="/v1/loan-collections", tags=["Collections"], route_class=CommandRoute
)
_READ: Final = "collections:read"
_WORK: Final = "collections:work"
Reader = Annotated[Principal, require(_READ)]
Agent = Annotated[Principal, require(_WORK)]
Work = Callable[[UnitOfWork, identity.Staff, datetime], Awaitable[BaseModel]]
_WORKING: Final = (
    collections.CollectionNotFound,
    collections.TaskTaken,
    collections.AlreadyEnded,
    identity.OwnRecord,
    InvalidField,
)


@router.get(
    "/cases",
    operation_id="listCollectionCases",
    summary="List loans that are late",
    response_model=Page[LateCaseView],
    responses=errors(InvalidField, caller="staff"),
)
async def list_cases(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return open cases in the order in which they were opened."""
    after = int(open_cursor(cursor, "collection-cases") or 0)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await collections.list_cases(uow, after=after, limit=limit)
    last = str(found[-1].number) if len(found) == limit else None
    page = ListedPage(found, last)
    return show_page(page, lambda case: show_case(case, is_staff=True), "collection-cases")


@router.get(
    "/cases/{collection_case}",
    operation_id="getCollectionCase",
    summary="See a late loan, its debtor masked",
    response_model=CaseOfDebtorView,
    responses=errors(
        collections.CollectionNotFound, identity.OwnRecord, privacy.ViewerCut, caller="staff"
    ),
)
async def get_case(
    request: Request, collection_case: CasePath, principal: Reader
) -> CaseOfDebtorView:
    """Return a case, who the debtor is, masked, and what was done; the look is recorded."""
    parts, session = application_of(request), principal.staff
    assert session is not None, "the routes are for staff only"
    case_id = read_id(COLLECTION_CASE, collection_case, field="collection_case")
    async with parts.database.reading(principal.caller) as uow:
        case = await collections.get_case(uow, case_id)
    identity.authorise(session.staff, _READ, identity.Attributes(concerns=[case.customer_id]))
    await note_seen(request, principal, [case.customer_id])
    async with parts.database.reading(principal.caller) as uow:
        customer = await customers.get_customer(uow, case.customer_id)
        people = await customers.show_people(uow, parts.vault, [customer])
        loan = await lending.get_loan(uow, case.loan_id)
        history = await collections.get_history(uow, loan)
    return show_case_of_debtor(case, people[customer.id], history)


@router.post(
    "/cases/{collection_case}/promises",
    operation_id="writePromiseDown",
    summary="Write down what a debtor promises",
    status_code=201,
    response_model=PromiseView,
    responses=errors(
        *_WORKING,
        collections.NotOverdue,
        collections.AlreadyOpen,
        collections.RequestRefused,
        caller="staff",
        is_command=True,
    ),
)
async def promise(
    request: Request,
    collection_case: CasePath,
    body: MakePromise,
    key: IdempotencyKey,
    principal: Agent,
) -> Response:
    """Write down what the debtor said on the phone that they will pay, and by when."""
    parts, amount = application_of(request), body.amount.read()
    case_id = read_id(COLLECTION_CASE, collection_case, field="collection_case")

    async def work(uow: UnitOfWork, staff: identity.Staff, now: datetime) -> PromiseView:
        case = await collections.get_case(uow, case_id)
        _check_not_own(staff, case.customer_id)
        made = await collections.make_promise(
            uow,
            await lending.get_loan(uow, case.loan_id),
            promise_id=uuid7(),
            amount=amount,
            pay_by=body.pay_by,
            staff_id=staff.id,
            rulebook=parts.rulebook,
            now=now,
        )
        return show_promise(made)

    return await _work(request, principal, key, work, status=201)


@router.get(
    "/tasks",
    operation_id="listCollectionTasks",
    summary="List tasks of late loans",
    response_model=TasksView,
    responses=errors(caller="staff"),
)
async def list_tasks(
    request: Request, principal: Reader, queue: QueueQuery = "waiting"
) -> TasksView:
    """Return tasks that nobody has, or one's own, the oldest first."""
    assert principal.staff is not None, "the routes are for staff only"
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        found = await collections.list_tasks(
            uow,
            collections.TaskQueue(queue),
            staff_id=principal.staff.staff.id,
            on=business_day(parts.clock.now()),
        )
    return TasksView(data=[show_task(each) for each in found])


@router.post(
    "/tasks/next",
    operation_id="takeNextCollectionTask",
    summary="Take the task that is to be done next",
    response_model=NextTaskView,
    responses=errors(LimitExceeded, caller="staff", is_command=True),
)
async def take_next(
    request: Request, body: NoBody, key: IdempotencyKey, principal: Agent
) -> Response:
    """Take the oldest task that nobody has; none about oneself, and none that is paused."""
    del body

    async def work(uow: UnitOfWork, staff: identity.Staff, now: datetime) -> NextTaskView:
        task = await collections.take_next_task(
            uow, staff_id=staff.id, own=staff.customer_id, now=now
        )
        return NextTaskView(task=None if task is None else show_task(task))

    return await _work(request, principal, key, work)


@router.post(
    "/tasks/{task}/assign",
    operation_id="assignCollectionTask",
    summary="Take a task or hand it over",
    response_model=TaskView,
    responses=errors(
        *_WORKING,
        LimitExceeded,
        identity.NotPermitted,
        identity.StaffNotFound,
        caller="staff",
        is_command=True,
    ),
)
async def assign(
    request: Request, task: TaskPath, body: AssignTask, key: IdempotencyKey, principal: Agent
) -> Response:
    """Take a task that nobody has, or give it or one's own to a colleague who may work on it."""
    task_id = read_id(COLLECTION_TASK, task, field="task")

    async def work(uow: UnitOfWork, staff: identity.Staff, now: datetime) -> TaskView:
        del now
        found = await collections.get_task(uow, task_id)
        to = staff
        if body.to is not None:
            to = await identity.get_staff(uow, read_id(STAFF, body.to, field="to"))
        if to.state is not identity.StaffState.ACTIVE:
            raise InvalidField("must be somebody who is active", field="to")
        for each in (staff, to):
            _check_not_own(each, found.customer_id)
        return show_task(await collections.assign_task(uow, task_id, staff_id=staff.id, to=to.id))

    return await _work(request, principal, key, work)


@router.post(
    "/tasks/{task}/release",
    operation_id="releaseCollectionTask",
    summary="Give a task back",
    response_model=TaskView,
    responses=errors(*_WORKING, caller="staff", is_command=True),
)
async def release(
    request: Request, task: TaskPath, body: NoBody, key: IdempotencyKey, principal: Agent
) -> Response:
    """Give back a task of one's own, for anybody to take."""
    del body
    task_id = read_id(COLLECTION_TASK, task, field="task")

    async def work(uow: UnitOfWork, staff: identity.Staff, now: datetime) -> TaskView:
        del now
        return show_task(await collections.release_task(uow, task_id, staff_id=staff.id))

    return await _work(request, principal, key, work)


@router.post(
    "/tasks/{task}/contacts",
    operation_id="contactDebtor",
    summary="Contact a debtor, if the rules allow it now",
    status_code=201,
    response_model=ContactView,
    responses=errors(
        *_WORKING,
        collections.ContactRefused,
        collections.NotOverdue,
        collections.DebtorUnreachable,
        caller="staff",
        is_command=True,
    ),
)
async def contact(
    request: Request, task: TaskPath, body: NoBody, key: IdempotencyKey, principal: Agent
) -> Response:
    """Count an attempt before it is made; a refusal names the rule, and nothing is counted."""
    del body
    parts = application_of(request)
    task_id = read_id(COLLECTION_TASK, task, field="task")

    async def work(uow: UnitOfWork, staff: identity.Staff, now: datetime) -> ContactView:
        found = await collections.get_task(uow, task_id)
        _check_not_own(staff, found.customer_id)
        made = await collections.begin_contact(
            uow,
            task_id,
            contact_id=uuid7(),
            staff_id=staff.id,
            tell=tell_debtor,
            rulebook=parts.rulebook,
            now=now,
        )
        return show_contact(made)

    return await _work(request, principal, key, work, status=201)


@router.post(
    "/contacts/{contact}/outcome",
    operation_id="endContact",
    summary="Say how an attempt ended",
    response_model=ContactView,
    responses=errors(*_WORKING, caller="staff", is_command=True),
)
async def end_contact(
    request: Request, contact: ContactPath, body: EndContact, key: IdempotencyKey, principal: Agent
) -> Response:
    """Say how one's own attempt ended, once; unless nobody was reached the task ends with it."""
    contact_id = read_id(COLLECTION_CONTACT, contact, field="contact")
    outcome = collections.Outcome(body.outcome)

    async def work(uow: UnitOfWork, staff: identity.Staff, now: datetime) -> ContactView:
        ended = await collections.end_contact(uow, contact_id, outcome, staff_id=staff.id, now=now)
        return show_contact(ended)

    return await _work(request, principal, key, work)


def _check_not_own(staff: identity.Staff, debtor_id: uuid.UUID) -> None:
    """Refuse whoever may not work on this debtor; raises NotPermitted, OwnRecord."""
    identity.authorise(staff, _WORK, identity.Attributes(concerns=[debtor_id]))


async def _work(
    request: Request, principal: Principal, key: str, work: Work, *, status: int = 200
) -> Response:
    """Do something as the member of staff of now, once."""
    session = principal.staff
    assert session is not None, "the routes are for staff only"
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> BaseModel:
        held = await identity.hold_staff_session(uow, session, now=now)
        return await work(uow, held.staff, now)

    return await run_once(request, principal, key, command, status=status)
