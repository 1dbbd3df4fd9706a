"""Members of staff: listing, proposing, roles, suspending, restoring, enrolling anew."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import Page
from huitong.api.schemas.staff import (
    ChangeMember,
    ChangeRoles,
    MemberView,
    ProposeMember,
    StaffPath,
    show_member,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import STAFF, read_id, uuid7

router: Final = APIRouter(prefix="/v1/staff/members", tags=["Staff"], route_class=CommandRoute)

Writer = Annotated[Principal, require("staff:write")]


@router.get(
    "",
    operation_id="listMembers",
    summary="List members of staff",
    response_model=Page[MemberView],
    responses=errors(caller="staff"),
)
async def list_members(
    request: Request,
    principal: Annotated[Principal, require("staff:read")],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return members of staff, proposed and suspended ones too, oldest first."""
    application = application_of(request)
    after_id = open_id_cursor(cursor, "staff")
    async with application.database.reading(principal.caller) as uow:
        found = await identity.list_staff(
            uow, vault=application.vault, after_id=after_id, limit=limit
        )
    page = list_after(found, limit, lambda member: member.staff.id)
    return show_page(page, show_member, "staff")


@router.post(
    "",
    operation_id="proposeMember",
    summary="Propose a member of staff",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(identity.StaffExists, caller="staff", is_command=True),
)
async def propose_member(
    request: Request, body: ProposeMember, key: IdempotencyKey, principal: Writer
) -> Response:
    """Propose somebody; another administrator approves, and is shown the token to enrol with."""
    staff_id, approval_id = uuid7(), uuid7()
    application = application_of(request)
    member = body.read()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        return await identity.propose_staff(
            uow,
            vault=application.vault,
            by=by,
            staff_id=staff_id,
            approval_id=approval_id,
            member=member,
            reason=body.reason,
            now=application.clock.now(),
        )

    return await ask_for_approval(request, principal, key, make)


@router.post(
    "/{staff}/roles",
    operation_id="changeRoles",
    summary="Ask for other roles of a member",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(identity.StaffNotFound, identity.OwnRecord, caller="staff", is_command=True),
)
async def change_roles(
    request: Request, staff: StaffPath, body: ChangeRoles, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for the roles that a member will have from then on; never of oneself."""
    return await _ask(
        request,
        principal,
        key,
        staff,
        act="identity.set_staff_roles",
        reason=body.reason,
        roles=body.roles,
    )


@router.post(
    "/{staff}/restore",
    operation_id="restoreMember",
    summary="Ask to restore a suspended member",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(identity.StaffNotFound, identity.OwnRecord, caller="staff", is_command=True),
)
async def restore_member(
    request: Request, staff: StaffPath, body: ChangeMember, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask to let a suspended member sign in again."""
    return await _ask(
        request, principal, key, staff, act="identity.restore_staff", reason=body.reason
    )


@router.post(
    "/{staff}/reset",
    operation_id="resetMember",
    summary="Ask to enrol a member anew",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(identity.StaffNotFound, identity.OwnRecord, caller="staff", is_command=True),
)
async def reset_member(
    request: Request, staff: StaffPath, body: ChangeMember, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a new enrolment of a member who lost a factor."""
    return await _ask(
        request, principal, key, staff, act="identity.reset_staff", reason=body.reason
    )


@router.post(
    "/{staff}/suspend",
    operation_id="suspendMember",
    summary="Suspend a member at once",
    response_model=MemberView,
    responses=errors(
        identity.StaffNotFound,
        identity.OwnRecord,
        identity.StaffStateRefused,
        identity.StaffSessionEnded,
        caller="staff",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def suspend_member(
    request: Request, staff: StaffPath, body: ChangeMember, principal: Writer
) -> MemberView:
    """End every session of a member now. One administrator is enough; restoring takes two."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    staff_id, now = read_id(STAFF, staff, field="staff"), application.clock.now()

    async def command(uow: UnitOfWork) -> MemberView:
        held = await identity.hold_staff_session(uow, session, now=now)
        suspended = await identity.suspend_staff(
            uow, by=held.staff, staff_id=staff_id, reason=body.reason, now=now
        )
        return show_member(
            await identity.open_member(uow, vault=application.vault, staff=suspended)
        )

    return await application.database.run(command, principal.caller)


async def _ask(
    request: Request,
    principal: Principal,
    key: str,
    staff: str,
    *,
    act: str,
    reason: str,
    roles: Sequence[str] | None = None,
) -> Response:
    staff_id, approval_id = read_id(STAFF, staff, field="staff"), uuid7()
    now = application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        return await identity.request_staff_change(
            uow,
            by=by,
            staff_id=staff_id,
            approval_id=approval_id,
            act=act,
            roles=roles,
            reason=reason,
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
