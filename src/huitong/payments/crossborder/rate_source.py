"""The client of a source of rates that speaks HTTP, such as the simulated one."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Self

import httpx
import msgspec

from huitong.kernel.trust import load_trust
from huitong.payments.crossborder import limits
from huitong.payments.crossborder.errors import RateSourceFault
from huitong.payments.crossborder.types import Reading

#: Plain digits: no exponent, no NaN, nothing that a Decimal would take beyond a number.
_RATE: Final = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,10})?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_OK: Final = 200


class _Line(msgspec.Struct):
    currency: str
    bid: str
    ask: str
    quoted_at: datetime


class _Answer(msgspec.Struct):
    rates: list[_Line]


class HttpRateSource:
    """Asks `GET /rates`; rates are texts in CNY for one unit, times with their zone."""

    def __init__(
        self, base_url: str, *, timeout_seconds: float = limits.RATE_TIMEOUT_SECONDS_MAX
    ) -> None:
        """Prepare a client; nothing connects before the first call."""
        self._client = httpx.AsyncClient(
            base_url=base_url, verify=load_trust(), timeout=timeout_seconds
        )

    async def fetch(self) -> Sequence[Reading]:
        """Return what the source says; raises RateSourceFault for nonsense as a whole."""
        try:
            response = await self._client.get("/rates")
        except httpx.HTTPError as error:
            raise RateSourceFault(f"no answer: {type(error).__name__}") from error
        if response.status_code != _OK:
            raise RateSourceFault(f"the source answered {response.status_code}")
        if len(response.content) > limits.RATE_ANSWER_BYTES_MAX:
            raise RateSourceFault("the answer is too long")
        try:
            answer = msgspec.json.decode(response.content, type=_Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RateSourceFault("the answer cannot be read") from error
        return [_read(line) for line in answer.rates]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _read(line: _Line) -> Reading:
    is_right = (
        _CURRENCY.fullmatch(line.currency) is not None
        and _RATE.fullmatch(line.bid) is not None
        and _RATE.fullmatch(line.ask) is not None
        and line.quoted_at.tzinfo is not None
    )
    if not is_right:
        raise RateSourceFault("the answer has a rate that is none")
    return Reading(
        currency=line.currency,
        bid=Decimal(line.bid),
        ask=Decimal(line.ask),
        quoted_at=line.quoted_at,
    )
