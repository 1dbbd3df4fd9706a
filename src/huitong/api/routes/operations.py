"""The platform's own state: incidents, and what is done against callers; for staff."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import operations
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import NoBody, Page
from huitong.api.schemas.operations import (
    CountermeasurePath,
    CountermeasureView,
    IncidentPath,
    IncidentView,
    LiftCountermeasure,
    ResolveIncident,
    StateQuery,
    StatusView,
    WholeIncidentView,
    read_incident_id,
    show_countermeasure,
    show_incident,
    show_status,
    show_whole_incident,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import COUNTERMEASURE, read_id
from huitong.wiring.watching import look

router: Final = APIRouter(prefix="/v1/operations", tags=["Operations"], route_class=CommandRoute)

Reader = Annotated[Principal, require("incidents:read")]
Handler = Annotated[Principal, require("incidents:write")]


@router.get(
    "/status",
    operation_id="getStatus",
    summary="Get the state of the platform",
    response_model=StatusView,
    responses=errors(caller="staff"),
)
async def get_status(request: Request, principal: Reader) -> StatusView:
    """Return what is counted and measured now, and whether somebody must come."""
    application = application_of(request)
    async with application.database.reading(principal.caller) as uow:
        return show_status(await look(uow, application.clock.now()))


@router.get(
    "/incidents",
    operation_id="listIncidents",
    summary="List incidents",
    response_model=Page[IncidentView],
    responses=errors(caller="staff"),
)
async def list_incidents(
    request: Request,
    principal: Reader,
    state: StateQuery = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return incidents, newest first."""
    before_id = open_id_cursor(cursor, "incidents", state)
    states = operations.IncidentState if state is None else [operations.IncidentState(state)]
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await operations.list_incidents(
            uow, states=tuple(states), before_id=before_id, limit=limit
        )
    page = list_after(found, limit, lambda each: each.id)
    return show_page(page, show_incident, "incidents", state)


@router.get(
    "/incidents/{incident}",
    operation_id="getIncident",
    summary="Get an incident",
    response_model=WholeIncidentView,
    responses=errors(operations.IncidentNotFound, caller="staff"),
)
async def get_incident(
    request: Request, incident: IncidentPath, principal: Reader
) -> WholeIncidentView:
    """Return what was seen, what was done, by whom, in which order."""
    incident_id = read_incident_id(incident)
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_whole_incident(await operations.get_incident(uow, incident_id))


@router.post(
    "/incidents/{incident}/acknowledge",
    operation_id="acknowledgeIncident",
    summary="Acknowledge an incident",
    response_model=WholeIncidentView,
    responses=errors(
        operations.IncidentNotFound,
        operations.IncidentStateConflict,
        caller="staff",
        is_command=True,
    ),
)
async def acknowledge_incident(
    request: Request,
    incident: IncidentPath,
    body: NoBody,  # noqa: ARG001 - that there is one is checked
    key: IdempotencyKey,
    principal: Handler,
) -> Response:
    """Say that the caller looks after it."""
    incident_id, now = read_incident_id(incident), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> WholeIncidentView:
        return show_whole_incident(await operations.acknowledge_incident(uow, incident_id, now=now))

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/incidents/{incident}/resolve",
    operation_id="resolveIncident",
    summary="Resolve an incident",
    response_model=WholeIncidentView,
    responses=errors(
        operations.IncidentNotFound,
        operations.IncidentStateConflict,
        caller="staff",
        is_command=True,
    ),
)
async def resolve_incident(
    request: Request,
    incident: IncidentPath,
    body: ResolveIncident,
    key: IdempotencyKey,
    principal: Handler,
) -> Response:
    """Say how it ended. If the same is seen afterwards, that is another incident."""
    incident_id, now = read_incident_id(incident), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> WholeIncidentView:
        return show_whole_incident(
            await operations.resolve_incident(uow, incident_id, resolution=body.resolution, now=now)
        )

    return await run_once(request, principal, key, command, status=200)


@router.get(
    "/countermeasures",
    operation_id="listCountermeasures",
    summary="List counter-measures",
    response_model=Page[CountermeasureView],
    responses=errors(caller="staff"),
)
async def list_countermeasures(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return what is in force against callers now, newest first."""
    application = application_of(request)
    before_id = open_id_cursor(cursor, "countermeasures")
    async with application.database.reading(principal.caller) as uow:
        found = await operations.list_countermeasures(
            uow, now=application.clock.now(), before_id=before_id, limit=limit
        )
    page = list_after(found, limit, lambda each: each.id)
    return show_page(page, show_countermeasure, "countermeasures")


@router.post(
    "/countermeasures/{countermeasure}/lift",
    operation_id="liftCountermeasure",
    summary="Lift a counter-measure",
    response_model=CountermeasureView,
    responses=errors(
        operations.CountermeasureNotFound,
        operations.CountermeasureOver,
        caller="staff",
        is_command=True,
    ),
)
async def lift_countermeasure(
    request: Request,
    countermeasure: CountermeasurePath,
    body: LiftCountermeasure,
    key: IdempotencyKey,
    principal: Handler,
) -> Response:
    """End it before its time; within a second every process lets the caller in again."""
    countermeasure_id = read_id(COUNTERMEASURE, countermeasure, field="countermeasure")
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> CountermeasureView:
        return show_countermeasure(
            await operations.lift_countermeasure(
                uow, countermeasure_id, reason=body.reason, now=now
            )
        )

    return await run_once(request, principal, key, command, status=200)
