"""What a member of staff asks for over HTTP, and is answered with a request for somebody else."""

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from huitong import identity
from huitong.api.authentication import Principal, application_of
from huitong.api.idempotency import run_once
from huitong.api.schemas.approvals import ApprovalView, show_approval
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7

Make = Callable[[UnitOfWork, identity.Staff], Awaitable[identity.Approval]]


async def ask_for_approval(
    request: Request, principal: Principal, key: str, make: Make
) -> Response:
    """Make a request with `make`, once, and answer with 202 and the request.

    `make` gets the member of staff as they are in this transaction: with the roles of now, and
    not suspended.
    """
    session = principal.staff
    assert session is not None
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> ApprovalView:
        held = await identity.hold_staff_session(uow, session, now=now)
        return show_approval(await make(uow, held.staff), now)

    return await run_once(request, principal, key, command, status=202)


async def ask_for_act(
    request: Request,
    principal: Principal,
    key: str,
    *,
    act: str,
    payload: Mapping[str, Any],
    reason: str,
    check: Callable[[UnitOfWork], Awaitable[Collection[uuid.UUID] | None]],
) -> Response:
    """Ask, once, for an act that `check` lets pass; somebody else decides.

    `check` raises why it cannot be, and returns the people whom it concerns (None: nobody): they
    neither ask nor decide.
    """
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        concerned = await check(uow)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act=act,
            payload=dict(payload),
            reason=reason,
            concerns=concerned or (),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
