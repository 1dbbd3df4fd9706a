"""Callbacks: a channel tells that something happened, and is then asked what.

A callback never decides on money. It only makes the next question due now, so it does not matter
how often callbacks come, in which order, or whether they are lost.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from huitong.kernel import limits, logs
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound, Refusal
from huitong.kernel.money import Money
from huitong.payments.channels import store, webhooks
from huitong.payments.channels.errors import CallbackIdReused
from huitong.payments.channels.types import Callback, ChannelVerdict
from huitong.payments.store import channel_orders as attempts
from huitong.payments.types import ChannelDirection, ChannelOrder, ChannelState

_KEEP: Final = timedelta(hours=limits.CALLBACKS_KEEP_HOURS)
_ENDED: Final = {
    ChannelState.SUCCEEDED: ChannelVerdict.SUCCEEDED,
    ChannelState.FAILED: ChannelVerdict.FAILED,
}
_log = logs.get_logger(__name__)


class CallbackEffect(StrEnum):
    """What became of a callback."""

    #: The channel is asked at once.
    ASKED = "asked"
    #: It says what is known already, or nothing that changes it.
    KNOWN = "known"
    #: It came before, with the same id and content.
    REPEATED = "repeated"


class _Body(msgspec.Struct):
    id: str
    state: ChannelVerdict
    direction: ChannelDirection
    amount: dict[str, str]
    reason: str | None = None


def open_callback(
    channel: str,
    secrets: Sequence[bytes],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
) -> Callback:
    """Return a callback whose signature fits, read strictly.

    Raises CallbackNotSigned, InvalidField.
    """
    message_id = webhooks.verify(secrets, headers, body, now=now)
    if len(body) > limits.CALLBACK_BYTES_MAX:
        raise InvalidField(f"more than {limits.CALLBACK_BYTES_MAX} bytes", field="body")
    try:
        read = msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidField(str(error), field="body") from error
    try:
        channel_order_id = uuid.UUID(hex=read.id)
    except ValueError as error:
        raise InvalidField("not the id of an order of this channel", field="id") from error
    try:
        amount = Money.from_json(read.amount)
    except Refusal as refusal:
        raise InvalidField(refusal.detail, field="amount") from refusal
    return Callback(
        id=message_id,
        channel=channel,
        channel_order_id=channel_order_id,
        said=read.state,
        direction=read.direction,
        amount=amount,
        digest=hashlib.sha256(body).digest(),
    )


async def receive_callback(uow: UnitOfWork, callback: Callback, *, now: datetime) -> CallbackEffect:
    """Remember a callback and make the channel's next question due; return what became of it.

    Raises NotFound unless the order was given to this channel, CallbackIdReused.
    """
    attempt = await attempts.lock_channel_order(uow, callback.channel_order_id)
    if attempt is None or attempt.channel != callback.channel:
        raise NotFound(f"the channel {callback.channel} was not given this order", field="id")
    before = await store.remember_callback(uow, callback, now=now)
    if before is not None:
        if before != callback.digest:
            raise CallbackIdReused(f"the callback {callback.id} said something else before")
        return CallbackEffect.REPEATED
    due = _make_due(attempt, callback, now)
    if due is None:
        return CallbackEffect.KNOWN
    await attempts.save_channel_order(uow, due)
    return CallbackEffect.ASKED


def _make_due(attempt: ChannelOrder, callback: Callback, now: datetime) -> ChannelOrder | None:
    """Return the attempt to ask about now, or None if the callback changes nothing."""
    if attempt.state is ChannelState.SENT:
        return replace(attempt, due_at=min(attempt.due_at, now))
    known = _ENDED.get(attempt.state)
    if known is None:
        # To be sent, held or cancelled: the next question comes by itself, or there is none.
        _log.warning("callback_unexpected", channel=attempt.channel, state=attempt.state.value)
        return None
    is_same = (callback.direction, callback.amount) == (attempt.direction, attempt.amount)
    if callback.said in (known, ChannelVerdict.ACCEPTED) and is_same:
        return None
    return replace(attempt, recheck_at=now)


async def prune_callbacks(uow: UnitOfWork, *, now: datetime) -> int:
    """Forget callbacks whose time-stamps have long been too old; return how many."""
    return await store.prune_callbacks(uow, before=now - _KEEP, count=limits.PRUNE_ROWS_MAX)
