"""Clearing between banks: windows, positions and queues to read; for staff."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request

from huitong import payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.pages import Cursor, Limit, ListedPage, open_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.clearing import (
    ParticipantsView,
    PositionsView,
    QueueView,
    WindowPath,
    WindowView,
    show_bilateral,
    show_participant,
    show_position,
    show_queued,
    show_window,
)
from huitong.api.schemas.common import Page
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CLEARING_WINDOW, read_id

router: Final = APIRouter(prefix="/v1/clearing", tags=["Clearing"], route_class=CommandRoute)

clearing: Final = payments.clearing
Reader = Annotated[Principal, require("clearing:read")]


@router.get(
    "/participants",
    operation_id="listClearingParticipants",
    summary="List the banks that take part",
    response_model=ParticipantsView,
    responses=errors(caller="staff"),
)
async def list_participants(request: Request, principal: Reader) -> ParticipantsView:
    """Return every bank with its net debit cap and what it keeps for urgent payments."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await clearing.list_participants(uow)
    return ParticipantsView(data=[show_participant(each) for each in found])


@router.get(
    "/windows",
    operation_id="listClearingWindows",
    summary="List netting windows",
    response_model=Page[WindowView],
    responses=errors(InvalidField, caller="staff"),
)
async def list_windows(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return windows, newest first."""
    inner = open_cursor(cursor, "clearing-windows")
    before = None if inner is None else int(inner)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await clearing.list_windows(uow, before=before, limit=limit)
    following = str(found[-1].number) if len(found) == limit else None
    return show_page(ListedPage(found, following), show_window, "clearing-windows")


@router.get(
    "/windows/{window}/positions",
    operation_id="getClearingPositions",
    summary="Get the positions of a window",
    response_model=PositionsView,
    responses=errors(clearing.WindowNotFound, caller="staff"),
)
async def get_positions(request: Request, window: WindowPath, principal: Reader) -> PositionsView:
    """Return what each bank sent, received and owes in a window, and to whom."""
    window_id = read_id(CLEARING_WINDOW, window, field="window")
    async with application_of(request).database.reading(principal.caller) as uow:
        return PositionsView(
            window=show_window(await clearing.get_window(uow, window_id)),
            positions=[show_position(p) for p in await clearing.list_positions(uow, window_id)],
            bilateral=[show_bilateral(p) for p in await clearing.list_bilateral(uow, window_id)],
        )


@router.get(
    "/queue",
    operation_id="getClearingQueue",
    summary="Get the payments between banks that wait",
    response_model=QueueView,
    responses=errors(caller="staff"),
)
async def get_queue(request: Request, principal: Reader) -> QueueView:
    """Return the first payments that wait for a cap or for liquidity, in order of hand-in."""
    most = limits.PAGE_SIZE_MAX
    async with application_of(request).database.reading(principal.caller) as uow:
        net = await clearing.list_queued(uow, is_gross=False, limit=most)
        gross = await clearing.list_queued(uow, is_gross=True, limit=most)
    return QueueView(net=[show_queued(p) for p in net], gross=[show_queued(p) for p in gross])
