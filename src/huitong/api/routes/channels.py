"""Channels for staff: terms, health, rules and breaks; off by one, everything else by two."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.channels import (
    BreaksView,
    ChannelPath,
    ChannelsView,
    ChannelView,
    CureBreak,
    ReplaceRules,
    RulesView,
    RuleView,
    SaveChannel,
    SwitchChannel,
    show_break,
    show_channel,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import CHANNEL_ATTEMPT, read_id, uuid7

channels: Final = payments.channels

router: Final = APIRouter(prefix="/v1", tags=["Channels"], route_class=CommandRoute)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What two people are to agree on; `describe` checks it and returns what is kept of it."""

    act: str
    reason: str
    describe: Callable[[UnitOfWork], Awaitable[dict[str, Any]]]


Reader = Annotated[Principal, require("channels:read")]
Writer = Annotated[Principal, require("channels:write")]


@router.get(
    "/channels",
    operation_id="listChannels",
    summary="List channels",
    response_model=ChannelsView,
    responses=errors(caller="staff"),
)
async def list_channels(request: Request, principal: Reader) -> ChannelsView:
    """Return every way out of the house: what it can do, what it costs us, and how it does."""
    application = application_of(request)
    now = application.clock.now()
    async with application.database.reading(principal.caller) as uow:
        found = await channels.list_channel_states(uow, now=now)
    return ChannelsView(data=[show_channel(*each) for each in found])


@router.post(
    "/channels",
    operation_id="saveChannel",
    summary="Ask for a channel's terms",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(InvalidField, caller="staff", is_command=True),
)
async def save_channel(
    request: Request, body: SaveChannel, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for other terms, or a new channel; somebody else decides.

    If the terms are other ones by then, it is refused: two requests do not undo each other.
    """
    terms = body.terms.model_dump()
    channel = channels.read_channel(terms)

    async def describe(uow: UnitOfWork) -> dict[str, Any]:
        was = await channels.find_channel(uow, channel.name)
        return {"terms": terms, "was": channels.digest_terms(was)}

    return await _ask(
        request, principal, key, _Asked("channels.save_channel", body.reason, describe)
    )


@router.post(
    "/channels/{channel}/switch-off",
    operation_id="switchChannelOff",
    summary="Switch a channel off",
    status_code=200,
    response_model=ChannelView,
    responses=errors(channels.ChannelNotFound, caller="staff", is_command=True),
)
async def switch_off(
    request: Request,
    channel: ChannelPath,
    body: SwitchChannel,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Give it nothing new from now on; what it may have got is still asked about."""
    session = principal.staff
    assert session is not None
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> ChannelView:
        await identity.hold_staff_session(uow, session, now=now)
        switched = await channels.switch_off(uow, name=channel, reason=body.reason, now=now)
        return show_channel(switched, None)

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/channels/{channel}/switch-on",
    operation_id="switchChannelOn",
    summary="Ask for a channel to be switched on",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(channels.ChannelNotFound, caller="staff", is_command=True),
)
async def switch_on(
    request: Request,
    channel: ChannelPath,
    body: SwitchChannel,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Ask for a channel to carry new payments again; somebody else decides."""

    async def describe(uow: UnitOfWork) -> dict[str, Any]:
        found = await channels.get_channel(uow, channel)
        return {"channel": found.name}

    return await _ask(request, principal, key, _Asked("channels.switch_on", body.reason, describe))


@router.get(
    "/channel-rules",
    operation_id="listChannelRules",
    summary="List the rules of routing",
    response_model=RulesView,
    responses=errors(caller="staff"),
)
async def list_rules(request: Request, principal: Reader) -> RulesView:
    """Return which channel goes before cost and success, by priority."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await channels.list_channel_rules(uow)
    return RulesView(data=[RuleView(**each) for each in channels.show_rules(found)])


@router.post(
    "/channel-rules",
    operation_id="replaceChannelRules",
    summary="Ask for other rules of routing",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(InvalidField, caller="staff", is_command=True),
)
async def replace_rules(
    request: Request, body: ReplaceRules, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for these rules in the place of all others; somebody else decides."""
    shown = [rule.model_dump() for rule in body.rules]
    rules = channels.read_rules(shown)

    async def describe(uow: UnitOfWork) -> dict[str, Any]:
        await channels.check_rules_fit(uow, rules)
        was = await channels.list_channel_rules(uow)
        return {"rules": shown, "was": channels.digest_rules(was)}

    return await _ask(
        request, principal, key, _Asked("channels.replace_rules", body.reason, describe)
    )


@router.get(
    "/channel-breaks",
    operation_id="listChannelBreaks",
    summary="List where channels contradict our books",
    response_model=BreaksView,
    responses=errors(InvalidField, caller="staff"),
)
async def list_breaks(
    request: Request,
    principal: Reader,
    is_open: Annotated[
        bool | None, Query(description="Open ones or cured ones only; all if it is left out.")
    ] = None,
) -> BreaksView:
    """Return the newest breaks."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await channels.list_channel_breaks(uow, is_open=is_open, limit=limits.PAGE_SIZE_MAX)
    return BreaksView(data=[show_break(each) for each in found])


@router.post(
    "/channel-breaks/cures",
    operation_id="cureChannelBreak",
    summary="Ask for a break to be cured",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        NotFound, channels.BreakNotOpen, InvalidField, caller="staff", is_command=True
    ),
)
async def cure_break(
    request: Request, body: CureBreak, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for the money of a break to leave suspense, or go back; somebody else decides."""
    attempt_id = read_id(CHANNEL_ATTEMPT, body.attempt, field="attempt")

    async def describe(uow: UnitOfWork) -> dict[str, Any]:
        found = await payments.check_cure(
            uow,
            channel_order_id=attempt_id,
            kind=channels.BreakKind(body.kind),
            cure=channels.Cure(body.cure),
        )
        return {
            "attempt": body.attempt,
            "kind": body.kind,
            "cure": body.cure,
            "amount": found.amount.to_json(),
        }

    return await _ask(request, principal, key, _Asked("payments.cure_break", body.reason, describe))


async def _ask(request: Request, principal: Principal, key: str, asked: _Asked) -> Response:
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act=asked.act,
            payload=await asked.describe(uow),
            reason=asked.reason,
            concerns=(),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
