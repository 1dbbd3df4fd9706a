"""Decision tables: versions are written and tried by one member of staff, and go live by two."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, risk
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, ListedPage, open_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import NoBody, Page
from huitong.api.schemas.risk import Retire, SetLive
from huitong.api.schemas.risk_tables import (
    SaveTable,
    TableAnswerPath,
    TableAnswerView,
    TableName,
    TableSchemasView,
    TableVersionPath,
    TableVersionView,
    TriedView,
    TryTable,
    show_answer,
    show_table_version,
)
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import TABLE_ANSWER, TABLE_VERSION, read_id, show_id, uuid7

router: Final = APIRouter(prefix="/v1/risk", tags=["Decision tables"], route_class=CommandRoute)

Reader = Annotated[Principal, require("tables:read")]
Writer = Annotated[Principal, require("tables:write")]


@router.get(
    "/tables",
    operation_id="listTables",
    summary="List the decision tables",
    response_model=TableSchemasView,
    responses=errors(caller="staff"),
)
async def list_tables(principal: Reader) -> TableSchemasView:
    """Return every table that the platform asks, with its inputs and outputs."""
    del principal
    return TableSchemasView(data=[risk.show_schema(each) for each in risk.list_schemas()])


@router.post(
    "/tables/{table}/versions",
    operation_id="saveTable",
    summary="Save the next version of a table",
    status_code=201,
    response_model=TableVersionView,
    responses=errors(InvalidField, LimitExceeded, caller="staff", is_command=True),
)
async def save_table(
    request: Request, table: TableName, body: SaveTable, key: IdempotencyKey, principal: Writer
) -> Response:
    """Save a table as a draft; one that is not clear is refused, with the cell and the place.

    Test cases that fail are named in the answer, and keep the version from going live.
    """
    return await _save(request, table, body.model_dump(), key, principal)


@router.post(
    "/tables/{table}/defaults",
    operation_id="saveDefaultTable",
    summary="Save the default table as a draft",
    status_code=201,
    response_model=TableVersionView,
    responses=errors(InvalidField, LimitExceeded, caller="staff", is_command=True),
)
async def save_default_table(
    request: Request, table: TableName, body: NoBody, key: IdempotencyKey, principal: Writer
) -> Response:
    """Save the rows that come with the platform, with the rulebook's thresholds of today."""
    del body
    application = application_of(request)
    today = business_day(application.clock.now())
    document = risk.default_table(table, application.rulebook, today)
    return await _save(request, table, document, key, principal)


async def _save(
    request: Request, name: str, document: Any, key: str, principal: Principal
) -> Response:
    schema = risk.get_schema(name)

    def compile_table() -> tuple[risk.DecisionTable, tuple[risk.FailedTest, ...]]:
        table = risk.read_table(document, schema)
        return table, table.run_tests()

    # Payments that wait on this process need not wait for the checks.
    table, failed = await asyncio.to_thread(compile_table)
    version_id, now = uuid7(), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> TableVersionView:
        version = await risk.save_table(uow, version_id=version_id, table=table, now=now)
        return show_table_version(version, failed)

    return await run_once(request, principal, key, command)


@router.get(
    "/tables/{table}/versions",
    operation_id="listTableVersions",
    summary="List versions of a table",
    response_model=Page[TableVersionView],
    responses=errors(InvalidField, caller="staff"),
)
async def list_table_versions(
    request: Request,
    principal: Reader,
    table: TableName,
    cursor: Cursor = None,
    limit: Limit = limits.RULE_VERSIONS_PAGE,
) -> dict[str, object]:
    """Return versions of a table, newest first."""
    inner = open_cursor(cursor, "tables", table)
    before = limits.TABLE_VERSIONS_MAX + 1 if inner is None else int(inner)
    limit = min(limit, limits.RULE_VERSIONS_PAGE)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await risk.list_table_versions(uow, table, before=before, limit=limit)
    following = str(found[-1].number) if len(found) == limit else None
    return show_page(ListedPage(found, following), show_table_version, "tables", table)


