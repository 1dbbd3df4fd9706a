"""Work that was given up: failed jobs and parked events, and trying them again."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import (
    Cursor,
    Limit,
    ListedPage,
    list_after,
    open_cursor,
    open_id_cursor,
    show_page,
)
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import NoBody, Page
from huitong.api.schemas.oversight import (
    EventPath,
    FailedJobView,
    JobPath,
    ParkedEventView,
    RetriedView,
    show_failed_job,
    show_parked_event,
)
from huitong.kernel import jobs, limits, outbox
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import EVENT, read_id

router: Final = APIRouter(prefix="/v1/operations", tags=["Operations"], route_class=CommandRoute)

Reader = Annotated[Principal, require("work:read")]
Handler = Annotated[Principal, require("work:retry")]


@router.get(
    "/failed-jobs",
    operation_id="listFailedJobs",
    summary="List jobs that failed",
    response_model=Page[FailedJobView],
    responses=errors(caller="staff"),
)
async def list_failed_jobs(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return jobs that were given up, oldest first."""
    inner = open_cursor(cursor, "failed-jobs")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await jobs.list_failed(
            uow, after_id=0 if inner is None else int(inner), limit=limit
        )
    is_full = len(found) == limit
    page = ListedPage(found, str(found[-1].id) if is_full else None)
    return show_page(page, show_failed_job, "failed-jobs")


@router.post(
    "/failed-jobs/{job}/retry",
    operation_id="retryFailedJob",
    summary="Try a failed job again",
    response_model=RetriedView,
    responses=errors(jobs.FailedJobNotFound, caller="staff", is_command=True),
)
async def retry_failed_job(
    request: Request,
    job: JobPath,
    body: NoBody,  # noqa: ARG001 - that there is one is checked
    key: IdempotencyKey,
    principal: Handler,
) -> Response:
    """Give a job all its attempts again, from now."""
    number, now = int(job.partition("_")[2]), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> RetriedView:
        await jobs.repeat_failed(uow, number, now=now)
        return RetriedView(id=job, retried_at=now)

    return await run_once(request, principal, key, command, status=200)


@router.get(
    "/parked-events",
    operation_id="listParkedEvents",
    summary="List events that were parked",
    response_model=Page[ParkedEventView],
    responses=errors(caller="staff"),
)
async def list_parked_events(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return events that no handler could take, oldest first."""
    after_id = open_id_cursor(cursor, "parked-events")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await outbox.list_parked(uow, after_id=after_id, limit=limit)
    page = list_after(found, limit, lambda each: each.id)
    return show_page(page, show_parked_event, "parked-events")


@router.post(
    "/parked-events/{event}/retry",
    operation_id="retryParkedEvent",
    summary="Tell a parked event again",
    response_model=RetriedView,
    responses=errors(NotFound, caller="staff", is_command=True),
)
async def retry_parked_event(
    request: Request,
    event: EventPath,
    body: NoBody,  # noqa: ARG001 - that there is one is checked
    key: IdempotencyKey,
    principal: Handler,
) -> Response:
    """Give an event all its attempts again, from now."""
    event_id, now = read_id(EVENT, event, field="event"), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> RetriedView:
        if not await outbox.release_parked(uow, [event_id], now=now):
            raise NotFound(f"there is no parked event {event}", context={"id": event})
        return RetriedView(id=event, retried_at=now)

    return await run_once(request, principal, key, command, status=200)
