"""The clients of a fault run: they pay, and ask again with the same key until they know.

That is all that a caller of Huitong has to do right. Some are difficult: they hang up early, or
send the same request twice at once.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

PATH: Final = "/v1/payments"
#: A request that is not answered in this time is given up and sent again with the same key.
_ATTEMPT_SECONDS_MAX: Final = 10.0
#: Past this, a platform that is meant to come back has not: the payment counts as unresolved.
_RESOLVE_SECONDS_MAX: Final = 120.0
_RETRY_SECONDS_MIN: Final = 0.02
_RETRY_SECONDS_MAX: Final = 0.3
#: Small, so that the caps of a day do not end the run.
_AMOUNT_MAX: Final = 60
_TWICE_AT_ONCE: Final = 0.1
_HANGS_UP: Final = 0.1
_HANG_UP_SECONDS_MAX: Final = 0.02
_PAYS_MERCHANT: Final = 0.4
# Not an answer to the question that was asked: a retry may get one.
_NOT_DEFINITE: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Parties:
    """Who may pay and be paid: account names as the API shows them."""

    customers: Sequence[str]
    merchant: str


@dataclass(slots=True, kw_only=True)
class Attempted:
    """One payment that a client wanted, and what it was told in the end."""

    key: str
    payer: str
    payee: str
    amount: int
    attempts: int = 0
    status: int | None = None
    body: bytes = b""
    #: How often each answer came that says nothing of the payment: an exception or a 5xx.
    unclear: Counter[str] = field(default_factory=Counter)
    #: What is wrong with the answers, seen from the client alone.
    complaints: list[str] = field(default_factory=list)

    @property
    def request(self) -> dict[str, object]:
        """The body that asks for it."""
        return {"payer": self.payer, "payee": self.payee, "amount": money(self.amount)}

    @property
    def is_acknowledged(self) -> bool:
        """Whether the client was told that the payment stands."""
        return self.status == HTTPStatus.CREATED

    @property
    def answer(self) -> dict[str, Any]:
        """The answer as it was read."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded


@dataclass(slots=True)
class Till:
    """All clients of one run, and every payment that they wanted."""

    url: str
    secret: str
    parties: Parties
    seed: int
    payments: list[Attempted] = field(default_factory=list, init=False)

    async def run(self, *, clients: int, until: float) -> None:
        """Pay with that many clients until the monotonic time `until`, then finish."""
        async with self.connect(clients * 2) as http:
            await asyncio.gather(
                *(self._pay_until(http, number, until) for number in range(clients))
            )

    def connect(self, connections: int) -> httpx.AsyncClient:
        """Return an HTTP client with the run's key; the caller closes it."""
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.secret}"},
            timeout=_ATTEMPT_SECONDS_MAX,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=False,
        )

    async def hang_up(self, payment: Attempted, after_seconds: float) -> None:
        """Send the request over a connection of its own and go away, answered or not.

        Not with the HTTP client: a request that is cancelled while its answer comes in takes its
        connection out of that client's pool for good, and in the end nobody can ask any more.
        """
        payment.attempts += 1
        body = msgspec.json.encode(payment.request)
        address = urlsplit(self.url)
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: Bearer {self.secret}\r\nIdempotency-Key: {payment.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(_ATTEMPT_SECONDS_MAX):
                _, writer = await asyncio.open_connection(address.hostname, address.port)
        except (TimeoutError, OSError):
            return
        writer.write(head.encode() + body)
        await asyncio.sleep(after_seconds)
        writer.transport.abort()

    async def _pay_until(self, http: httpx.AsyncClient, number: int, until: float) -> None:
        chance = random.Random(f"chaos client {self.seed} {number}")  # noqa: S311 - repeatable
        count = 0
        while time.monotonic() < until:
            count += 1
            payer, payee = chance.sample(self.parties.customers, 2)
            if chance.random() < _PAYS_MERCHANT:
                payee = self.parties.merchant
            payment = Attempted(
                key=f"chaos-{self.seed}-{number}-{count}",
                payer=payer,
                payee=payee,
                amount=chance.randint(1, _AMOUNT_MAX),
            )
            self.payments.append(payment)
            await self._pay(http, payment, chance)

    async def _pay(
        self, http: httpx.AsyncClient, payment: Attempted, chance: random.Random
    ) -> None:
        habit = chance.random()
        if habit < _HANGS_UP:
            await self.hang_up(payment, chance.uniform(0, _HANG_UP_SECONDS_MAX))
        if habit > 1 - _TWICE_AT_ONCE:
            first, second = await asyncio.gather(ask(http, payment), ask(http, payment))
            if first is not None and second is not None and first != second:
                payment.complaints.append(f"two answers to one key: {first} and {second}")
        else:
            first = await ask(http, payment)
        if first is None:
            payment.complaints.append(f"no definite answer in time, but {dict(payment.unclear)}")
            return
        payment.status, payment.body = first
        if payment.is_acknowledged:
            payment.complaints.extend(find_mistakes(payment))


async def ask(http: httpx.AsyncClient, payment: Attempted) -> tuple[int, bytes] | None:
    """Ask for a payment with its key until the answer is definite; None if it never is."""
    deadline = time.monotonic() + _RESOLVE_SECONDS_MAX
    pause = _RETRY_SECONDS_MIN
    while time.monotonic() < deadline:
        payment.attempts += 1
        try:
            answer = await _send(http, payment)
        except httpx.HTTPError as error:
            payment.unclear[type(error).__name__] += 1
        else:
            if is_definite(answer.status_code):
                return answer.status_code, answer.content
            payment.unclear[str(answer.status_code)] += 1
        await asyncio.sleep(pause)
        pause = min(_RETRY_SECONDS_MAX, 2 * pause)
    return None


def is_definite(status: int) -> bool:
    """Whether a status says what became of the payment: done, or refused for good."""
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _NOT_DEFINITE


def find_mistakes(payment: Attempted) -> list[str]:
    """Compare the answer to what was asked; returns a sentence for each difference."""
    answer = payment.answer
    expected = {
        "status": "succeeded",
        "payer": payment.payer,
        "payee": payment.payee,
        "amount": money(payment.amount),
    }
    return [
        f"{payment.key}: {name} is {answer.get(name)!r}, not {wanted!r}"
        for name, wanted in expected.items()
        if answer.get(name) != wanted
    ]


def money(minor: int) -> dict[str, str]:
    """Return minor units of yuan as the API writes them."""
    return {"amount": f"{minor // 100}.{minor % 100:02d}", "currency": "CNY"}


async def _send(http: httpx.AsyncClient, payment: Attempted) -> httpx.Response:
    return await http.post(PATH, headers={"Idempotency-Key": payment.key}, json=payment.request)
