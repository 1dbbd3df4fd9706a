"""Is it alive, and may it get requests? For supervisors, load balancers and people."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from huitong.api.authentication import PUBLIC, application_of
from huitong.kernel.database.migrations import list_pending
from huitong.kernel.errors import Fault
from huitong.wiring.application import Application

_CHECK_SECONDS_MAX: Final = 2.0
_OK: Final = "ok"

router: Final = APIRouter(tags=["Operations"], dependencies=[PUBLIC])


@dataclass(slots=True)
class _Schema:
    """Whether the schema was seen to be up to date: it cannot become older while we run."""

    is_current: bool = field(default=False)


@router.get(
    "/healthz",
    operation_id="getLiveness",
    summary="Is the process alive?",
    responses={200: {"content": {"application/json": {"example": {"status": "ok"}}}}},
)
async def get_liveness() -> dict[str, str]:
    """Answer at once without asking anybody: a process that cannot should be restarted."""
    return {"status": _OK}


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="May the process get requests?",
    response_model=None,
    responses={
        200: {
            "description": "Everything that a request needs is there.",
            "content": {
                "application/json": {
                    "example": {
                        "status": "ready",
                        "checks": {
                            "database": "ok",
                            "migrations": "ok",
                            "chart": "ok",
                            "poster": "ok",
                        },
                    }
                }
            },
        },
        503: {
            "description": "Something is missing; `checks` says what.",
            "content": {
                "application/json": {
                    "example": {
                        "status": "not_ready",
                        "checks": {
                            "database": "unavailable",
                            "migrations": "unknown",
                            "chart": "missing",
                            "poster": "ok",
                        },
                    }
                }
            },
        },
    },
)
async def get_readiness(request: Request) -> Response:
    """Ask the database, its schema and the poster; a process that is not ready may become so."""
    application = application_of(request)
    schema: _Schema = _schema_of(request)
    checks = {
        "database": await _check_database(application),
        "migrations": await _check_migrations(application, schema),
        "chart": await _check_chart(application),
        "poster": _OK if application.is_running else "stopped",
    }
    is_ready = all(check == _OK for check in checks.values())
    body: dict[str, Any] = {"status": "ready" if is_ready else "not_ready", "checks": checks}
    return JSONResponse(body, status_code=200 if is_ready else 503)


def _schema_of(request: Request) -> _Schema:
    state = request.app.state
    if not hasattr(state, "schema"):
        state.schema = _Schema()
    schema: _Schema = state.schema
    return schema


async def _check_database(application: Application) -> str:
    try:
        async with asyncio.timeout(_CHECK_SECONDS_MAX), application.database.unit_of_work() as uow:
            await uow.fetch_value("SELECT 1")
    except (Fault, SQLAlchemyError, TimeoutError):
        return "unavailable"
    return _OK


async def _check_chart(application: Application) -> str:
    try:
        async with asyncio.timeout(_CHECK_SECONDS_MAX):
            return _OK if await application.prepare() else "missing"
    except (SQLAlchemyError, TimeoutError):
        return "missing"


async def _check_migrations(application: Application, schema: _Schema) -> str:
    if schema.is_current:
        return _OK
    try:
        async with asyncio.timeout(_CHECK_SECONDS_MAX):
            pending = await asyncio.to_thread(list_pending, application.settings.database_owner_url)
    except (Fault, SQLAlchemyError, TimeoutError):
        return "unknown"
    schema.is_current = not any(pending.values())
    return _OK if schema.is_current else "pending"
