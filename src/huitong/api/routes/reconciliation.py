"""Reconciliation for staff: files, days, breaks and suspense; cures are asked for, two decide."""

import asyncio
import uuid
from collections.abc import Iterable
from datetime import date
from io import BytesIO
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, ledger, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, seal_cursor
from huitong.api.problems import UnsupportedMediaType
from huitong.api.request_body import CommandRoute, UploadRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import GivenDay
from huitong.api.schemas.reconciliation import (
    AskForCure,
    AskToClear,
    AssignBreak,
    BreakDetailsView,
    BreakPath,
    BreakView,
    ChannelFileView,
    DayView,
    HistoryView,
    ItemPath,
    KindName,
    QueueView,
    SuspenseView,
    show_balance,
    show_break,
    show_contradiction,
    show_day,
    show_file,
    show_item,
)
from huitong.kernel import ids, limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import read_id, uuid7
from huitong.kernel.rulebook import Rulebook

router: Final = APIRouter(
    prefix="/v1/reconciliation", tags=["Reconciliation"], route_class=CommandRoute
)
uploads: Final = APIRouter(
    prefix="/v1/reconciliation", tags=["Reconciliation"], route_class=UploadRoute
)

reconciliation: Final = payments.reconciliation
Reader = Annotated[Principal, require("reconciliation:read")]
Writer = Annotated[Principal, require("reconciliation:write")]
_TYPES: Final = ("text/csv", "application/xml", "application/octet-stream")
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_OVERDUE: Final = "reconciliation.overdue.days"


