"""Back-tests of rules: asked for here, done by a worker, read when they are done."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import risk
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.risk import RuleVersionView, VersionPath, show_version
from huitong.api.schemas.risk_backtests import (
    BacktestPath,
    BacktestRunView,
    RequestBacktest,
    SaveDefaults,
    show_run,
)
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import BACKTEST, RULE_VERSION, read_id, uuid7

router: Final = APIRouter(prefix="/v1/risk", tags=["Rules of risk"], route_class=CommandRoute)

Reader = Annotated[Principal, require("rules:read")]
Writer = Annotated[Principal, require("rules:write")]


@router.post(
    "/rules/defaults",
    operation_id="saveDefaultRules",
    summary="Save the default rules as a draft",
    status_code=201,
    response_model=RuleVersionView,
    responses=errors(InvalidField, LimitExceeded, caller="staff", is_command=True),
)
async def save_default_rules(
    request: Request, body: SaveDefaults, key: IdempotencyKey, principal: Writer
) -> Response:
    """Save the rules that come with the platform, with the rulebook's thresholds of today."""
    purpose, application = risk.Purpose(body.purpose), application_of(request)
    version_id, now = uuid7(), application.clock.now()
    document = risk.default_rules(purpose, application.rulebook, business_day(now))
    # Payments that wait on this process need not wait for the parser.
    rules = await asyncio.to_thread(risk.read_rules, document, risk.default_catalogue(purpose))

    async def command(uow: UnitOfWork) -> RuleVersionView:
        return show_version(
            await risk.save_rules(uow, version_id=version_id, purpose=purpose, rules=rules, now=now)
        )

    return await run_once(request, principal, key, command)


@router.post(
    "/rules/{version}/backtests",
    operation_id="requestBacktest",
    summary="Ask for a back-test of a version",
    status_code=202,
    response_model=BacktestRunView,
    responses=errors(
        risk.RuleVersionNotFound,
        risk.RuleStateRefused,
        risk.BacktestRunning,
        caller="staff",
        is_command=True,
    ),
)
async def request_backtest(
    request: Request,
    version: VersionPath,
    body: RequestBacktest,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Have a worker test a draft or shadow over the decisions of the last days.

    What it would have done, beside what is live; without such a test no version goes live.
    """
    version_id = read_id(RULE_VERSION, version, field="version")
    run_id, now = uuid7(), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> BacktestRunView:
        return show_run(
            await risk.request_backtest(
                uow, run_id=run_id, version_id=version_id, days=body.days, now=now
            )
        )

    return await run_once(request, principal, key, command, status=202)


@router.get(
    "/backtests/{backtest}",
    operation_id="getBacktestRun",
    summary="Get a back-test that was asked for",
    response_model=BacktestRunView,
    responses=errors(risk.BacktestNotFound, caller="staff"),
)
async def get_backtest_run(
    request: Request, backtest: BacktestPath, principal: Reader
) -> BacktestRunView:
    """Return how far a back-test has come, and its result once it is done."""
    run_id = read_id(BACKTEST, backtest, field="backtest")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_run(*await risk.get_backtest_run(uow, run_id))
