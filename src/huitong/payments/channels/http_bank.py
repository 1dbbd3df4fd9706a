"""The clients of channels that speak HTTP, such as the simulated ones: how they ask and listen."""

import uuid
from typing import Any, Final, Self

import httpx
import msgspec

from huitong.kernel import limits
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.kernel.trust import load_trust
from huitong.payments.channels.errors import ChannelContradiction, ChannelFault
from huitong.payments.channels.types import (
    ChannelAnswer,
    ChannelRefund,
    ChannelVerdict,
    PayeeRefusal,
)
from huitong.payments.types import ChannelDirection, ChannelOrder

_REASON_LENGTH_MAX: Final = 256
_OK_STATUSES: Final = frozenset({200, 202, 422})
_NOT_FOUND: Final = 404
#: InvalidCreditorAccountNumber, and InconsistentWithEndCustomer: the name is not the account's.
_REFUSALS: Final = {
    "AC03": PayeeRefusal.ACCOUNT_UNKNOWN,
    "BE01": PayeeRefusal.NAME_DIFFERS,
}


class Answered(msgspec.Struct):
    """What a channel says of an order, as it travels."""

    id: str
    state: ChannelVerdict
    direction: ChannelDirection | None = None
    amount: dict[str, Any] | None = None
    reason: str | None = None
    #: Why not, as a code of ISO 20022 (ExternalStatusReason1Code).
    code: str | None = None
    #: Of a card: authorised, captured or voided.
    stage: str | None = None
    uetr: str | None = None

    def judge(self) -> ChannelAnswer:
        """Return the answer without what only its kind of channel has."""
        reason = None if self.reason is None else self.reason[:_REASON_LENGTH_MAX]
        is_no = self.state is ChannelVerdict.FAILED
        refusal = _REFUSALS.get(self.code or "") if is_no else None
        return ChannelAnswer(verdict=self.state, reason=reason, refusal=refusal)


class HttpChannel:
    """What all clients over HTTP have: one connection pool, and strict reading of answers."""

    def __init__(
        self, base_url: str, *, timeout_seconds: float = limits.CHANNEL_TIMEOUT_SECONDS_MAX
    ) -> None:
        """Prepare a client; nothing connects before the first call."""
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=timeout_seconds, verify=load_trust()
        )

    async def query(self, order: ChannelOrder) -> ChannelAnswer:
        """Ask what became of an order; raises ChannelFault."""
        return (await self._ask("GET", order)).judge()

    async def _ask(
        self, method: str, order: ChannelOrder, *, path: str = "", **more: Any
    ) -> Answered:
        """Ask about an order and check that the answer is about it; raises ChannelFault."""
        response = await self._exchange(method, f"/orders/{order.id.hex}{path}", **more)
        return _read_answer(response, order.id, order.direction, order.amount)

    async def _give_back(self, refund: ChannelRefund) -> ChannelAnswer:
        path = f"/orders/{refund.order_id.hex}/refunds/{refund.id.hex}"
        body = {"direction": ChannelDirection.OUT.value, "amount": refund.amount.to_json()}
        response = await self._exchange("PUT", path, json=body)
        return _read_answer(response, refund.id, ChannelDirection.OUT, refund.amount).judge()

    async def _query_refund(self, refund: ChannelRefund) -> ChannelAnswer:
        response = await self._exchange("GET", f"/orders/{refund.id.hex}")
        return _read_answer(response, refund.id, ChannelDirection.OUT, refund.amount).judge()

    async def _deliver(self, path: str, **more: Any) -> Answered:
        """Hand something over that is about no order of ours; raises ChannelFault."""
        return _decode(await self._exchange("PUT", path, **more))

    async def _exchange(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            response = await self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise ChannelFault(f"no answer: {type(error).__name__}") from error
        if response.status_code not in _OK_STATUSES | {_NOT_FOUND}:
            raise ChannelFault(f"the bank answered {response.status_code}")
        return response

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class HttpBankChannel(HttpChannel):
    """The channel of a bank that speaks HTTP, such as the simulated one."""

    async def submit(self, order: ChannelOrder) -> ChannelAnswer:
        """Send an order and whom it pays, for the first time or again; raises ChannelFault."""
        body: dict[str, Any] = {
            "direction": order.direction.value,
            "amount": order.amount.to_json(),
        }
        if order.payee is not None:
            body["payee"] = {
                "bank_code": order.payee.bank_code,
                "account": order.payee.number,
                "name": order.payee.name,
            }
        return (await self._ask("PUT", order, json=body)).judge()


def _read_answer(
    response: httpx.Response, order_id: uuid.UUID, direction: ChannelDirection, amount: Money
) -> Answered:
    """Return what the bank said; raises ChannelFault if it speaks of something else."""
    answer = _decode(response)
    is_unknown = answer.state is ChannelVerdict.UNKNOWN
    # A proxy's own 404 must not be taken for the bank's word that it knows of no order.
    if answer.id != order_id.hex or is_unknown != (response.status_code == _NOT_FOUND):
        raise ChannelFault("the bank's answer is about something else")
    if not is_unknown:
        _check_same_order(answer, direction, amount)
    return answer


def _decode(response: httpx.Response) -> Answered:
    if len(response.content) > limits.CHANNEL_ANSWER_BYTES_MAX:
        raise ChannelFault("the bank's answer is too long")
    try:
        return msgspec.json.decode(response.content, type=Answered)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ChannelFault("the bank's answer cannot be read") from error


def _check_same_order(answer: Answered, direction: ChannelDirection, amount: Money) -> None:
    try:
        stated = Money.from_json(answer.amount)
    except Refusal as refusal:
        raise ChannelFault("the bank's answer has no amount that can be read") from refusal
    if (answer.direction, stated) != (direction, amount):
        raise ChannelContradiction("the bank has another order with this id", stated=stated)
