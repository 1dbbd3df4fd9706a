"""Partners' API keys: listed by administrators, issued and revoked by two of them."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, identity
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.api_keys import IssueKey, KeyPath, KeyView, RevokeKey, show_key
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import Page
from huitong.api.scopes import SCOPES
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import MERCHANT, read_id, uuid7

router: Final = APIRouter(prefix="/v1/api-keys", tags=["API keys"], route_class=CommandRoute)

Writer = Annotated[Principal, require("keys:write")]


@router.get(
    "",
    operation_id="listApiKeys",
    summary="List API keys",
    response_model=Page[KeyView],
    responses=errors(caller="staff"),
)
async def list_api_keys(
    request: Request,
    principal: Annotated[Principal, require("keys:read")],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return keys, oldest first, revoked ones too, without their secrets."""
    after_id = open_id_cursor(cursor, "api-keys")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await identity.list_api_keys(uow, after_id=after_id, limit=limit)
    return show_page(list_after(found, limit, lambda key: key.id), show_key, "api-keys")


@router.post(
    "",
    operation_id="issueApiKey",
    summary="Ask for a new API key",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(NotFound, caller="staff", is_command=True),
)
async def issue_api_key(
    request: Request, body: IssueKey, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a key; the administrator who approves is shown its secret, once."""
    unknown = sorted(set(body.scopes) - SCOPES.keys())
    if unknown:
        raise InvalidField(f"must be among {', '.join(sorted(SCOPES))}", field="scopes")
    merchant = body.merchant
    merchant_id = None if merchant is None else read_id(MERCHANT, merchant, field="merchant")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        if merchant_id is not None:
            await customers.get_merchant(uow, merchant_id)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="identity.issue_api_key",
            payload={"name": body.name, "scopes": sorted(set(body.scopes)), "merchant": merchant},
            reason=body.reason,
            concerns=[],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@router.post(
    "/{key}/revoke",
    operation_id="revokeApiKey",
    summary="Ask to revoke an API key",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(caller="staff", is_command=True),
)
async def revoke_api_key(
    request: Request,
    key: KeyPath,
    body: RevokeKey,
    idempotency_key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Ask to revoke a key; `huitong keys revoke` does it at once, on the machine."""
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="identity.revoke_api_key",
            payload={"key": key},
            reason=body.reason,
            concerns=[],
            now=now,
        )

    return await ask_for_approval(request, principal, idempotency_key, make)
