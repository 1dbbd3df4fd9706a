"""Cases of risk: queues, one case with its alerts, timeline and graph, and the work on it."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, risk
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import NoBody, Page
from huitong.api.schemas.risk import read_entity
from huitong.api.schemas.risk_cases import (
    AddNote,
    AlertView,
    AssignCase,
    CasePath,
    CaseView,
    CloseCase,
    EntryView,
    GraphView,
    ProposeEntry,
    QueueQuery,
    show_alert,
    show_case,
    show_entry,
    show_graph,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CASE, STAFF, read_id, uuid7
from huitong.wiring.risk_links import LINK_SOURCES
from huitong.wiring.risk_owners import find_owners

router: Final = APIRouter(prefix="/v1/risk/cases", tags=["Cases"], route_class=CommandRoute)

Reader = Annotated[Principal, require("cases:read")]
Worker = Annotated[Principal, require("cases:write")]
Closer = Annotated[Principal, require("cases:close")]
Work = Callable[[UnitOfWork, identity.Staff, datetime], Awaitable[risk.Case]]


@router.get(
    "",
    operation_id="listCases",
    summary="List cases",
    response_model=Page[CaseView],
    responses=errors(caller="staff"),
)
async def list_cases(
    request: Request,
    principal: Reader,
    queue: QueueQuery = "priority",
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return a queue: what to look at first, or one's own cases."""
    assert principal.staff is not None
    staff_id = principal.staff.staff.id
    after = open_id_cursor(cursor, "cases", queue)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await risk.list_cases(
            uow, risk.Queue(queue), staff_id=staff_id, after=after, limit=limit
        )
    return show_page(list_after(found, limit, lambda case: case.id), show_case, "cases", queue)


@router.get(
    "/{case}",
    operation_id="getCase",
    summary="Get a case",
    response_model=CaseView,
    responses=errors(risk.CaseNotFound, caller="staff"),
)
async def get_case(request: Request, case: CasePath, principal: Reader) -> CaseView:
    """Return a case."""
    case_id = read_id(CASE, case, field="case")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_case(await risk.get_case(uow, case_id))


