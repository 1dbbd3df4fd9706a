"""The application of one API process: the routes, what surrounds them, its start and its end."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from huitong import payments
from huitong.api import apps, health, home, metrics, portfolio_page, reference, routes
from huitong.api.documentation import use_own_document
from huitong.api.gate import Gate, admit_stranger
from huitong.api.hot_path import HotPath
from huitong.api.own_payments import OwnPayments
from huitong.api.problems import (
    BadRequest,
    MethodNotAllowed,
    Problem,
    RouteNotFound,
    make_problem,
    store_refusal,
)
from huitong.api.request_context import RequestContext, record_error, request_id_of
from huitong.api.schemas.payments import render_instant
from huitong.api.validation import validation_problem
from huitong.kernel.clock import Clock
from huitong.kernel.errors import Fault, InvalidField, Refusal
from huitong.kernel.settings import Settings
from huitong.wiring.application import Application

#: Every route of the framework; `permissions` reads what each of them declares.
ROUTERS: Final[tuple[APIRouter, ...]] = (
    home.router,
    portfolio_page.router,
    reference.router,
    apps.router,
    health.router,
    metrics.router,
    *routes.ROUTERS,
)
_NOT_FOUND: Final = 404
_METHOD_NOT_ALLOWED: Final = 405


def create_app(settings: Settings, *, clock: Clock | None = None) -> ASGIApp:
    """Return the ASGI application of one process; its lifespan starts and stops everything.

    Raises DatabaseNotConfigured. `clock` is for tests and demonstrations.
    """
    application = Application.assemble(settings, clock=clock)
    gate = Gate(application)
    inner = RequestContext(create_api(application), gate)
    return _in_front(inner, application, gate)


def create_api(application: Application) -> FastAPI:
    """Return the framework's application, without the layers around it."""
    app = FastAPI(
        title="Huitong",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        lifespan=_make_lifespan(application),
    )
    app.state.application = application
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(Refusal, _answer_error)
    app.add_exception_handler(Fault, _answer_error)
    app.add_exception_handler(Exception, _answer_bug)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    use_own_document(app, *routes.MORE_DOCUMENTATION)
    return app


def make_document() -> dict[str, Any]:
    """Return the OpenAPI document without an application: it is about the routes only."""
    app = FastAPI(title="Huitong")
    for router in ROUTERS:
        app.include_router(router)
    use_own_document(app, *routes.MORE_DOCUMENTATION)
    return app.openapi()


def _in_front(inner: ASGIApp, application: Application, gate: Gate) -> ASGIApp:
    """Return `inner` with the hot path for instant payments in front of it."""
    writer = payments.InstantPayments(
        decider=application.decider,
        database=application.database,
        rulebook=application.rulebook,
        # There is one from the start on, and this is before it.
        vault=lambda: application.vault,
        render=render_instant,
        render_refusal=store_refusal,
    )
    return HotPath(
        inner,
        poster=application.poster,
        writer=writer,
        keys=application.keys,
        own=OwnPayments(application),
        gate=gate,
        now=application.clock.now,
    )


def _make_lifespan(application: Application) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def live(_app: FastAPI) -> AsyncIterator[None]:
        await application.start()
        try:
            yield
        finally:
            await application.stop()

    return live


async def _answer_error(request: Request, error: Exception) -> Response:
    record_error(error, request.scope)
    return make_problem(error).to_response(request_id_of(request.scope))


async def _answer_bug(request: Request, error: Exception) -> Response:
    # The framework raises it again after this answer, and `RequestContext` then records it.
    return make_problem(error).to_response(request_id_of(request.scope))


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refusal = _read_http_error(error)
    try:
        # Where there is no route nobody looks at who calls.
        admit_stranger(request.scope)
    except Refusal as turned_away:
        return await _answer_error(request, turned_away)
    record_error(refusal, request.scope)
    response = make_problem(refusal).to_response(request_id_of(request.scope))
    if error.headers and "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _read_http_error(error: HTTPException) -> Refusal:
    if error.status_code == _NOT_FOUND:
        return RouteNotFound("There is no such route. GET /openapi.json lists them all.")
    if error.status_code == _METHOD_NOT_ALLOWED:
        return MethodNotAllowed("The Allow header names a method that this address knows.")
    return BadRequest("The request could not be read.")


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problem: Problem = validation_problem(error)
    record_error(InvalidField(problem.detail, field=problem.field or "body"), request.scope)
    return problem.to_response(request_id_of(request.scope))
