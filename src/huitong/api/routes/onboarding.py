"""Applications of people for an account."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, identity, privacy
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, open_cursor, show_page
from huitong.api.people_seen import note_seen, note_seen_in
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import ApplicationPath, NoBody, Page
from huitong.api.schemas.onboarding import (
    ApplicationView,
    ApproveApplication,
    RefuseApplication,
    SavePerson,
    SavePicture,
    StartApplication,
    StateName,
    show_application,
    show_own_application,
)
from huitong.api.sessions import read_client
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import APPLICATION, read_id, show_id, uuid7
from huitong.wiring.reactions import react_to_decisions

router: Final = APIRouter(
    prefix="/v1/onboarding/applications", tags=["Onboarding"], route_class=CommandRoute
)

Lister = Annotated[Principal, require("onboarding:read")]
Reader = Annotated[
    Principal, require("onboarding:read", is_for_customers=True, is_for_applicants=True)
]
#: An application begins with a proved number, so a customer, who has one, cannot begin another.
Starter = Annotated[Principal, require("onboarding:write", is_for_applicants=True)]
Writer = Annotated[
    Principal, require("onboarding:write", is_for_customers=True, is_for_applicants=True)
]
Decider = Annotated[Principal, require("onboarding:decide")]


@router.post(
    "",
    operation_id="startApplication",
    summary="Start an application",
    status_code=201,
    response_model=ApplicationView,
    responses=errors(privacy.ViewerCut, is_command=True),
)
async def start_application(
    request: Request, body: StartApplication, key: IdempotencyKey, principal: Starter
) -> Response:
    """Start a draft; its evidence is saved step by step, in any order, and then handed in.

    Somebody who signs up has one application, which is returned if it was started before.
    """
    applicant = principal.applicant
    application_id = uuid7() if applicant is None else applicant.id
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> customers.Application:
        return await customers.start_application(
            uow,
            application_id=application_id,
            requested_class=body.requested_class,
            consent_reference=body.consent,
            now=now,
        )

    return await _run(request, principal, key, command, status=201)


@router.get(
    "",
    operation_id="listApplications",
    summary="List applications",
    response_model=Page[ApplicationView],
    responses=errors(privacy.ViewerCut),
)
async def list_applications(
    request: Request,
    principal: Lister,
    state: Annotated[StateName | None, Query(description="Only those in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return applications, oldest first; `state=pending_review` are those that wait for staff."""
    list_name = ("applications", state)
    inner = open_cursor(cursor, *list_name)
    wanted = None if state is None else customers.ApplicationState(state)
    application = application_of(request)
    async with application.database.reading(principal.caller) as uow:
        page = await customers.list_applications(uow, state=wanted, cursor=inner, limit=limit)
        people = await customers.show_applicants(uow, application.vault, page.items)
    await note_seen(request, principal, list(people))
    return show_page(page, lambda each: show_application(each, people.get(each.id)), *list_name)


@router.get(
    "/{application}",
    operation_id="getApplication",
    summary="Get an application",
    response_model=ApplicationView,
    responses=errors(NotFound, privacy.ViewerCut),
)
async def get_application(
    request: Request, application: ApplicationPath, principal: Reader
) -> ApplicationView:
    """Return an application with everything that was found about it."""
    application_id = _read_own(principal, application)
    async with application_of(request).database.reading(principal.caller) as uow:
        view = await _show(
            request, principal, uow, await customers.get_application(uow, application_id)
        )
    await note_seen(request, principal, [application_id])
    return view