@router.get(
    "/{case}/alerts",
    operation_id="listCaseAlerts",
    summary="List the alerts of a case",
    response_model=Page[AlertView],
    responses=errors(risk.CaseNotFound, caller="staff"),
)
async def list_alerts(
    request: Request,
    case: CasePath,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return its alerts and who took part in them, oldest first; each leads to its decision."""
    case_id = read_id(CASE, case, field="case")
    after = open_id_cursor(cursor, "case-alerts", case)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await risk.list_case_alerts(uow, case_id, after=after, limit=limit)
    page = list_after(found, limit, lambda alert: alert.decision_id)
    return show_page(page, show_alert, "case-alerts", case)


@router.get(
    "/{case}/timeline",
    operation_id="listCaseEntries",
    summary="List what happened with a case",
    response_model=Page[EntryView],
    responses=errors(risk.CaseNotFound, caller="staff"),
)
async def list_entries(
    request: Request,
    case: CasePath,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return its timeline, newest first."""
    case_id = read_id(CASE, case, field="case")
    before_id = open_id_cursor(cursor, "case-entries", case)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await risk.list_case_entries(uow, case_id, before_id=before_id, limit=limit)
    page = list_after(found, limit, lambda entry: entry.id)
    return show_page(page, show_entry, "case-entries", case)


@router.get(
    "/{case}/graph",
    operation_id="getCaseGraph",
    summary="Get the graph around a case",
    response_model=GraphView,
    responses=errors(risk.CaseNotFound, caller="staff"),
)
async def get_graph(request: Request, case: CasePath, principal: Reader) -> GraphView:
    """Return its entities and whom they own, use and pay, as nodes and edges, within limits."""
    case_id = read_id(CASE, case, field="case")
    parts = application_of(request)
    async with parts.database.unit_of_work(principal.caller) as uow:
        graph = await risk.draw_case(
            uow, case_id, sources=LINK_SOURCES, rulebook=parts.rulebook, now=parts.clock.now()
        )
    return show_graph(graph)


@router.post(
    "/{case}/assign",
    operation_id="assignCase",
    summary="Take a case or hand it over",
    status_code=200,
    response_model=CaseView,
    responses=errors(
        risk.CaseNotFound,
        risk.CaseClosed,
        risk.CaseTaken,
        identity.OwnRecord,
        identity.StaffNotFound,
        InvalidField,
        caller="staff",
        is_command=True,
    ),
)
async def assign_case(
    request: Request, case: CasePath, body: AssignCase, key: IdempotencyKey, principal: Worker
) -> Response:
    """Take a case that nobody works on, or give it or one's own to a colleague."""
    case_id = read_id(CASE, case, field="case")

    async def assign(uow: UnitOfWork, staff: identity.Staff, now: datetime) -> risk.Case:
        to = staff
        if body.to is not None:
            to = await identity.get_staff(uow, read_id(STAFF, body.to, field="to"))
        return await risk.assign_case(uow, case_id=case_id, staff=staff, to=to, now=now)

    return await _work(request, principal, key, assign)


@router.post(
    "/{case}/release",
    operation_id="releaseCase",
    summary="Give a case back",
    status_code=200,
    response_model=CaseView,
    responses=errors(
        risk.CaseNotFound, risk.CaseClosed, risk.CaseTaken, caller="staff", is_command=True
    ),
)
async def release_case(
    request: Request, case: CasePath, body: NoBody, key: IdempotencyKey, principal: Worker
) -> Response:
    """Give back a case of one's own, for anybody to take."""
    del body
    case_id = read_id(CASE, case, field="case")

    async def release(uow: UnitOfWork, staff: identity.Staff, now: datetime) -> risk.Case:
        return await risk.release_case(uow, case_id=case_id, staff=staff, now=now)

    return await _work(request, principal, key, release)


@router.post(
    "/{case}/notes",
    operation_id="addCaseNote",
    summary="Add a note to a case",
    status_code=200,
    response_model=CaseView,
    responses=errors(
        risk.CaseNotFound,
        risk.CaseClosed,
        identity.OwnRecord,
        InvalidField,
        caller="staff",
        is_command=True,
    ),
)
async def add_note(
    request: Request, case: CasePath, body: AddNote, key: IdempotencyKey, principal: Worker
) -> Response:
    """Add a note to the timeline of an open case."""
    case_id = read_id(CASE, case, field="case")

    async def add(uow: UnitOfWork, staff: identity.Staff, now: datetime) -> risk.Case:
        await risk.add_note(uow, case_id=case_id, staff=staff, note=body.note, now=now)
        return await risk.get_case(uow, case_id)

    return await _work(request, principal, key, add)


@router.post(
    "/{case}/close",
    operation_id="closeCase",
    summary="Close a case",
    status_code=200,
    response_model=CaseView,
    responses=errors(
        risk.CaseNotFound,
        risk.CaseClosed,
        risk.CaseNotTaken,
        risk.CaseChanged,
        identity.NotOwnCase,
        identity.OwnRecord,
        InvalidField,
        caller="staff",
        is_command=True,
    ),
)
async def close_case(
    request: Request, case: CasePath, body: CloseCase, key: IdempotencyKey, principal: Closer
) -> Response:
    """Say what came of a case of one's own, which becomes the label of its decisions."""
    case_id = read_id(CASE, case, field="case")
    finding = risk.Finding(
        outcome=risk.Outcome(body.outcome), note=body.note, alerts_seen=body.alerts_seen
    )

    async def close(uow: UnitOfWork, staff: identity.Staff, now: datetime) -> risk.Case:
        return await risk.close_case(uow, case_id=case_id, staff=staff, finding=finding, now=now)

    return await _work(request, principal, key, close)


@router.post(
    "/{case}/proposals",
    operation_id="proposeListEntry",
    summary="Propose what takes part in a case for a list",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        risk.CaseNotFound,
        risk.CaseClosed,
        risk.CaseNotTaken,
        identity.NotOwnCase,
        identity.OwnRecord,
        InvalidField,
        caller="staff",
        is_command=True,
    ),
)
async def propose_entry(
    request: Request, case: CasePath, body: ProposeEntry, key: IdempotencyKey, principal: Closer
) -> Response:
    """Ask for a party or device of one's own case to be blocked or watched; somebody else decides.

    Who asks must be permitted to change lists as well.
    """
    parts = application_of(request)
    case_id, approval_id, now = read_id(CASE, case, field="case"), uuid7(), parts.clock.now()
    entity = read_entity(body, parts.vault)
    change = risk.ListChange(list=risk.ListKind(body.listed), add=[(entity, body.expires_at)])
    risk.check_list_change(change, now=now)

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await risk.check_can_propose(uow, case_id=case_id, staff=by, entity=entity)
        approval = await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="risk.change_list",
            payload=risk.show_list_change(change),
            reason=body.reason,
            concerns=await find_owners(uow, change.entities),
            now=now,
        )
        await risk.note_proposal(uow, case_id=case_id, approval_id=approval_id, now=now)
        return approval

    return await ask_for_approval(request, principal, key, make)


async def _work(request: Request, principal: Principal, key: str, work: Work) -> Response:
    """Do something with a case as the member of staff of now, once, and answer with the case."""
    session = principal.staff
    assert session is not None
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> CaseView:
        held = await identity.hold_staff_session(uow, session, now=now)
        return show_case(await work(uow, held.staff, now))

    return await run_once(request, principal, key, command, status=200)
