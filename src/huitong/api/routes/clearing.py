"""Clearing between banks: windows, positions and queues to read; for staff."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from huitong import payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.pages import Cursor, Limit, ListedPage, open_cursor, seal_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.clearing import (
    OffsetsView,
    ParticipantsView,
    PositionsView,
    QueueView,
    StatementView,
    WindowPath,
    WindowView,
    show_bilateral,
    show_line,
    show_offset,
    show_participant,
    show_position,
    show_queued,
    show_window,
)
from huitong.api.schemas.common import Page
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import CLEARING_WINDOW, read_id

router: Final = APIRouter(prefix="/v1/clearing", tags=["Clearing"], route_class=CommandRoute)

clearing: Final = payments.clearing
ParticipantQuery = Annotated[
    str, Query(pattern="^[0-9]{12}$", description="The bank's CNAPS bank code.")
]
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


@router.get(
    "/offsets",
    operation_id="listClearingOffsets",
    summary="List when queued gross payments were set off",
    response_model=OffsetsView,
    responses=errors(caller="staff"),
)
async def list_offsets(request: Request, principal: Reader) -> OffsetsView:
    """Return the latest runs, newest first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        return OffsetsView(data=[show_offset(each) for each in await clearing.list_offsets(uow)])


@router.get(
    "/windows/{window}/statement",
    operation_id="getClearingStatement",
    summary="Get a participant's statement of a window",
    response_model=StatementView,
    responses=errors(
        clearing.WindowNotFound, clearing.ParticipantNotFound, InvalidField, caller="staff"
    ),
)
async def get_statement(
    request: Request,
    window: WindowPath,
    participant: ParticipantQuery,
    principal: Reader,
    *,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> StatementView:
    """Return a bank's position in a window, and its payments in order of hand-in."""
    window_id = read_id(CLEARING_WINDOW, window, field="window")
    of_list = ("clearing-statement", window, participant)
    inner = open_cursor(cursor, *of_list)
    async with application_of(request).database.reading(principal.caller) as uow:
        found, position = await clearing.get_position(uow, window_id=window_id, code=participant)
        lines = await clearing.list_statement_lines(
            uow, window_id=window_id, code=participant, after=int(inner or 0), count=limit
        )
    following = str(lines[-1].sequence) if len(lines) == limit else None
    return StatementView(
        window=show_window(found),
        position=show_position(position),
        data=[show_line(each) for each in lines],
        next_cursor=seal_cursor(following, *of_list),
    )


@router.get(
    "/windows/{window}/statement.csv",
    operation_id="downloadClearingStatement",
    summary="Get a participant's statement of a window as CSV",
    response_class=Response,
    responses={
        **errors(clearing.WindowNotFound, clearing.ParticipantNotFound, caller="staff"),
        200: {
            "description": "UTF-8, with titles.",
            "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}},
        },
    },
)
async def download_statement(
    request: Request, window: WindowPath, participant: ParticipantQuery, principal: Reader
) -> Response:
    """Return all payments that a bank sent or received in a window."""
    window_id = read_id(CLEARING_WINDOW, window, field="window")
    database = application_of(request).database
    async with database.reading(principal.caller) as uow:
        await clearing.get_position(uow, window_id=window_id, code=participant)
        first, position = await clearing.write_statement_after(
            uow, window_id=window_id, code=participant, after=0
        )

    async def write() -> AsyncIterator[str]:
        yield first
        after = position
        # Each part for itself: no connection is kept while somebody downloads slowly.
        while after is not None:
            async with database.reading(principal.caller) as uow:
                text, after = await clearing.write_statement_after(
                    uow, window_id=window_id, code=participant, after=after
                )
            yield text

    name = f'attachment; filename="{window}-{participant}.csv"'
    return StreamingResponse(
        write(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
    )


@router.get(
    "/windows/{window}/statement.xml",
    operation_id="downloadClearingStatementMessage",
    summary="Get a participant's statement of a settled window as camt.053",
    response_class=Response,
    responses={
        **errors(
            clearing.WindowNotFound,
            clearing.ParticipantNotFound,
            clearing.WindowStateRefused,
            LimitExceeded,
            caller="staff",
        ),
        200: {
            "description": "ISO 20022 camt.053.",
            "content": {"application/xml": {"schema": {"type": "string", "format": "binary"}}},
        },
    },
)
async def download_statement_message(
    request: Request, window: WindowPath, participant: ParticipantQuery, principal: Reader
) -> Response:
    """Return the bank's position in the window: from zero over each payment to what it is due."""
    window_id = read_id(CLEARING_WINDOW, window, field="window")
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        content = await clearing.write_camt053(
            uow, window_id=window_id, code=participant, now=parts.clock.now()
        )
    name = f'attachment; filename="{window}-{participant}.xml"'
    return Response(content, media_type="application/xml", headers={"Content-Disposition": name})
