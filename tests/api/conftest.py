"""A real server on a free port over a real database, and clients with keys.

One server and one database for each file of tests: they take longer to make than a request.
"""

import asyncio
import contextlib
import re
import socket
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pyotp
import pytest
import uvicorn

from huitong import identity, ledger
from huitong.api import create_app
from huitong.api.protocol import BoundedProtocol
from huitong.api.scopes import SCOPES
from huitong.identity import SmsGatewaySimulator
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import CUSTOMER, read_id, uuid7
from huitong.kernel.settings import Settings
from huitong.privacy import Vault

_APP_ROLE = "huitong_app"
_START_SECONDS = 20


@dataclass
class Api:
    """A running server: its address, and the database behind it."""

    url: str
    owner_url: str
    #: The phones of this world.
    sms: SmsGatewaySimulator = field(default_factory=SmsGatewaySimulator)

    async def run(self, command: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        """Run a command of a room, as the application's role."""
        async with Database(self.owner_url, role=_APP_ROLE, size=1) as database:
            return await database.run(command)

    async def run_as_owner(self, statement: str) -> None:
        """Change what no role of the platform may: the past."""
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def make_key(self, *scopes: str, merchant_id: uuid.UUID | None = None) -> str:
        """Return the secret of a new key; with all scopes if none are named."""
        issued = await self.run(
            lambda uow: identity.issue_api_key(
                uow,
                name="test",
                scopes=scopes or SCOPES,
                now=SystemClock().now(),
                merchant_id=merchant_id,
            )
        )
        secret: str = issued.secret
        return secret

    async def fund(self, account: str, minor: int) -> None:
        """Put money on an account, out of an account of our own."""
        now = SystemClock().now()

        async def command(uow: Any) -> None:
            cash = await ledger.ensure_system_account(
                uow, "test:cash", chart_code="1002.01", currency="CNY", name="Cash of the test"
            )
            transfer = ledger.Transfer(
                id=uuid7(),
                debit_account_id=cash.id,
                credit_account_id=ledger.read_account(account, field="account"),
                amount=minor,
                currency="CNY",
                code=ledger.TransferCode.OPENING,
                effective_on=business_day(now),
            )
            (outcome,) = await ledger.post_entries(
                uow, [ledger.Request(ledger.Entry((transfer,)))], now=now
            )
            assert outcome.is_posted, outcome

        await self.run(command)

    async def count(self) -> dict[str, int]:
        """Return how many rows each table has that a request could change."""
        tables = (
            "ledger.accounts",
            "ledger.transfers",
            "customers.customers",
            "customers.merchants",
            "payments.orders",
            "payments.refunds",
            "payments.shares",
            "payments.merchant_codes",
            "payments.customer_codes",
            "payments.channel_orders",
            "payments.bulk_files",
            "payments.bulk_lines",
            "payments.bulk_problems",
            "privacy.consents",
            "privacy.requests",
            "privacy.export_parts",
            "kernel.outbox",
            "kernel.audit",
            "kernel.replies",
        )

        async def command(uow: UnitOfWork) -> dict[str, int]:
            return {
                table: await uow.fetch_value(f"SELECT count(*) FROM {table}") for table in tables
            }

        counted: dict[str, int] = await self.run(command)
        return counted


@contextlib.contextmanager
def run_server(application: Any, listening: socket.socket | None = None) -> Iterator[str]:
    """Serve an ASGI application on a free port, or a socket, in a thread; yields its address."""
    listening = listening or socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            http=BoundedProtocol,
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        assert server.started, "the server did not start"
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="session")
def serve() -> Callable[[Any], contextlib.AbstractContextManager[str]]:
    """Serve an application on a free port while a block runs; the block gets its address."""
    return run_server


@pytest.fixture(scope="session")
def settings_for(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Settings]:
    """Return settings with the database at a URL."""
    home: Path = tmp_path_factory.mktemp("home")
    return lambda url: Settings(home=home).with_database(owner_url=url, app_role=_APP_ROLE)


@pytest.fixture(scope="module")
def api(server: Any, template: str, settings_for: Callable[[str], Settings]) -> Iterator[Api]:
    """The server of this file of tests, on a database of its own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    owner_url = server.database_url(name)
    sms = SmsGatewaySimulator()
    with run_server(sms.application()) as sms_url:
        settings = replace(settings_for(owner_url), sms_gateway_url=sms_url)
        with run_server(create_app(settings)) as url:
            yield Api(url, owner_url, sms)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def full_key(api: Api) -> str:
    """The secret of a key that may do everything."""
    return asyncio.run(api.make_key())


@pytest.fixture
async def anonymous(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key."""
    async with httpx.AsyncClient(base_url=api.url, timeout=20) as client:
        yield client


