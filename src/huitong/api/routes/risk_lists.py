"""Lists of risk: who is allowed for a time, blocked or watched; changed by two members of staff."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, risk
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import Page
from huitong.api.schemas.risk import (
    ChangeList,
    ListEntryView,
    ListQuery,
    read_entity,
    show_entry,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.wiring.risk_owners import find_owners

router: Final = APIRouter(prefix="/v1/risk/lists", tags=["Lists"], route_class=CommandRoute)


@router.get(
    "",
    operation_id="listEntries",
    summary="List who is on a list",
    response_model=Page[ListEntryView],
    responses=errors(caller="staff"),
)
async def list_entries(
    request: Request,
    principal: Annotated[Principal, require("lists:read")],
    listed: ListQuery,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return what is on a list now, newest first."""
    application = application_of(request)
    before_id = open_id_cursor(cursor, "list-entries", listed)
    async with application.database.reading(principal.caller) as uow:
        found = await risk.list_entries(
            uow,
            risk.ListKind(listed),
            now=application.clock.now(),
            before_id=before_id,
            limit=limit,
        )
    page = list_after(found, limit, lambda entry: entry.id)
    return show_page(page, show_entry, "list-entries", listed)


@router.post(
    "/changes",
    operation_id="changeList",
    summary="Ask for a change of a list",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(InvalidField, identity.OwnRecord, caller="staff", is_command=True),
)
async def change_list(
    request: Request,
    body: ChangeList,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("lists:write")],
) -> Response:
    """Ask for entities to come onto a list or be taken off; somebody else decides."""
    application = application_of(request)
    approval_id, now = uuid7(), application.clock.now()
    change = risk.ListChange(
        list=risk.ListKind(body.listed),
        add=[
            (read_entity(each, application.vault, f"add[{at}]"), each.expires_at)
            for at, each in enumerate(body.add)
        ],
        remove=[
            read_entity(each, application.vault, f"remove[{at}]")
            for at, each in enumerate(body.remove)
        ],
    )
    payload = risk.show_list_change(change)
    # What could not be done is not asked for either.
    risk.check_list_change(risk.read_list_change(payload), now=now)

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="risk.change_list",
            payload=payload,
            reason=body.reason,
            concerns=await find_owners(uow, change.entities),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
