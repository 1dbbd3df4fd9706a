"""Requests of staff: reading, approving, rejecting, withdrawing."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request

from huitong import identity
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import (
    ApprovalPath,
    ApprovalView,
    Approve,
    DecidedView,
    Decline,
    InvitationView,
    show_approval,
)
from huitong.api.schemas.common import Page
from huitong.kernel import limits
from huitong.kernel.ids import APPROVAL, read_id
from huitong.wiring.approved_acts import make_approved_acts

router: Final = APIRouter(
    prefix="/v1/staff/approvals", tags=["Approvals"], route_class=CommandRoute
)

Member = Annotated[Principal, require("staff:own")]
Checker = Annotated[Principal, require("approvals:decide")]
_DECIDING: Final = (
    identity.ApprovalNotFound,
    identity.ApprovalDecided,
    identity.ApprovalExpired,
    identity.OwnRequest,
    identity.OwnRecord,
    identity.AmountAboveLimit,
    identity.StaffSessionEnded,
)


@router.get(
    "",
    operation_id="listApprovals",
    summary="List requests of mine and for me",
    response_model=Page[ApprovalView],
    responses=errors(caller="staff"),
)
async def list_approvals(
    request: Request,
    principal: Member,
    pending: Annotated[bool, Query(description="Only those that nobody has decided.")] = False,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return my own requests and those that my roles decide on, newest first; auditors see all."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    before_id = open_id_cursor(cursor, "approvals", pending)
    async with application.database.reading(principal.caller) as uow:
        found = await identity.list_approvals(
            uow, staff=session.staff, only_pending=pending, before_id=before_id, limit=limit
        )
    now = application.clock.now()
    page = list_after(found, limit, lambda approval: approval.id)
    return show_page(page, lambda each: show_approval(each, now), "approvals", pending)


@router.get(
    "/{approval}",
    operation_id="getApproval",
    summary="Get a request",
    response_model=ApprovalView,
    responses=errors(identity.ApprovalNotFound, caller="staff"),
)
async def get_approval(request: Request, approval: ApprovalPath, principal: Member) -> ApprovalView:
    """Return a request with what will be done, exactly, and its digest."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    approval_id = read_id(APPROVAL, approval, field="approval")
    async with application.database.reading(principal.caller) as uow:
        found = await identity.get_approval(uow, staff=session.staff, approval_id=approval_id)
    return show_approval(found, application.clock.now())


@router.get(
    "/{approval}/invitation",
    operation_id="getInvitation",
    summary="Get the invitation of somebody whom I proposed",
    response_model=InvitationView,
    responses=errors(identity.ApprovalNotFound, caller="staff"),
)
async def get_invitation(
    request: Request,
    approval: ApprovalPath,
    principal: Annotated[Principal, require("staff:write")],
) -> InvitationView:
    """Return the maker's half of an enrolment, once it was approved."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    approval_id = read_id(APPROVAL, approval, field="approval")
    async with application.database.reading(principal.caller) as uow:
        invitation = await identity.get_invitation(
            uow, vault=application.vault, by=session.staff, approval_id=approval_id
        )
    return InvitationView(invitation=invitation)


@router.post(
    "/{approval}/approve",
    operation_id="approveRequest",
    summary="Approve a request, which does it",
    response_model=DecidedView,
    responses=errors(
        *_DECIDING,
        identity.ApprovalAltered,
        identity.MakerNotPermitted,
        caller="staff",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def approve(
    request: Request, approval: ApprovalPath, body: Approve, principal: Checker
) -> DecidedView:
    """Approve somebody else's request. It is done in the same moment, and once.

    What the act itself refuses is answered here, and the request stays open.
    """
    session = principal.staff
    assert session is not None
    application = application_of(request)
    approval_id, now = read_id(APPROVAL, approval, field="approval"), application.clock.now()
    decided = await application.database.run(
        lambda uow: identity.approve(
            uow,
            session=session,
            approval_id=approval_id,
            digest=body.digest,
            reason=body.reason,
            handlers=make_approved_acts(application.vault, application.rulebook),
            now=now,
        ),
        principal.caller,
    )
    return DecidedView(approval=show_approval(decided.approval, now), secret=decided.secret)


@router.post(
    "/{approval}/reject",
    operation_id="rejectRequest",
    summary="Reject a request",
    response_model=ApprovalView,
    responses=errors(*_DECIDING, caller="staff", is_command=True, has_idempotency_key=False),
)
async def reject(
    request: Request, approval: ApprovalPath, body: Decline, principal: Checker
) -> ApprovalView:
    """Reject somebody else's request; nothing is done."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    approval_id, now = read_id(APPROVAL, approval, field="approval"), application.clock.now()
    rejected = await application.database.run(
        lambda uow: identity.reject(
            uow, session=session, approval_id=approval_id, reason=body.reason, now=now
        ),
        principal.caller,
    )
    return show_approval(rejected, now)


@router.post(
    "/{approval}/withdraw",
    operation_id="withdrawRequest",
    summary="Take back my own request",
    response_model=ApprovalView,
    responses=errors(
        identity.ApprovalNotFound,
        identity.ApprovalDecided,
        identity.StaffSessionEnded,
        caller="staff",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def withdraw(
    request: Request, approval: ApprovalPath, body: Decline, principal: Member
) -> ApprovalView:
    """Take back what I asked for, before anybody decides."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    approval_id, now = read_id(APPROVAL, approval, field="approval"), application.clock.now()
    withdrawn = await application.database.run(
        lambda uow: identity.withdraw(
            uow, session=session, approval_id=approval_id, reason=body.reason, now=now
        ),
        principal.caller,
    )
    return show_approval(withdrawn, now)