@pytest.fixture
async def client(api: Api, full_key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose key may do everything."""
    headers = {"Authorization": f"Bearer {full_key}"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def post(client: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """Send a command with a key of its own, or the one that is given."""

    async def send(path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        return await client.post(
            path, json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex}
        )

    return send


STAFF_PASSWORD = "chestnut river 南山南"


@dataclass
class Colleague:
    """A member of staff of the running server: how to sign in, again and again."""

    id: str
    email: str
    secret: str
    recovery_codes: list[str]
    used: int = 0

    def next_code(self) -> dict[str, str]:
        """Return a second factor that was not used yet; the first one is the authenticator's."""
        self.used += 1
        if self.used == 1:
            # The code of the enrolment is taken; that of the next half minute is accepted already.
            return {"code": pyotp.TOTP(self.secret).at(time.time() + 30)}
        return {"recovery_code": self.recovery_codes[self.used - 2]}


@dataclass
class StaffOffice:
    """The staff of the running server; everything but the first two is done over HTTP."""

    api: Api
    vault: Vault
    people: dict[str, Colleague] = field(default_factory=dict)
    _administrators: tuple[dict[str, str], dict[str, str]] | None = None

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.api.url, timeout=20)

    async def person(self, name: str, *roles: str, customer: str | None = None) -> Colleague:
        """Return the member of staff with this short name, hired with `roles` if there is none."""
        if name not in self.people:
            if name in ("admin", "admin2"):
                self.people[name] = await self._add_first(name)
            else:
                self.people[name] = await self._hire(name, roles, customer)
        return self.people[name]

    async def sign_in(self, who: Colleague) -> dict[str, str]:
        """Return the headers of a new session."""
        body = {"email": who.email, "password": STAFF_PASSWORD, **who.next_code()}
        async with self.client() as client:
            answer = await client.post("/v1/staff/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    async def headers(self, role: str) -> dict[str, str]:
        """Return the headers of a member who has just this role."""
        if role == "administrator":
            return await self.sign_in(await self.person("admin"))
        return await self.sign_in(await self.person(role, role))

    async def decide(self, asked: httpx.Response, checker: dict[str, str]) -> httpx.Response:
        """Approve what was asked for."""
        assert asked.status_code == 202, asked.text
        request = asked.json()
        async with self.client() as client:
            return await client.post(
                f"/v1/staff/approvals/{request['id']}/approve",
                json={"digest": request["digest"], "reason": "checked"},
                headers=checker,
            )

    async def administrators(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the headers of the two administrators; one session each is enough."""
        if self._administrators is None:
            self._administrators = (
                await self.sign_in(await self.person("admin")),
                await self.sign_in(await self.person("admin2")),
            )
        return self._administrators

    async def _add_first(self, name: str) -> Colleague:
        email = f"{name}@bank.example"
        token = await self.api.run(
            lambda uow: identity.add_first_administrator(
                uow,
                vault=self.vault,
                staff_id=uuid7(),
                name="王芳",
                email=email,
                now=SystemClock().now(),
            )
        )
        return await self.enrol(email, {"token": token})

    async def _hire(self, name: str, roles: tuple[str, ...], customer: str | None) -> Colleague:
        maker, checker = await self.administrators()
        email = f"{name}@bank.example"
        body = {"name": "李雷", "email": email, "roles": list(roles), "reason": "joins"}
        if customer is not None:
            body["customer"] = customer
        async with self.client() as client:
            asked = await client.post(
                "/v1/staff/members",
                json=body,
                headers={**maker, "Idempotency-Key": uuid.uuid4().hex},
            )
            decided = await self.decide(asked, checker)
            assert decided.status_code == 200, decided.text
            invitation = await client.get(
                f"/v1/staff/approvals/{asked.json()['id']}/invitation", headers=maker
            )
        halves = {"token": decided.json()["secret"], **invitation.json()}
        return await self.enrol(email, halves)

    async def enrol(self, email: str, halves: dict[str, str]) -> Colleague:
        """Set both factors with the halves of an enrolment."""
        async with self.client() as client:
            started = await client.post(
                "/v1/staff/enrolments", json={**halves, "password": STAFF_PASSWORD}
            )
            assert started.status_code == 201, started.text
            secret = started.json()["secret"]
            finished = await client.post(
                "/v1/staff/enrolments/finish",
                json={"token": halves["token"], "code": pyotp.TOTP(secret).now()},
            )
            assert finished.status_code == 201, finished.text
        staff_id = await self.api.run(
            lambda uow: uow.fetch_value(
                "SELECT id FROM identity.staff WHERE email_index = :index AND state = 'active'",
                index=self.vault.blind_index("staff_email", email),
            )
        )
        return Colleague(f"stf_{staff_id.hex}", email, secret, finished.json()["recovery_codes"])


@pytest.fixture(scope="module")
def server_vault(settings_for: Callable[[str], Settings]) -> Vault:
    """A vault with the running server's keys."""
    home = settings_for("postgresql://nobody@127.0.0.1:1/none").home
    return Vault(load_key_ring(home))


@pytest.fixture(scope="module")
def staff(api: Api, server_vault: Vault) -> StaffOffice:
    """The staff of the running server."""
    return StaffOffice(api, server_vault)


@pytest.fixture
def customer_headers(
    api: Api, anonymous: httpx.AsyncClient, server_vault: Vault
) -> Callable[..., Awaitable[dict[str, str]]]:
    """Return the headers of a customer who is logged in; of nobody's record if none is named."""

    async def log_in(customer: str | None = None) -> dict[str, str]:
        mobile = f"13{uuid.uuid4().int % 10**9:09d}"
        subject_id = uuid7() if customer is None else read_id(CUSTOMER, customer, field="id")
        await api.run(
            lambda uow: identity.open_login(
                uow,
                vault=server_vault,
                login_id=uuid7(),
                audience=identity.Audience.CUSTOMER,
                subject_id=subject_id,
                mobile=mobile,
                now=SystemClock().now(),
            )
        )
        asked = await anonymous.post("/v1/identity/codes", json={"mobile": mobile})
        text = api.sms.read_last(mobile)
        assert text is not None
        code = re.findall("[0-9]{6}", text)[0]
        answer = await anonymous.post(
            "/v1/identity/sessions/by-code", json={"code_id": asked.json()["id"], "code": code}
        )
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    return log_in
