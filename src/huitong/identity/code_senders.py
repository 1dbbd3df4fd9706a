"""How codes and notices reach people: text messages, through a gateway that speaks HTTP."""

import uuid
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

import httpx

from huitong.identity.errors import CodeNotDelivered
from huitong.kernel import limits
from huitong.kernel.money import Money
from huitong.kernel.trust import load_trust

_TAKEN: Final = frozenset({200, 202})


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMessage:
    """A message with a code; `id` is the code's, so that sent twice it is one message.

    With an amount it is for a payment of just that much: who reads it sees what the code is for.
    """

    id: uuid.UUID
    mobile: str = field(repr=False)
    code: str = field(repr=False)
    amount: Money | None = None

    @property
    def text(self) -> str:
        """The message as people read it."""
        minutes = limits.ONE_TIME_CODE_SECONDS // 60
        purpose = "登录" if self.amount is None else f"支付 {self.amount.to_json()['amount']} 元"
        if self.amount is not None and self.amount.currency != "CNY":
            shown = self.amount.to_json()
            purpose = f"支付 {shown['amount']} {shown['currency']}"
        return f"【汇通】验证码 {self.code}，用于{purpose}，{minutes} 分钟内有效。请勿告诉任何人。"


class Message(Protocol):
    """What goes to a phone; `id` tells a message that is sent again from a new one."""

    @property
    def id(self) -> uuid.UUID:
        """The message's id."""
        ...

    @property
    def mobile(self) -> str:
        """The number that it goes to."""
        ...

    @property
    def text(self) -> str:
        """The message as people read it."""
        ...


class CodeSender(Protocol):
    """A way to people's phones, for codes and notices."""

    async def send(self, message: Message, /) -> None:
        """Hand a message over; raises CodeNotDelivered if it is not certain that it was taken."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class SmsGateway:
    """The sender that speaks HTTP to an SMS gateway, such as the simulated one."""

    def __init__(
        self, base_url: str, *, timeout_seconds: float = limits.SMS_TIMEOUT_SECONDS_MAX
    ) -> None:
        """Prepare a client; nothing connects before the first message."""
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=timeout_seconds, verify=load_trust()
        )

    async def send(self, message: Message, /) -> None:
        """Hand a message over; raises CodeNotDelivered, which names neither number nor code."""
        body = {"mobile": message.mobile, "text": message.text}
        try:
            response = await self._client.put(f"/messages/{message.id.hex}", json=body)
        except httpx.HTTPError as error:
            raise CodeNotDelivered(f"no answer: {type(error).__name__}") from None
        if response.status_code not in _TAKEN:
            raise CodeNotDelivered(f"the gateway answered {response.status_code}")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class NoGateway:
    """The sender of a platform that was told of no gateway: it delivers nothing, and says so."""

    async def send(self, message: Message, /) -> None:  # noqa: ARG002 - as the protocol has it
        """Raise CodeNotDelivered."""
        raise CodeNotDelivered("no SMS gateway is configured: set HUITONG_SMS_GATEWAY_URL")

    async def close(self) -> None:
        """Do nothing."""
