"""Rules of risk: versions are written and tried by one member of staff, and go live by two."""

import asyncio
from typing import Annotated, Final

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
from huitong.api.schemas.risk import (
    BacktestView,
    FeaturesView,
    FeatureView,
    PurposeQuery,
    Retire,
    RuleVersionView,
    SaveRules,
    SetLive,
    VersionPath,
    show_version,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded, NotFound
from huitong.kernel.ids import RULE_VERSION, read_id, show_id, uuid7

router: Final = APIRouter(prefix="/v1/risk", tags=["Rules of risk"], route_class=CommandRoute)

Reader = Annotated[Principal, require("rules:read")]
Writer = Annotated[Principal, require("rules:write")]


@router.get(
    "/features",
    operation_id="listFeatures",
    summary="List the features that rules may name",
    response_model=FeaturesView,
    responses=errors(caller="staff"),
)
async def list_features(principal: Reader, purpose: PurposeQuery) -> FeaturesView:
    """Return every feature of a purpose with its type and what it is."""
    del principal
    return FeaturesView(
        data=[
            FeatureView(name=name, type=each.type.value, meaning=each.meaning)
            for name, each in sorted(risk.list_features(risk.Purpose(purpose)).items())
        ]
    )


@router.post(
    "/rules",
    operation_id="saveRules",
    summary="Save the next version of rules",
    status_code=201,
    response_model=RuleVersionView,
    responses=errors(InvalidField, LimitExceeded, caller="staff", is_command=True),
)
async def save_rules(
    request: Request, body: SaveRules, key: IdempotencyKey, principal: Writer
) -> Response:
    """Save rules as a draft. A rule that does not compile is refused, with line and column."""
    purpose = risk.Purpose(body.purpose)
    document = [each.model_dump() for each in body.rules]
    # Payments that wait on this process need not wait for the parser.
    rules = await asyncio.to_thread(risk.read_rules, document, risk.default_catalogue(purpose))
    version_id, now = uuid7(), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> RuleVersionView:
        return show_version(
            await risk.save_rules(uow, version_id=version_id, purpose=purpose, rules=rules, now=now)
        )

    return await run_once(request, principal, key, command)


@router.get(
    "/rules",
    operation_id="listRules",
    summary="List versions of rules",
    response_model=Page[RuleVersionView],
    responses=errors(caller="staff"),
)
async def list_rules(
    request: Request,
    principal: Reader,
    purpose: PurposeQuery,
    cursor: Cursor = None,
    limit: Limit = limits.RULE_VERSIONS_PAGE,
) -> dict[str, object]:
    """Return versions of the rules of a purpose, newest first."""
    inner = open_cursor(cursor, "rules", purpose)
    before = limits.RULE_VERSIONS_MAX + 1 if inner is None else int(inner)
    limit = min(limit, limits.RULE_VERSIONS_PAGE)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await risk.list_rule_versions(
            uow, risk.Purpose(purpose), before=before, limit=limit
        )
    following = str(found[-1].number) if len(found) == limit else None
    return show_page(ListedPage(found, following), show_version, "rules", purpose)


@router.get(
    "/rules/{version}",
    operation_id="getRules",
    summary="Get a version of rules",
    response_model=RuleVersionView,
    responses=errors(risk.RuleVersionNotFound, caller="staff"),
)
async def get_rules(request: Request, version: VersionPath, principal: Reader) -> RuleVersionView:
    """Return a version with its rules and their digest."""
    version_id = read_id(RULE_VERSION, version, field="version")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_version(await risk.get_rule_version(uow, version_id))


@router.get(
    "/rules/{version}/backtest",
    operation_id="getBacktest",
    summary="Get the back-test of a version",
    response_model=BacktestView,
    responses=errors(risk.RuleVersionNotFound, NotFound, caller="staff"),
)
async def get_backtest(request: Request, version: VersionPath, principal: Reader) -> BacktestView:
    """Return what the version would have done with stored history."""
    version_id = read_id(RULE_VERSION, version, field="version")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await risk.get_backtest(uow, version_id)
    if found is None:
        raise NotFound("These rules were not tested yet.")
    return BacktestView(
        created_by=found.created_by, created_at=found.created_at, result=dict(found.result)
    )


@router.post(
    "/rules/{version}/shadow",
    operation_id="shadowRules",
    summary="Try a version in shadow",
    response_model=RuleVersionView,
    responses=errors(
        risk.RuleVersionNotFound, risk.RuleStateRefused, caller="staff", is_command=True
    ),
)
async def shadow_rules(
    request: Request, version: VersionPath, body: NoBody, key: IdempotencyKey, principal: Writer
) -> Response:
    """Evaluate and record a draft beside what decides, without effect."""
    del body
    version_id = read_id(RULE_VERSION, version, field="version")

    async def command(uow: UnitOfWork) -> RuleVersionView:
        return show_version(await risk.shadow_rules(uow, version_id=version_id))

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/rules/{version}/live",
    operation_id="setRulesLive",
    summary="Ask for a version to go live",
    status_code=202,
    responses=errors(
        risk.RuleVersionNotFound,
        risk.RuleStateRefused,
        risk.RulesAltered,
        risk.BacktestMissing,
        caller="staff",
        is_command=True,
        has_approval=True,
    ),
)
async def set_rules_live(
    request: Request, version: VersionPath, body: SetLive, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a shadow that was tested to decide from a business day on."""
    version_id = read_id(RULE_VERSION, version, field="version")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await risk.check_can_go_live(
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
            act="risk.set_rules_live",
            payload={
                "version": show_id(RULE_VERSION, version_id),
                "digest": body.digest,
                "effective_from": body.effective_from.isoformat(),
            },
            reason=body.reason,
            concerns=[],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@router.post(
    "/rules/{version}/retire",
    operation_id="retireRules",
    summary="Retire a version",
    response_model=RuleVersionView,
    responses=errors(
        risk.RuleVersionNotFound,
        risk.RuleStateRefused,
        caller="staff",
        is_command=True,
        has_approval=True,
    ),
)
async def retire_rules(
    request: Request, version: VersionPath, body: Retire, key: IdempotencyKey, principal: Writer
) -> Response:
    """End a draft or shadow at once, or ask for the end of what is live."""
    version_id = read_id(RULE_VERSION, version, field="version")
    application = application_of(request)
    approval_id, now = uuid7(), application.clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="risk.retire_rules",
            payload={"version": show_id(RULE_VERSION, version_id)},
            reason=body.reason,
            concerns=[],
            now=now,
        )

    async def command(uow: UnitOfWork) -> RuleVersionView:
        return show_version(await risk.retire_rules(uow, version_id=version_id, now=now))

    async with application.database.reading(principal.caller) as uow:
        found = await risk.get_rule_version(uow, version_id)
    if found.state is risk.RuleState.LIVE:
        return await ask_for_approval(request, principal, key, make)
    return await run_once(request, principal, key, command, status=200)