@router.post(
    "/{application}/person",
    operation_id="savePerson",
    summary="Save who applies",
    response_model=ApplicationView,
    responses=errors(
        NotFound,
        customers.ApplicationNotDraft,
        privacy.DataDestroyed,
        privacy.ViewerCut,
        is_command=True,
    ),
)
async def save_person(
    request: Request,
    application: ApplicationPath,
    body: SavePerson,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Save the nine items, encrypted; what is wrong with them is told as remarks at once."""
    application_id = _read_own(principal, application)
    parts, person = application_of(request), body.read()
    now = parts.clock.now()

    async def command(uow: UnitOfWork) -> customers.Application:
        await identity.check_proved_number(
            uow, vault=parts.vault, subject_id=application_id, mobile=person.mobile
        )
        return await customers.save_person(
            uow,
            parts.vault,
            application_id=application_id,
            person=person,
            rulebook=parts.rulebook,
            now=now,
        )

    return await _run(request, principal, key, command)


@router.post(
    "/{application}/pictures",
    operation_id="savePicture",
    summary="Save a picture",
    response_model=ApplicationView,
    responses=errors(
        NotFound,
        customers.ApplicationNotDraft,
        privacy.DataDestroyed,
        privacy.ViewerCut,
        is_command=True,
    ),
)
async def save_picture(
    request: Request,
    application: ApplicationPath,
    body: SavePicture,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Save a picture of the card or of the person, encrypted; a later one takes its place."""
    application_id = _read_own(principal, application)
    kind, content = body.read()
    vault = application_of(request).vault

    async def command(uow: UnitOfWork) -> customers.Application:
        return await customers.save_picture(
            uow, vault, application_id=application_id, kind=kind, content=content
        )

    return await _run(request, principal, key, command)


@router.post(
    "/{application}/submission",
    operation_id="submitApplication",
    summary="Hand an application in",
    response_model=ApplicationView,
    responses=errors(NotFound, customers.ApplicationIncomplete, privacy.ViewerCut, is_command=True),
)
async def submit_application(
    request: Request,
    application: ApplicationPath,
    _body: NoBody,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Hand the evidence in. It is checked outside; ask again to learn what came of it.

    One that is out of the ordinary is looked at by people, or refused at once with the reasons.
    """
    application_id = _read_own(principal, application)
    parts = application_of(request)
    now = parts.clock.now()
    # A partner's address says nothing of the people that it sends.
    is_own = not principal.is_partner
    submission = customers.Submission(
        vault=parts.vault,
        rulebook=parts.rulebook,
        decider=parts.onboarding,
        address_index=identity.index_address(parts.vault, read_client(request)) if is_own else None,
        on_decision=react_to_decisions(parts.vault),
    )

    async def command(uow: UnitOfWork) -> customers.Application:
        return await customers.submit_application(
            uow, application_id=application_id, submission=submission, now=now
        )

    return await _run(request, principal, key, command)


@router.post(
    "/{application}/approval",
    operation_id="approveApplication",
    summary="Approve an application",
    response_model=ApplicationView,
    responses=errors(
        NotFound,
        customers.ApplicationNotPending,
        customers.EvidenceTooWeak,
        customers.GuardianUnfit,
        privacy.DataDestroyed,
        privacy.ViewerCut,
        is_command=True,
        has_approval=True,
    ),
)
async def approve_application(
    request: Request,
    application: ApplicationPath,
    body: ApproveApplication,
    key: IdempotencyKey,
    principal: Decider,
) -> Response:
    """Open the customer at the class that the evidence supports; any class in person.

    That somebody came in person is one member's word for the highest class, so another one has to
    agree. Somebody who is a customer already, or whose mobile number is, is refused instead.
    """
    application_id = read_id(APPLICATION, application, field="application")
    parts = application_of(request)
    now = parts.clock.now()
    if principal.staff is not None and body.in_person:
        return await _ask_for_approval(request, principal, key, application_id, body.reason)

    async def command(uow: UnitOfWork) -> customers.Application:
        return await customers.approve_application(
            uow,
            parts.vault,
            application_id=application_id,
            is_in_person=body.in_person,
            reason=body.reason,
            rulebook=parts.rulebook,
            on_decision=react_to_decisions(parts.vault),
            now=now,
        )

    return await _run(request, principal, key, command)


@router.post(
    "/{application}/refusal",
    operation_id="refuseApplication",
    summary="Refuse an application",
    response_model=ApplicationView,
    responses=errors(NotFound, customers.ApplicationNotPending, privacy.ViewerCut, is_command=True),
)
async def refuse_application(
    request: Request,
    application: ApplicationPath,
    body: RefuseApplication,
    key: IdempotencyKey,
    principal: Decider,
) -> Response:
    """Refuse an application that waits for staff; the reason goes into the record."""
    application_id = read_id(APPLICATION, application, field="application")
    parts = application_of(request)
    now = parts.clock.now()

    async def command(uow: UnitOfWork) -> customers.Application:
        return await customers.refuse_application(
            uow,
            application_id=application_id,
            reason=body.reason,
            on_decision=react_to_decisions(parts.vault),
            now=now,
        )

    return await _run(request, principal, key, command)


async def _ask_for_approval(
    request: Request, principal: Principal, key: str, application_id: uuid.UUID, reason: str
) -> Response:
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await customers.get_application(uow, application_id)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="customers.approve_in_person",
            payload={"application": show_id(APPLICATION, application_id)},
            reason=reason,
            concerns=[application_id],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


async def _run(
    request: Request,
    principal: Principal,
    key: str,
    command: Callable[[UnitOfWork], Awaitable[customers.Application]],
    *,
    status: int = 200,
) -> Response:
    now = application_of(request).clock.now()

    async def run(uow: UnitOfWork) -> ApplicationView:
        application = await command(uow)
        await note_seen_in(uow, principal, [application.id], now=now)
        return await _show(request, principal, uow, application)

    return await run_once(request, principal, key, run, status=status)


async def _show(
    request: Request, principal: Principal, uow: UnitOfWork, application: customers.Application
) -> ApplicationView:
    people = await customers.show_applicants(uow, application_of(request).vault, [application])
    show = show_application if principal.is_partner else show_own_application
    return show(application, people.get(application.id))


def _read_own(principal: Principal, shown: str) -> uuid.UUID:
    """Return an application's id; raises NotFound for one that is not the caller's to see."""
    application_id = read_id(APPLICATION, shown, field="application")
    principal.check_owner(application_id, "application", shown)
    return application_id
