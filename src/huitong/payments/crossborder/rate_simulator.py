"""A simulated source of rates: a small web application that can misbehave on request."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from huitong.kernel.clock import Clock, SystemClock

_RATES: Final = {
    "USD": ("7.1000", "7.1100"),
    "EUR": ("7.7800", "7.7950"),
    "GBP": ("8.9800", "9.0000"),
    "HKD": ("0.9120", "0.9135"),
    "JPY": ("0.047600", "0.047700"),
}


class RateFault(StrEnum):
    """How the source misbehaves, until it is told to behave."""

    STALE = "stale"
    CROSSED = "crossed"
    MISSING = "missing"
    OUTLIER = "outlier"
    NONSENSE = "nonsense"
    DOWN = "down"


class RateSimulator:
    """Answers `GET /rates`; `PUT /rates/{currency}` and `PUT /fault` change what it says."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        """Start with rates of its own, well behaved."""
        self.rates: dict[str, tuple[str, str]] = dict(_RATES)
        self.fault: RateFault | None = None
        #: Whose rate is wrong.
        self.faulty: str = "USD"
        self._clock = clock or SystemClock()

    def application(self) -> Starlette:
        """Return the web application."""
        return Starlette(
            routes=[
                Route("/rates", self._show, methods=["GET"]),
                Route("/rates/{currency}", self._set, methods=["PUT"]),
                Route("/fault", self._set_fault, methods=["PUT"]),
            ]
        )

    async def _show(self, _request: Request) -> Response:
        if self.fault is RateFault.DOWN:
            return Response(status_code=503)
        if self.fault is RateFault.NONSENSE:
            return Response('{"rates": [{"currency": "USD", "bid": NaN}]}')
        now = self._clock.now()
        lines = [self._line(currency, now) for currency in sorted(self.rates)]
        return JSONResponse({"rates": [line for line in lines if line is not None]})

    def _line(self, currency: str, now: datetime) -> dict[str, str] | None:
        bid, ask = self.rates[currency]
        fault = self.fault if currency == self.faulty else None
        if fault is RateFault.MISSING:
            return None
        if fault is RateFault.STALE:
            now -= timedelta(hours=1)
        if fault is RateFault.CROSSED:
            bid, ask = str(Decimal(ask) + 1), bid
        if fault is RateFault.OUTLIER:
            bid, ask = str(Decimal(bid) * 2), str(Decimal(ask) * 2)
        return {"currency": currency, "bid": bid, "ask": ask, "quoted_at": now.isoformat()}

    async def _set(self, request: Request) -> Response:
        body = await request.json()
        self.rates[request.path_params["currency"]] = (str(body["bid"]), str(body["ask"]))
        return Response(status_code=204)

    async def _set_fault(self, request: Request) -> Response:
        body = await request.json()
        self.fault = None if body["fault"] is None else RateFault(body["fault"])
        self.faulty = body.get("currency", "USD")
        return Response(status_code=204)
