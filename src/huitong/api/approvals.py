"""What a member of staff asks for over HTTP, and is answered with a request for somebody else."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from huitong import identity
from huitong.api.authentication import Principal, application_of
from huitong.api.idempotency import run_once
from huitong.api.schemas.approvals import ApprovalView, show_approval
from huitong.kernel.database.unit_of_work import UnitOfWork

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