@uploads.post(
    "/files",
    operation_id="submitChannelFile",
    summary="Hand in a channel's file",
    status_code=201,
    response_model=ChannelFileView,
    responses=errors(
        reconciliation.ChannelFileUnreadable,
        reconciliation.ChannelFileTotalsDiffer,
        reconciliation.ChannelFileTooLarge,
        reconciliation.ChannelFileKnown,
        reconciliation.ChannelFileDiffers,
        reconciliation.ChannelFileOfAnotherDay,
        reconciliation.ReconciledChannelNotFound,
        is_command=True,
        caller="staff",
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file as it is: CSV with a head, or a statement (camt.053).",
            "content": {"text/csv": _BINARY, "application/xml": _BINARY},
        }
    },
)
async def submit_file(
    request: Request,
    key: IdempotencyKey,
    principal: Writer,
    channel: Annotated[
        str | None,
        Query(
            pattern="^[a-z][a-z0-9-]{0,31}$",
            description="Whose it is, for a statement, which does not say.",
        ),
    ] = None,
) -> Response:
    """Check the whole file and keep it; it is matched a moment later.

    The same bytes are taken once, and another file for the same day of a channel is refused.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES:
        raise UnsupportedMediaType(
            "Send the file as text/csv or application/xml.", field="Content-Type"
        )
    content, now = await request.body(), application_of(request).clock.now()
    lines, checked, file_format = await asyncio.to_thread(
        reconciliation.open_file, BytesIO(content), channel=channel
    )

    async def command(uow: UnitOfWork) -> ChannelFileView:
        file = await reconciliation.store_file(uow, lines, checked, file_format, now=now)
        return show_file(file)

    return await run_once(request, principal, key, command)


@router.get(
    "/report",
    operation_id="getReconciledDay",
    summary="Get how a day stands",
    response_model=DayView,
    responses=errors(InvalidField, caller="staff"),
)
async def get_day(
    request: Request,
    day: Annotated[GivenDay, Query(description="A business day.")],
    principal: Reader,
    channel: Annotated[str | None, Query(pattern="^[a-z][a-z0-9-]{0,31}$")] = None,
) -> DayView:
    """Return the files of a day, and its breaks by kind and state."""
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_day(await reconciliation.report_day(uow, day, channel=channel))


@router.get(
    "/breaks",
    operation_id="listBreaks",
    summary="List what does not agree",
    response_model=QueueView,
    responses=errors(InvalidField, caller="staff"),
)
async def list_breaks(
    request: Request,
    principal: Reader,
    kind: Annotated[KindName | None, Query(description="Of this kind only.")] = None,
    day: Annotated[GivenDay | None, Query(description="Of this day only.")] = None,
    *,
    is_ended: Annotated[
        bool, Query(alias="ended", description="Those that have ended instead.")
    ] = False,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> QueueView:
    """Return breaks that wait, the oldest first; with the first page what channels took back."""
    of_list = ("breaks", kind, _show_day(day), str(is_ended))
    after = open_id_cursor(cursor, *of_list)
    parts = application_of(request)
    now = parts.clock.now()
    async with parts.database.reading(principal.caller) as uow:
        found = await reconciliation.list_breaks(
            uow,
            after=after,
            limit=limit,
            kind=None if kind is None else reconciliation.BreakKind(kind),
            day=day,
            is_ended=is_ended,
        )
        is_first = after is None and kind is None and not is_ended
        contradictions = await reconciliation.list_contradictions(uow) if is_first else []
    page = list_after(found, limit, lambda each: each.id)
    overdue = Rulebook.load().integer(_OVERDUE, business_day(now))
    return QueueView(
        data=[show_break(each, now=now, overdue_days=overdue) for each in page.items],
        channel_breaks=[show_contradiction(each) for each in contradictions],
        next_cursor=seal_cursor(page.next_cursor, *of_list),
    )


@router.get(
    "/breaks/{break_id}",
    operation_id="getBreak",
    summary="Get a break with its history",
    response_model=BreakDetailsView,
    responses=errors(reconciliation.BreakNotFound, caller="staff"),
)
async def get_break(request: Request, break_id: BreakPath, principal: Reader) -> BreakDetailsView:
    """Return a break, what was done about it, and what is in suspense because of it."""
    parts = application_of(request)
    now = parts.clock.now()
    async with parts.database.reading(principal.caller) as uow:
        found = await reconciliation.get_break(uow, _read_break(break_id))
        details = await reconciliation.describe_break(uow, found)
    overdue = Rulebook.load().integer(_OVERDUE, business_day(now))
    return BreakDetailsView(
        found=show_break(found, now=now, overdue_days=overdue),
        history=[HistoryView(act=e.act, actor=e.actor, at=e.at) for e in details.history],
        suspense=[show_item(each, now=now) for each in details.items],
    )


@router.post(
    "/breaks/{break_id}/assign",
    operation_id="assignBreak",
    summary="Give a break to a member of staff",
    response_model=BreakView,
    responses=errors(
        reconciliation.BreakNotFound,
        reconciliation.BreakEnded,
        is_command=True,
        caller="staff",
    ),
)
async def assign_break(
    request: Request,
    break_id: BreakPath,
    body: AssignBreak,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Give a break to whoever is to look after it."""
    owner_id = read_id(ids.STAFF, body.owner, field="owner")
    now = application_of(request).clock.now()
    overdue = Rulebook.load().integer(_OVERDUE, business_day(now))

    async def command(uow: UnitOfWork) -> BreakView:
        await identity.get_staff(uow, owner_id)
        found = await reconciliation.assign_break(
            uow, break_id=_read_break(break_id), owner_id=owner_id, now=now
        )
        return show_break(found, now=now, overdue_days=overdue)

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/breaks/{break_id}/cure",
    operation_id="cureBreak",
    summary="Ask for a break to be cured",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        reconciliation.BreakNotFound,
        reconciliation.BreakEnded,
        reconciliation.CureNotPossible,
        is_command=True,
        caller="staff",
    ),
)
async def cure_break(
    request: Request,
    break_id: BreakPath,
    body: AskForCure,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Ask for something to be done about a break; somebody else decides."""
    found_id, cure = _read_break(break_id), reconciliation.Cure(body.cure)
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        found = await reconciliation.propose_cure(uow, found_id, cure, now=now)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="reconciliation.cure",
            payload={
                "break": break_id,
                "kind": found.kind.value,
                "cure": cure.value,
                "amount": found.amount.to_json(),
            },
            reason=body.reason,
            concerns=await _list_owners(uow, await reconciliation.list_accounts(uow, found)),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@router.get(
    "/suspense",
    operation_id="getSuspense",
    summary="Get what is in suspense",
    response_model=SuspenseView,
    responses=errors(InvalidField, caller="staff"),
)
async def get_suspense(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> SuspenseView:
    """Return what each account of suspense holds, and the open items, the oldest first."""
    after = open_id_cursor(cursor, "suspense")
    parts = application_of(request)
    now = parts.clock.now()
    async with parts.database.reading(principal.caller) as uow:
        report = await reconciliation.report_suspense(uow, after=after, limit=limit)
    page = list_after(report.items, limit, lambda each: each.id)
    return SuspenseView(
        balances=[show_balance(key, amount) for key, amount in report.balances],
        data=[show_item(each, now=now) for each in page.items],
        next_cursor=seal_cursor(page.next_cursor, "suspense"),
    )


@router.post(
    "/suspense/{item}/clear",
    operation_id="clearSuspense",
    summary="Ask for an item of suspense to be cleared",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        reconciliation.SuspenseNotFound,
        reconciliation.SuspenseCleared,
        is_command=True,
        caller="staff",
    ),
)
async def clear_suspense(
    request: Request,
    item: ItemPath,
    body: AskToClear,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Ask for an item's money to leave suspense; somebody else decides."""
    item_id, to = read_id(ids.SUSPENSE, item, field="item"), reconciliation.ClearedTo(body.to)
    account_id = None
    if body.account is not None:
        account_id = ledger.read_account(body.account, field="account")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        found = await reconciliation.check_clearing(uow, item_id, to=to, account_id=account_id)
        behind = await reconciliation.get_break(uow, found.break_id)
        accounts = await reconciliation.list_accounts(uow, behind)
        named = {} if body.account is None else {"account": body.account}
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="reconciliation.clear_suspense",
            payload={"item": item, "to": to.value, "amount": found.amount.to_json(), **named},
            reason=body.reason,
            concerns=await _list_owners(
                uow, accounts if account_id is None else accounts | {account_id}
            ),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


async def _list_owners(uow: UnitOfWork, accounts: Iterable[int]) -> frozenset[uuid.UUID]:
    owners = [(await ledger.get_account(uow, each)).owner_id for each in sorted(accounts)]
    return frozenset(each for each in owners if each is not None)


def _read_break(text: str) -> uuid.UUID:
    return read_id(ids.BREAK, text, field="break_id")


def _show_day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
