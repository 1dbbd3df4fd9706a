"""Commands over HTTP: done once for each Idempotency-Key, committed before the answer is built."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Header
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from huitong.api import gate
from huitong.api.authentication import Principal, application_of
from huitong.api.problems import media_type_of, store_refusal
from huitong.api.security_log import note_refusal
from huitong.kernel import idempotency, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.idempotency import ReplyKey, StoredReply

Made = TypeVar("Made")
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=limits.IDEMPOTENCY_KEY_LENGTH_MAX,
        pattern="^[!-~]+$",
        description="A name of your own for this request, 1 to 64 visible ASCII characters. "
        "Send the same name again and you get the same answer again, for 24 hours; what was done "
        "is not done twice.",
        examples=["7c1f8d7e-payroll-0001"],
    ),
]


async def run_once(
    request: Request,
    principal: Principal,
    key: str,
    command: Callable[[UnitOfWork], Awaitable[BaseModel]],
    *,
    status: int = 201,
) -> Response:
    """Run `command` in one transaction and answer with its view, or with the reply it had before.

    The transaction is committed when the answer is built, so nobody is told of what did not last.
    Refusals of the domain are kept and given again too.
    """
    check_single_key(request)
    application = application_of(request)
    reply_key = ReplyKey(
        scope=principal.scope,
        key=idempotency.check_key(key),
        fingerprint=idempotency.fingerprint(request.method, _target(request), await request.body()),
    )

    async def answer(uow: UnitOfWork) -> StoredReply:
        view = await command(uow)
        return StoredReply(status, view.model_dump_json().encode())

    def refuse(refusal: Refusal) -> StoredReply:
        note_refusal(refusal, request.scope)
        gate.note_refusal(refusal, request.scope)
        return store_refusal(refusal, request_id=principal.request_id)

    reply = await idempotency.once(
        application.database,
        reply_key,
        answer,
        now=application.clock.now(),
        render_refusal=refuse,
        caller=principal.caller,
    )
    return Response(reply.body, status_code=reply.status, media_type=media_type_of(reply.status))


async def show_once(
    request: Request,
    principal: Principal,
    key: str,
    command: Callable[[UnitOfWork], Awaitable[Made]],
    show: Callable[[Made], BaseModel],
    *,
    status: int = 201,
) -> Response:
    """Run `command` once, as `run_once` does, and answer with what `show` makes of its result."""

    async def shown(uow: UnitOfWork) -> BaseModel:
        return show(await command(uow))

    return await run_once(request, principal, key, shown, status=status)


def check_single_key(request: Request) -> None:
    """Refuse two Idempotency-Keys in one request; raises InvalidField."""
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise InvalidField("must come once", field="Idempotency-Key")


def _target(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
