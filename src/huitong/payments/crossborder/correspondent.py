"""The client of a bank abroad that takes ISO 20022 over HTTP, such as the simulated one."""

import uuid
from typing import Final, Self

import httpx
import msgspec

from huitong.payments.channels import ChannelAnswer, ChannelFault, ChannelVerdict
from huitong.payments.crossborder import limits
from huitong.payments.types import ChannelOrder

_OK: Final = frozenset({200, 202, 422})
_NOT_FOUND: Final = 404
_ANSWER_BYTES_MAX: Final = 65_536


class _Answer(msgspec.Struct):
    id: str
    uetr: str
    state: ChannelVerdict
    reason: str | None = None


class HttpCorrespondent:
    """Puts messages to `/payments/{id}` and asks there what became of them."""

    def __init__(
        self, base_url: str, *, timeout_seconds: float = limits.RATE_TIMEOUT_SECONDS_MAX
    ) -> None:
        """Prepare a client; nothing connects before the first call."""
        self._client = httpx.AsyncClient(base_url=base_url, timeout=timeout_seconds)

    async def send(self, order: ChannelOrder, *, message: bytes, uetr: uuid.UUID) -> ChannelAnswer:
        """Send a message, for the first time or again; raises ChannelFault."""
        headers = {"content-type": "application/xml", "uetr": str(uetr)}
        return await self._call("PUT", order, content=message, headers=headers)

    async def query_uetr(self, order: ChannelOrder, *, uetr: uuid.UUID) -> ChannelAnswer:  # noqa: ARG002 - it knows the order's id, too
        """Ask what became of a payment; raises ChannelFault."""
        return await self.query(order)

    async def query(self, order: ChannelOrder) -> ChannelAnswer:
        """Ask what became of a payment by our own id; raises ChannelFault."""
        return await self._call("GET", order, content=None, headers=None)

    async def _call(
        self,
        method: str,
        order: ChannelOrder,
        *,
        content: bytes | None,
        headers: dict[str, str] | None,
    ) -> ChannelAnswer:
        try:
            response = await self._client.request(
                method, f"/payments/{order.id.hex}", content=content, headers=headers
            )
        except httpx.HTTPError as error:
            raise ChannelFault(f"no answer: {type(error).__name__}") from error
        if response.status_code not in _OK | {_NOT_FOUND}:
            raise ChannelFault(f"the bank answered {response.status_code}")
        return _read_answer(response, order)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _read_answer(response: httpx.Response, order: ChannelOrder) -> ChannelAnswer:
    if len(response.content) > _ANSWER_BYTES_MAX:
        raise ChannelFault("the bank's answer is too long")
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ChannelFault("the bank's answer cannot be read") from error
    is_unknown = answer.state is ChannelVerdict.UNKNOWN
    # A proxy's own 404 must not be taken for the bank's word that it knows of no payment.
    if answer.id != order.id.hex or is_unknown != (response.status_code == _NOT_FOUND):
        raise ChannelFault("the bank's answer is about something else")
    reason = None if answer.reason is None else answer.reason[: limits.REASON_LENGTH_MAX]
    return ChannelAnswer(verdict=answer.state, reason=reason)