@router.get(
    "/table-versions/{table_version}",
    operation_id="getTable",
    summary="Get a version of a table",
    response_model=TableVersionView,
    responses=errors(risk.TableVersionNotFound, caller="staff"),
)
async def get_table(
    request: Request, table_version: TableVersionPath, principal: Reader
) -> TableVersionView:
    """Return a version with its rows, its digest, and the test cases that fail."""
    found = await _find(request, table_version, principal)
    return show_table_version(found, await _test(found))


@router.post(
    "/table-versions/{table_version}/try",
    operation_id="tryTable",
    summary="Ask a version without effect",
    response_model=TriedView,
    responses=errors(
        risk.TableVersionNotFound,
        InvalidField,
        caller="staff",
        is_command=True,
        has_idempotency_key=False,
        faults=(risk.TableTooSlow,),
    ),
)
async def try_table(
    request: Request, table_version: TableVersionPath, body: TryTable, principal: Reader
) -> TriedView:
    """Return what a version of any state would answer; nothing is written down."""
    found = await _find(request, table_version, principal)
    rows, outputs = await risk.try_table(found, body.inputs)
    return TriedView(rows=list(rows), outputs=[dict(each) for each in outputs])


@router.post(
    "/table-versions/{table_version}/live",
    operation_id="setTableLive",
    summary="Ask for a version to go live",
    status_code=202,
    responses=errors(
        risk.TableVersionNotFound,
        risk.TableStateRefused,
        risk.TableAltered,
        risk.TableTestsFailed,
        caller="staff",
        is_command=True,
        has_approval=True,
    ),
)
async def set_table_live(
    request: Request,
    table_version: TableVersionPath,
    body: SetLive,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Ask for a draft whose test cases come out to answer from a business day on."""
    version_id = read_id(TABLE_VERSION, table_version, field="table_version")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await risk.check_table_can_go_live(
            uow,
            version_id=version_id,
            digest=body.digest,
            effective_from=body.effective_from,
            now=now,
        )
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="risk.set_table_live",
            payload={
                "version": show_id(TABLE_VERSION, version_id),
                "digest": body.digest,
                "effective_from": body.effective_from.isoformat(),
            },
            reason=body.reason,
            concerns=[],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@router.post(
    "/table-versions/{table_version}/retire",
    operation_id="retireTable",
    summary="Retire a version",
    response_model=TableVersionView,
    responses=errors(
        risk.TableVersionNotFound,
        risk.TableStateRefused,
        caller="staff",
        is_command=True,
        has_approval=True,
    ),
)
async def retire_table(
    request: Request,
    table_version: TableVersionPath,
    body: Retire,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """End a draft at once, or ask for the end of what is live."""
    found = await _find(request, table_version, principal)
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="risk.retire_table",
            payload={"version": show_id(TABLE_VERSION, found.id)},
            reason=body.reason,
            concerns=[],
            now=now,
        )

    async def command(uow: UnitOfWork) -> TableVersionView:
        ended = await risk.retire_table(uow, version_id=found.id, now=now)
        return show_table_version(ended)

    if found.state is risk.VersionState.LIVE:
        return await ask_for_approval(request, principal, key, make)
    return await run_once(request, principal, key, command, status=200)


@router.get(
    "/table-answers/{answer}",
    operation_id="getTableAnswer",
    summary="Get what a table answered",
    response_model=TableAnswerView,
    responses=errors(risk.TableAnswerNotFound, caller="staff", faults=(risk.TableTooSlow,)),
)
async def get_table_answer(
    request: Request, answer: TableAnswerPath, principal: Reader
) -> TableAnswerView:
    """Return what a table answered and from what; and if it comes out again."""
    answer_id = read_id(TABLE_ANSWER, answer, field="answer")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await risk.get_table_answer(uow, answer_id)
        return show_answer(found, await risk.replay_table_answer(uow, found))


async def _find(request: Request, table_version: str, principal: Principal) -> risk.TableVersion:
    version_id = read_id(TABLE_VERSION, table_version, field="table_version")
    async with application_of(request).database.reading(principal.caller) as uow:
        return await risk.get_table_version(uow, version_id)


async def _test(version: risk.TableVersion) -> tuple[risk.FailedTest, ...]:
    return await asyncio.to_thread(lambda: risk.reload_table(version.content).run_tests())
