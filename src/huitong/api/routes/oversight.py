"""What staff oversee: the audit trail, the rulebook, who may do what, and the last hour."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request

from huitong import identity, payments, risk
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.pages import Cursor, Limit, ListedPage, open_id_cursor, show_page
from huitong.api.schemas.common import GivenDay, Page
from huitong.api.schemas.oversight import (
    ActionText,
    ActorText,
    AuditRecordView,
    PaceView,
    RolesView,
    RuleHistory,
    RuleKey,
    RulesOfDay,
    Since,
    SubjectText,
    Until,
    show_action_count,
    show_audit_record,
    show_pace_minute,
    show_policy,
    show_rule,
)
from huitong.kernel import audit, limits
from huitong.kernel.clock import business_day
from huitong.kernel.errors import NotFound
from huitong.kernel.rulebook import Rulebook, UnknownRuleError

audit_trail: Final = APIRouter(prefix="/v1/staff/audit-records", tags=["Oversight"])
rulebook: Final = APIRouter(prefix="/v1/staff/rulebook", tags=["Oversight"])
roles: Final = APIRouter(prefix="/v1/staff/roles", tags=["Staff"])
pace: Final = APIRouter(prefix="/v1/staff/pace", tags=["Oversight"])


@audit_trail.get(
    "",
    operation_id="searchAuditRecords",
    summary="Look through the audit trail",
    response_model=Page[AuditRecordView],
    responses=errors(caller="staff"),
)
async def search_audit_records(
    request: Request,
    principal: Annotated[Principal, require("audit:read")],
    *,
    actor: ActorText = None,
    action: ActionText = None,
    subject: SubjectText = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return who did what to which thing, newest first.

    A page looks through so many records only: it may be short and lead to another one.
    """
    filters = (actor, action, subject, since, until)
    before_id = open_id_cursor(cursor, "audit-records", *filters)
    asked = audit.AuditSearch(actor=actor, action=action, subject=subject, since=since, until=until)
    async with application_of(request).database.reading(principal.caller) as uow:
        found, next_id = await audit.search_records(uow, asked, before_id=before_id, limit=limit)
    page = ListedPage(found, None if next_id is None else next_id.hex)
    return show_page(page, show_audit_record, "audit-records", *filters)


@rulebook.get(
    "",
    operation_id="listRulebook",
    summary="List the rulebook as of a day",
    response_model=RulesOfDay,
    responses=errors(caller="staff"),
)
async def list_rulebook(
    request: Request,
    principal: Annotated[Principal, require("rulebook:read")],  # noqa: ARG001 - it lets pass
    day: Annotated[
        GivenDay | None, Query(alias="on", description="A business day; today without it.")
    ] = None,
) -> RulesOfDay:
    """Return every value in force on a day, with its source and how well it is known."""
    book = Rulebook.load()
    on = day or business_day(application_of(request).clock.now())
    return RulesOfDay(
        on=on,
        jurisdiction=book.jurisdiction,
        data=[show_rule(each) for each in book.list_rules(on)],
    )


@rulebook.get(
    "/{rule}",
    operation_id="getRuleHistory",
    summary="Get all values of a rule",
    response_model=RuleHistory,
    responses=errors(NotFound, caller="staff"),
)
async def get_rule_history(
    principal: Annotated[Principal, require("rulebook:read")],  # noqa: ARG001 - it lets pass
    rule: RuleKey,
) -> RuleHistory:
    """Return what a key was, is and will be, by scope and day."""
    try:
        found = Rulebook.load().history(rule)
    except UnknownRuleError:
        raise NotFound(f"there is no rule {rule}", context={"id": rule}) from None
    return RuleHistory(data=[show_rule(each) for each in found])


@roles.get(
    "",
    operation_id="listRoles",
    summary="List roles, permissions and acts of two",
    response_model=RolesView,
    responses=errors(caller="staff"),
)
async def list_roles(
    principal: Annotated[Principal, require("staff:read")],  # noqa: ARG001 - it lets pass
) -> RolesView:
    """Return who may do what, and what takes two people."""
    return show_policy(identity.AccessPolicy.load())


@pace.get(
    "",
    operation_id="getPace",
    summary="Get the last hour of payments",
    response_model=PaceView,
    responses=errors(caller="staff"),
)
async def get_pace(
    request: Request, principal: Annotated[Principal, require("pace:read")]
) -> PaceView:
    """Return payments by minute and what risk decided, of the newest so many."""
    application = application_of(request)
    now = application.clock.now()
    async with application.database.reading(principal.caller) as uow:
        minutes = await payments.measure_pace(uow, now=now)
        since = now - timedelta(minutes=limits.PAYMENT_PACE_MINUTES)
        decided = await risk.count_actions(uow, risk.Purpose.PAYMENT, since=since)
    return PaceView(
        at=now,
        minutes=[show_pace_minute(each) for each in minutes],
        decided=[show_action_count(action, decided.get(action, 0)) for action in risk.Action],
    )
