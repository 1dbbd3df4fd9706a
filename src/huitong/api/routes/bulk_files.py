"""Files of payments, for the people who act for a business: one submits, another approves."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from huitong import identity, payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customers_calling import person_of, session_of
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once, show_once
from huitong.api.pages import Cursor, Limit, list_after, open_cursor, open_id_cursor, show_page
from huitong.api.problems import UnsupportedMediaType
from huitong.api.request_body import CommandRoute, UploadRoute
from huitong.api.schemas.bulk_files import (
    ApproveFile,
    BulkFileView,
    DecideOnFile,
    FailedLineView,
    FilePath,
    ProblemView,
    make_act,
    read_charset,
    read_digest,
    show_failed,
    show_file,
    show_problem,
)
from huitong.api.schemas.common import Page
from huitong.kernel import ids, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import read_id, uuid7

router: Final = APIRouter(
    prefix="/v1/bulk-files", tags=["Files of payments"], route_class=CommandRoute
)
uploads: Final = APIRouter(
    prefix="/v1/bulk-files", tags=["Files of payments"], route_class=UploadRoute
)

bulk: Final = payments.bulk
User = Annotated[Principal, require("bulk_files:own", is_for_customers=True)]
Business = Annotated[
    str,
    Query(pattern=f"^{ids.MERCHANT}_[0-9a-f]{{32}}$", description="The business that pays."),
]
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILE_TYPE: Final = re.compile(
    r"(?:text/csv|application/octet-stream|application/xml|text/xml"
    r"|application/vnd\.openxmlformats-officedocument\.spreadsheetml\.sheet)"
    r'[ \t]*(?:;[ \t]*charset="?([A-Za-z0-9-]{1,20})"?[ \t]*)?',
    re.IGNORECASE,
)
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}


@uploads.post(
    "",
    operation_id="submitBulkFile",
    summary="Submit a file of payments",
    status_code=201,
    response_model=BulkFileView,
    responses=errors(
        bulk.BulkNotAllowed,
        bulk.BulkFileUnreadable,
        bulk.BulkFileTooLarge,
        bulk.BulkFileRepeated,
        bulk.TooManyUploads,
        is_command=True,
        caller="customer",
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": f"The file as it is, at most {limits.BULK_FILE_BYTES_MAX} bytes. A CSV "
            "file in GB18030 is sent as `text/csv; charset=gb18030`.",
            "content": {"text/csv": _BINARY, _XLSX: _BINARY, "application/xml": _BINARY},
        }
    },
)
async def submit_bulk_file(
    request: Request,
    merchant: Business,
    key: IdempotencyKey,
    principal: User,
    repeat_reason: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=limits.BULK_REASON_LENGTH_MAX,
            description="Why bytes that were submitted before are meant to be paid once more.",
        ),
    ] = None,
) -> Response:
    """Check the whole file and keep it: `submitted`, or `invalid` with everything that is wrong.

    Nothing is paid before another user of the business has approved exactly these bytes.
    """
    merchant_id, submitter = read_id(ids.MERCHANT, merchant, field="merchant"), person_of(principal)
    found = _FILE_TYPE.fullmatch(request.headers.get("content-type", ""))
    if found is None:
        raise UnsupportedMediaType("Send text/csv, xlsx or application/xml.", field="Content-Type")
    charset = read_charset(found[1])
    parts = application_of(request)
    now = parts.clock.now()
    # Before a byte of the file is read: whoever may not submit one sends none.
    async with parts.database.reading(principal.caller) as uow:
        await bulk.check_submitter(uow, merchant_id=merchant_id, customer_id=submitter)
        await bulk.check_file_count(uow, merchant_id=merchant_id, now=now)
    file_id = uuid7()

    async def command(uow: UnitOfWork) -> BulkFileView:
        file = await bulk.submit_bulk_file(
            uow,
            parts.vault,
            bulk.find_reader(content, charset),
            file_id=file_id,
            merchant_id=merchant_id,
            submitted_by=submitter,
            content=content,
            repeat_reason=repeat_reason,
            now=now,
        )
        return show_file(file)

    with parts.upload_places.take(merchant_id):
        content = await request.body()
        return await run_once(request, principal, key, command)


@router.get(
    "",
    operation_id="listBulkFiles",
    summary="List the files of payments of a business",
    response_model=Page[BulkFileView],
    responses=errors(bulk.BulkNotAllowed, caller="customer"),
)
async def list_bulk_files(
    request: Request,
    merchant: Business,
    principal: User,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return files, newest first."""
    merchant_id = read_id(ids.MERCHANT, merchant, field="merchant")
    before = open_id_cursor(cursor, "bulk-files", merchant)
    async with application_of(request).database.reading(principal.caller) as uow:
        files = await bulk.list_bulk_files(
            uow,
            merchant_id=merchant_id,
            customer_id=person_of(principal),
            before=before,
            limit=limit,
        )
    page = list_after(files, limit, lambda file: file.id)
    return show_page(page, show_file, "bulk-files", merchant)


