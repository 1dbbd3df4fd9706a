"""The client of banks that speak HTTP, such as the simulated one."""

import uuid
from typing import Any, Final, Self

import httpx
import msgspec

from huitong.kernel import limits
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.payments.channels.errors import ChannelContradiction, ChannelFault
from huitong.payments.channels.types import ChannelAnswer, ChannelVerdict
from huitong.payments.types import ChannelDirection, ChannelOrder

_REASON_LENGTH_MAX: Final = 256
_OK_STATUSES: Final = frozenset({200, 202, 422})
_NOT_FOUND: Final = 404


class _Answer(msgspec.Struct):
    id: str
    state: ChannelVerdict
    direction: ChannelDirection | None = None
    amount: dict[str, Any] | None = None
    reason: str | None = None


class HttpBankChannel:
    """The channel of a bank that speaks HTTP, such as the simulated one."""

    def __init__(
        self, base_url: str, *, timeout_seconds: float = limits.CHANNEL_TIMEOUT_SECONDS_MAX
    ) -> None:
        """Prepare a client; nothing connects before the first call."""
        self._client = httpx.AsyncClient(base_url=base_url, timeout=timeout_seconds)

    async def submit(self, order: ChannelOrder) -> ChannelAnswer:
        """Send an order, for the first time or again."""
        body: dict[str, object] = {
            "direction": order.direction.value,
            "amount": order.amount.to_json(),
        }
        return await self._call("PUT", order, body)

    async def query(self, order: ChannelOrder) -> ChannelAnswer:
        """Ask what became of an order."""
        return await self._call("GET", order, None)

    async def _call(
        self, method: str, order: ChannelOrder, body: dict[str, object] | None
    ) -> ChannelAnswer:
        try:
            response = await self._client.request(method, _path(order.id), json=body)
        except httpx.HTTPError as error:
            raise ChannelFault(f"no answer: {type(error).__name__}") from error
        if response.status_code not in _OK_STATUSES | {_NOT_FOUND}:
            raise ChannelFault(f"the bank answered {response.status_code}")
        return _read_answer(response, order)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _path(channel_order_id: uuid.UUID) -> str:
    return f"/orders/{channel_order_id.hex}"


def _read_answer(response: httpx.Response, order: ChannelOrder) -> ChannelAnswer:
    """Return what the bank said; raises ChannelFault if it speaks of something else."""
    if len(response.content) > limits.CHANNEL_ANSWER_BYTES_MAX:
        raise ChannelFault("the bank's answer is too long")
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ChannelFault("the bank's answer cannot be read") from error
    is_unknown = answer.state is ChannelVerdict.UNKNOWN
    # A proxy's own 404 must not be taken for the bank's word that it knows of no order.
    if answer.id != order.id.hex or is_unknown != (response.status_code == _NOT_FOUND):
        raise ChannelFault("the bank's answer is about something else")
    if not is_unknown:
        _check_same_order(answer, order)
    reason = None if answer.reason is None else answer.reason[:_REASON_LENGTH_MAX]
    return ChannelAnswer(verdict=answer.state, reason=reason)


def _check_same_order(answer: _Answer, order: ChannelOrder) -> None:
    try:
        amount = Money.from_json(answer.amount)
    except Refusal as refusal:
        raise ChannelFault("the bank's answer has no amount that can be read") from refusal
    if (answer.direction, amount) != (order.direction, order.amount):
        raise ChannelContradiction("the bank has another order with this id", stated=amount)
