"""Acts on channels that take two people: terms, rules, switching on, and cures of breaks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from huitong import identity, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CHANNEL_ATTEMPT, read_id

channels: Final = payments.channels

Payload = Mapping[str, Any]


async def _save_channel(
    uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
) -> identity.Executed:
    saved = await channels.save_channel(
        uow,
        channels.read_channel(payload["terms"]),
        was=payload["was"],
        reason=approval.reason,
        now=now,
    )
    return identity.Executed(
        outcome={"channel": saved.name, "state": "on" if saved.is_enabled else "off"}
    )


async def _switch_on(
    uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
) -> identity.Executed:
    switched = await channels.switch_on(
        uow, name=payload["channel"], reason=approval.reason, now=now
    )
    return identity.Executed(outcome={"channel": switched.name})


async def _replace_rules(
    uow: UnitOfWork,
    approval: identity.Approval,
    payload: Payload,
    *,
    now: datetime,  # noqa: ARG001 - as every act has it
) -> identity.Executed:
    rules = channels.read_rules(payload["rules"])
    await channels.replace_rules(uow, rules, was=payload["was"], reason=approval.reason)
    return identity.Executed(outcome={"rules": str(len(rules))})


async def _cure_break(
    uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
) -> identity.Executed:
    cured = await payments.resolve_break(
        uow,
        channel_order_id=read_id(CHANNEL_ATTEMPT, payload["attempt"], field="attempt"),
        kind=channels.BreakKind(payload["kind"]),
        cure=channels.Cure(payload["cure"]),
        reason=approval.reason,
        now=now,
    )
    return identity.Executed(outcome={"attempt": payload["attempt"], "cure": str(cured.cure)})


CHANNEL_ACTS: Final[identity.Handlers] = {
    "channels.save_channel": _save_channel,
    "channels.switch_on": _switch_on,
    "channels.replace_rules": _replace_rules,
    "payments.cure_break": _cure_break,
}