@router.get(
    "/{file}",
    operation_id="getBulkFile",
    summary="Get a file of payments, and how far it is",
    response_model=BulkFileView,
    responses=errors(bulk.BulkFileNotFound, caller="customer"),
)
async def get_bulk_file(request: Request, file: FilePath, principal: User) -> BulkFileView:
    """Return the file's state, and how many lines are paid and failed."""
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_file(await _get_own(uow, file, principal))


@router.get(
    "/{file}/problems",
    operation_id="listBulkFileProblems",
    summary="List what is wrong with a file of payments",
    response_model=Page[ProblemView],
    responses=errors(bulk.BulkFileNotFound, caller="customer"),
)
async def list_problems(
    request: Request,
    file: FilePath,
    principal: User,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return every bad line with its reasons, in order; line 0 is the head."""
    inner = open_cursor(cursor, "bulk-problems", file)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _get_own(uow, file, principal)
        page = await bulk.list_problems(uow, found, cursor=inner, limit=limit)
    return show_page(page, show_problem, "bulk-problems", file)


@router.get(
    "/{file}/problems.csv",
    operation_id="downloadBulkFileProblems",
    summary="Get what is wrong with a file of payments as CSV",
    response_class=Response,
    responses={
        **errors(bulk.BulkFileNotFound, caller="customer"),
        200: {"description": "UTF-8, with titles.", "content": {"text/csv": _BINARY}},
    },
)
async def download_problems(request: Request, file: FilePath, principal: User) -> Response:
    """Return all bad lines, with cells that no spreadsheet takes for formulas."""
    database = application_of(request).database
    async with database.reading(principal.caller) as uow:
        found = await _get_own(uow, file, principal)
        first, position = await bulk.write_problems_after(uow, found, 0)

    async def write() -> AsyncIterator[str]:
        yield first
        after = position
        # Each part for itself: no connection is kept while somebody downloads slowly.
        while after is not None:
            async with database.reading(principal.caller) as uow:
                text, after = await bulk.write_problems_after(uow, found, after)
            yield text

    name = f'attachment; filename="{file}-problems.csv"'
    return StreamingResponse(
        write(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
    )


@router.get(
    "/{file}/report",
    operation_id="downloadBulkFileReport",
    summary="Get what became of a file of payments as pain.002",
    response_class=Response,
    responses={
        **errors(bulk.BulkFileNotFound, caller="customer"),
        200: {"description": "ISO 20022.", "content": {"application/xml": _BINARY}},
    },
)
async def download_report(request: Request, file: FilePath, principal: User) -> Response:
    """Return the status of the file and of each line, or everything that is wrong with it."""
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        found = await _get_own(uow, file, principal)
    pieces = bulk.write_report(parts.database, principal.caller, found, now=parts.clock.now())
    name = f'attachment; filename="{file}-pain.002.xml"'
    return StreamingResponse(
        pieces, media_type="application/xml", headers={"Content-Disposition": name}
    )


@router.get(
    "/{file}/failed-lines",
    operation_id="listFailedBulkFileLines",
    summary="List the lines of a file that could not be paid",
    response_model=Page[FailedLineView],
    responses=errors(bulk.BulkFileNotFound, caller="customer"),
)
async def list_failed_lines(
    request: Request,
    file: FilePath,
    principal: User,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return the lines whose money was given back, and why."""
    inner = open_cursor(cursor, "bulk-failed", file)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _get_own(uow, file, principal)
        page = await bulk.list_failed_lines(uow, found, cursor=inner, limit=limit)
    return show_page(page, show_failed, "bulk-failed", file)


@router.post(
    "/{file}/approve",
    operation_id="approveBulkFile",
    summary="Approve a file of payments",
    response_model=BulkFileView,
    responses=errors(
        bulk.BulkFileNotFound,
        bulk.BulkNotAllowed,
        bulk.BulkFileNotWaiting,
        bulk.BulkFileChanged,
        identity.StepUpRefused,
        payments.corporate.MandateExceeded,
        payments.DayLimitExceeded,
        payments.TotalLimitExceeded,
        payments.InsufficientFunds,
        payments.AccountFrozen,
        payments.AccountClosed,
        is_command=True,
        caller="customer",
    ),
)
async def approve_bulk_file(
    request: Request, file: FilePath, body: ApproveFile, key: IdempotencyKey, principal: User
) -> Response:
    """Approve exactly these bytes, with one more factor: the money of all lines is reserved."""
    file_id, now = read_id(ids.BULK_FILE, file, field="file"), application_of(request).clock.now()
    session = session_of(principal)
    if body.step_up is None:
        async with application_of(request).database.reading(principal.caller) as uow:
            found = await _get_own(uow, file, principal)
        # Not kept as the answer, so that the same Idempotency-Key may come again with the proof.
        raise identity.demand_two_elements(session, make_act(found), now)
    step_up_id = read_id(ids.STEP_UP, body.step_up, field="step_up")

    async def command(uow: UnitOfWork) -> BulkFileView:
        approved = await bulk.approve_bulk_file(
            uow,
            payments.corporate.count_file,
            file_id=file_id,
            approved_by=person_of(principal),
            digest=read_digest(body),
            now=now,
        )
        act = make_act(approved)
        await identity.use_step_up(uow, session=session, act=act, step_up_id=step_up_id, now=now)
        return show_file(approved)

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/{file}/reject",
    operation_id="rejectBulkFile",
    summary="Reject a file of payments",
    response_model=BulkFileView,
    responses=errors(
        bulk.BulkFileNotFound,
        bulk.BulkNotAllowed,
        bulk.BulkFileNotWaiting,
        bulk.BulkFileChanged,
        is_command=True,
        caller="customer",
    ),
)
async def reject_bulk_file(
    request: Request, file: FilePath, body: DecideOnFile, key: IdempotencyKey, principal: User
) -> Response:
    """Reject the file for ever: nothing of it is paid, and the same bytes may be submitted anew."""
    file_id, now = read_id(ids.BULK_FILE, file, field="file"), application_of(request).clock.now()

    return await show_once(
        request,
        principal,
        key,
        lambda uow: bulk.reject_bulk_file(
            uow,
            file_id=file_id,
            rejected_by=person_of(principal),
            digest=read_digest(body),
            now=now,
        ),
        show_file,
        status=200,
    )


async def _get_own(uow: UnitOfWork, file: str, principal: Principal) -> payments.bulk.BulkFile:
    file_id = read_id(ids.BULK_FILE, file, field="file")
    return await bulk.get_bulk_file(uow, file_id, customer_id=person_of(principal))
