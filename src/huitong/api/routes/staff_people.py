"""What staff see of people: records masked, whole values and pictures with purpose and reason.

Every look is recorded before it is shown. These are no commands with an Idempotency-Key: answers to
those are kept, and these must not be.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter
from starlette.requests import Request

from huitong import customers, identity, privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.people_seen import note_search_in, note_seen_in
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import ApplicationPath, CustomerPath
from huitong.api.schemas.people import (
    AskPicture,
    AskWhole,
    FoundPeopleView,
    PersonRecordView,
    PictureView,
    SearchPeople,
    ShownFieldsView,
    show_fields,
    show_picture,
    show_record,
)
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound, Refusal
from huitong.kernel.ids import APPLICATION, CUSTOMER, read_id

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Number:
    """What is searched for; `counted` is the part by which one follows on another."""

    kind: str
    value: str = field(repr=False)
    counted: str = field(repr=False)
    find: Callable[[UnitOfWork, privacy.Vault, str], Awaitable[customers.Customer | None]]


router: Final = APIRouter(prefix="/v1/staff", tags=["People"], route_class=CommandRoute)

Reader = Annotated[Principal, require("people:read")]
Viewer = Annotated[Principal, require("people:disclose")]
_READ: Final = "people:read"
_DISCLOSE: Final = "people:disclose"
#: A resident identity number without its check digit: what one after the other differs in.
_COUNTED_DIGITS: Final = 17
_LOOKING: Final = (
    identity.NotOwnBranch,
    identity.NotOwnCase,
    identity.OwnRecord,
    identity.StaffSessionEnded,
    privacy.ViewerCut,
)
_DISCLOSING: Final = (
    *_LOOKING,
    NotFound,
    privacy.ConsentMissing,
    privacy.DataDestroyed,
    privacy.ProcessingRestricted,
)


@router.post(
    "/customers/search",
    operation_id="searchPeople",
    summary="Find a customer by mobile or identity number",
    response_model=FoundPeopleView,
    responses=errors(*_LOOKING, caller="staff", is_command=True, has_idempotency_key=False),
)
async def search_people(request: Request, body: SearchPeople, principal: Reader) -> FoundPeopleView:
    """Return the one customer with the number, masked, or nobody; every search is recorded.

    The number travels in the body, because addresses end up in logs.
    """
    application = application_of(request)
    now = application.clock.now()
    number = _read_number(body, today=business_day(now))

    async def command(uow: UnitOfWork) -> tuple[FoundPeopleView, Refusal | None]:
        found = await number.find(uow, application.vault, number.value)
        customer_id = None if found is None else found.id
        await note_search_in(
            uow,
            application.vault,
            principal,
            kind=number.kind,
            value=number.counted,
            found=customer_id,
            now=now,
        )
        nobody = FoundPeopleView(data=[])
        try:
            await _authorise(uow, principal, _READ, customer_id, now=now)
        except Refusal as refusal:
            # Told after the commit: the search was made, whatever may be seen of it.
            return nobody, refusal
        if found is None:
            return nobody, None
        record = await customers.show_customer_record(uow, application.vault, found)
        return FoundPeopleView(data=[show_record(record)]), None

    view, refusal = await application.database.run(command, principal.caller)
    if refusal is not None:
        raise refusal
    return view


@router.get(
    "/customers/{customer}",
    operation_id="getPersonRecord",
    summary="See a customer's record, masked",
    response_model=PersonRecordView,
    responses=errors(*_LOOKING, NotFound, caller="staff"),
)
async def get_record(
    request: Request, customer: CustomerPath, principal: Reader
) -> PersonRecordView:
    """Return who a customer is and what that rests on, masked; the look is recorded."""
    customer_id = read_id(CUSTOMER, customer, field="customer")
    vault = application_of(request).vault

    async def show(uow: UnitOfWork) -> PersonRecordView:
        found = await customers.get_customer(uow, customer_id)
        return show_record(await customers.show_customer_record(uow, vault, found))

    return await _look(request, principal, _READ, customer_id, show)


@router.post(
    "/customers/{customer}/disclosures",
    operation_id="disclosePerson",
    summary="See a customer's name, numbers and address whole",
    response_model=ShownFieldsView,
    responses=errors(*_DISCLOSING, caller="staff", is_command=True, has_idempotency_key=False),
)
async def disclose_person(
    request: Request, customer: CustomerPath, body: AskWhole, principal: Viewer
) -> ShownFieldsView:
    """Return whole what my role may see for this purpose, the rest masked; it is recorded."""
    customer_id = read_id(CUSTOMER, customer, field="customer")
    disclose = partial(customers.disclose_customer, customer_id=customer_id)
    return await _disclose(request, principal, customer_id, body, disclose)


@router.post(
    "/customers/{customer}/pictures",
    operation_id="discloseCustomerPicture",
    summary="See a picture from a customer's application",
    response_model=PictureView,
    responses=errors(
        *_DISCLOSING,
        privacy.NotShownWhole,
        caller="staff",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def disclose_customer_picture(
    request: Request, customer: CustomerPath, body: AskPicture, principal: Viewer
) -> PictureView:
    """Return a picture of the evidence, to roles that need it for this purpose; it is recorded."""
    return await _show_picture(
        request, principal, read_id(CUSTOMER, customer, field="customer"), body
    )


@router.post(
    "/applications/{application}/disclosures",
    operation_id="discloseApplicant",
    summary="See an applicant's name, numbers and address whole",
    response_model=ShownFieldsView,
    responses=errors(*_DISCLOSING, caller="staff", is_command=True, has_idempotency_key=False),
)
async def disclose_applicant(
    request: Request, application: ApplicationPath, body: AskWhole, principal: Viewer
) -> ShownFieldsView:
    """Return whole what my role may see for this purpose, the rest masked; it is recorded."""
    application_id = read_id(APPLICATION, application, field="application")
    disclose = partial(customers.disclose_applicant, application_id=application_id)
    return await _disclose(request, principal, application_id, body, disclose)


@router.post(
    "/applications/{application}/pictures",
    operation_id="discloseApplicantPicture",
    summary="See a picture of an application",
    response_model=PictureView,
    responses=errors(
        *_DISCLOSING,
        privacy.NotShownWhole,
        caller="staff",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def disclose_applicant_picture(
    request: Request, application: ApplicationPath, body: AskPicture, principal: Viewer
) -> PictureView:
    """Return a picture of the evidence, to roles that need it for this purpose; it is recorded."""
    application_id = read_id(APPLICATION, application, field="application")
    return await _show_picture(request, principal, application_id, body)


async def _disclose(
    request: Request,
    principal: Principal,
    subject_id: uuid.UUID,
    body: AskWhole,
    disclose: Callable[..., Awaitable[privacy.Shown]],
) -> ShownFieldsView:
    application = application_of(request)

    async def show(uow: UnitOfWork) -> ShownFieldsView:
        shown = await disclose(
            uow,
            application.vault,
            viewer=_viewer(principal),
            purpose=body.purpose,
            reason=body.reason,
            now=application.clock.now(),
        )
        return show_fields(shown)

    return await _look(request, principal, _DISCLOSE, subject_id, show)


async def _show_picture(
    request: Request, principal: Principal, subject_id: uuid.UUID, body: AskPicture
) -> PictureView:
    application = application_of(request)

    async def show(uow: UnitOfWork) -> PictureView:
        content = await customers.disclose_picture(
            uow,
            application.vault,
            application_id=subject_id,
            kind=customers.PictureKind(body.kind),
            viewer=_viewer(principal),
            purpose=body.purpose,
            reason=body.reason,
            now=application.clock.now(),
        )
        return show_picture(body.kind, content)

    return await _look(request, principal, _DISCLOSE, subject_id, show)


async def _look(
    request: Request,
    principal: Principal,
    permission: str,
    subject_id: uuid.UUID,
    show: Callable[[UnitOfWork], Awaitable[Result]],
) -> Result:
    """Return what `show` does if this member may look at this person, and record the look."""
    application = application_of(request)
    now = application.clock.now()

    async def command(uow: UnitOfWork) -> Result:
        await _authorise(uow, principal, permission, subject_id, now=now)
        shown = await show(uow)
        await note_seen_in(uow, principal, [subject_id], now=now)
        return shown

    return await application.database.run(command, principal.caller)


async def _authorise(
    uow: UnitOfWork,
    principal: Principal,
    permission: str,
    subject_id: uuid.UUID | None,
    *,
    now: datetime,
) -> None:
    """Refuse who is out by now, and what the bounds of their roles keep from them.

    Nobody of ours belongs to a branch or is assigned to a member, so a role that is bound to its
    own sees nobody.
    """
    assert principal.staff is not None
    held = await identity.hold_staff_session(uow, principal.staff, now=now)
    concerns = [] if subject_id is None else [subject_id]
    identity.authorise(held.staff, permission, identity.Attributes(concerns=concerns))


def _viewer(principal: Principal) -> privacy.Viewer:
    assert principal.staff is not None
    return privacy.Viewer(actor=principal.scope, roles=principal.staff.staff.roles)


def _read_number(body: SearchPeople, *, today: date) -> _Number:
    if body.mobile is not None:
        return _Number(
            kind="mobile",
            value=body.mobile,
            counted=body.mobile,
            find=customers.find_customer_by_mobile,
        )
    assert body.id_number is not None
    checked = customers.check_resident_id(body.id_number, today=today, field="id_number")
    for refusal in customers.to_invalid_fields(checked.findings):
        raise refusal
    assert checked.facts is not None
    number = checked.facts.number
    return _Number(
        kind="id_number",
        value=number,
        counted=number[:_COUNTED_DIGITS],
        find=customers.find_customer_by_id_number,
    )
