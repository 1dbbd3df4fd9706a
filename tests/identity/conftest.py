"""A desk over a real database, with a vault of its own and a simulated SMS gateway on a socket."""

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pyotp
import pytest

from huitong import identity
from huitong.demo.authenticator import SoftwareAuthenticator
from huitong.kernel.clock import FixedClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.serving import serve_inside
from huitong.privacy import Vault

START = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)
CALLER = Caller(actor="test")
MOBILE = "13800000001"
PASSWORD = "南山南 chestnut river"
PIN = "802753"
ORIGIN = "https://bank.example"


@dataclass
class House:
    """Everything that a test of logging in needs, and short ways to the usual steps."""

    desk: identity.Desk
    gateway: identity.SmsGatewaySimulator
    gateway_url: str
    clock: FixedClock
    client: identity.Client = field(
        default_factory=lambda: identity.Client(address=ip_address("203.0.113.7"))
    )

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def advance(self, **step: float) -> None:
        self.clock.advance(timedelta(**step))

    async def run(self, command: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        return await self.desk.database.run(command, CALLER)

    async def query(self, statement: str, **values: object) -> Any:
        return await self.run(lambda uow: uow.execute(statement, **values))

    async def count(self, table: str) -> int:
        (row,) = await self.query(f"SELECT count(*) FROM {table}")
        return int(row[0])

    async def open_login(
        self, mobile: str = MOBILE, audience: identity.Audience = identity.Audience.CUSTOMER
    ) -> identity.Login:
        login: identity.Login = await self.run(
            lambda uow: identity.open_login(
                uow,
                vault=self.desk.vault,
                login_id=uuid7(),
                audience=audience,
                subject_id=uuid7(),
                mobile=mobile,
                now=self.now,
            )
        )
        return login

    async def ask_code(self, mobile: str = MOBILE, client: Any = None) -> tuple[uuid.UUID, str]:
        sent = await identity.start_log_in_by_code(
            self.desk,
            audience=identity.Audience.CUSTOMER,
            mobile=mobile,
            client=client or self.client,
            caller=CALLER,
            now=self.now,
        )
        return sent.id, self.read_code(mobile)

    def read_code(self, mobile: str = MOBILE) -> str:
        text = self.gateway.read_last(mobile)
        assert text is not None
        return re.findall("验证码 ([0-9]{6})，", text)[0]

    async def finish_code(
        self, code_id: uuid.UUID, code: str, client: Any = None
    ) -> identity.IssuedSession:
        return await identity.finish_log_in_by_code(
            self.desk,
            code_id=code_id,
            code=code,
            client=client or self.client,
            caller=CALLER,
            now=self.now,
        )

    async def log_in(self, mobile: str = MOBILE, client: Any = None) -> identity.IssuedSession:
        code_id, code = await self.ask_code(mobile, client)
        return await self.finish_code(code_id, code, client)

    async def log_in_by_password(
        self, password: str = PASSWORD, mobile: str = MOBILE, client: Any = None
    ) -> identity.IssuedSession:
        return await identity.log_in_by_password(
            self.desk,
            audience=identity.Audience.CUSTOMER,
            mobile=mobile,
            password=password,
            client=client or self.client,
            caller=CALLER,
            now=self.now,
        )

    async def change_password(
        self, session: identity.Session, new: str = PASSWORD, current: str | None = None
    ) -> None:
        await identity.change_password(
            self.desk,
            session=session,
            current_password=current,
            new_password=new,
            caller=CALLER,
            now=self.now,
        )

    async def with_password(self, mobile: str = MOBILE) -> identity.Login:
        """Open a login that has a password, and no session."""
        login = await self.open_login(mobile)
        issued = await self.log_in(mobile)
        await self.change_password(issued.session)
        self.advance(minutes=2)
        return login

    async def set_pin(self, session: identity.Session, pin: str = PIN) -> None:
        await identity.set_pin(self.desk, session=session, pin=pin, caller=CALLER, now=self.now)

    async def register_passkey(
        self, session: identity.Session, authenticator: SoftwareAuthenticator, name: str = "手机"
    ) -> identity.Passkey:
        options = await identity.start_passkey_registration(
            self.desk, session=session, caller=CALLER, now=self.now
        )
        return await identity.finish_passkey_registration(
            self.desk,
            session=session,
            challenge_id=options.challenge_id,
            credential=authenticator.create(options.public_key),
            name=name,
            caller=CALLER,
            now=self.now,
        )

    async def ask_passkey(self) -> identity.PasskeyOptions:
        return await identity.start_log_in_by_passkey(
            self.desk,
            audience=identity.Audience.CUSTOMER,
            client=self.client,
            caller=CALLER,
            now=self.now,
        )

    async def finish_passkey(
        self, options: identity.PasskeyOptions, credential: Any
    ) -> identity.IssuedSession:
        return await identity.finish_log_in_by_passkey(
            self.desk,
            challenge_id=options.challenge_id,
            credential=credential,
            client=self.client,
            caller=CALLER,
            now=self.now,
        )

    async def outcomes(self) -> list[str]:
        rows = await self.query("SELECT outcome FROM identity.attempts ORDER BY id")
        return [row.outcome for row in rows]


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(load_key_ring(tmp_path))


@pytest.fixture
def authenticator() -> SoftwareAuthenticator:
    return SoftwareAuthenticator(ORIGIN)


@pytest.fixture
async def house(database: Database, vault: Vault) -> AsyncIterator[House]:
    gateway = identity.SmsGatewaySimulator()
    clock = FixedClock(START)
    hasher = identity.SecretHasher(memory_kib=8, passes=1)
    sessions = identity.SessionCache(database)
    async with (
        serve_inside(gateway.application()) as url,
        identity.SmsGateway(url, timeout_seconds=3) as sender,
    ):
        desk = identity.Desk(
            database=database,
            vault=vault,
            hasher=hasher,
            sender=sender,
            sessions=sessions,
            relying_party=identity.RelyingParty(
                id="bank.example", name="Huitong", origins=(ORIGIN,)
            ),
            clock=clock,
        )
        yield House(desk, gateway, url, clock)
    await sessions.stop()
    hasher.close()


@dataclass
class Colleague:
    """A member of staff with an authenticator in hand."""

    id: uuid.UUID
    email: str
    secret: str
    recovery_codes: list[str]


@dataclass
class Office:
    """Staff over a real database, and short ways to the usual steps."""

    house: House

    async def staff(self, staff_id: uuid.UUID) -> identity.Staff:
        found: identity.Staff = await self.house.run(lambda uow: identity.get_staff(uow, staff_id))
        return found

    async def add_first(self, email: str) -> Colleague:
        staff_id = uuid7()
        token = await self.house.run(
            lambda uow: identity.add_first_administrator(
                uow,
                vault=self.house.desk.vault,
                staff_id=staff_id,
                name="王芳",
                email=email,
                now=self.house.now,
            )
        )
        return await self.enrol(staff_id, email, token)

    async def enrol(
        self, staff_id: uuid.UUID, email: str, token: str, invitation: str | None = None
    ) -> Colleague:
        shown = await identity.start_enrolment(
            self.house.desk,
            token=token,
            invitation=invitation,
            password=PASSWORD,
            caller=CALLER,
            now=self.house.now,
        )
        codes = await identity.finish_enrolment(
            self.house.desk,
            token=token,
            code=self.code(shown.secret),
            caller=CALLER,
            now=self.house.now,
        )
        return Colleague(staff_id, email, shown.secret, codes)

    def code(self, secret: str) -> str:
        """Return a code that was not taken yet: time goes by first."""
        self.house.advance(seconds=31)
        return self.same_code(secret)

    def same_code(self, secret: str) -> str:
        return pyotp.TOTP(secret).at(self.house.now)

    async def sign_in(
        self, who: Colleague, *, password: str = PASSWORD, code: str | None = None
    ) -> identity.StaffSession:
        issued = await self.issue(who, password=password, code=code)
        return issued.session

    async def issue(
        self,
        who: Colleague,
        *,
        password: str = PASSWORD,
        code: str | None = None,
        factor: identity.SecondFactor = identity.SecondFactor.TOTP,
    ) -> identity.IssuedStaffSession:
        return await identity.sign_in(
            self.house.desk,
            email=who.email,
            password=password,
            proof=identity.SecondProof(factor=factor, code=code or self.code(who.secret)),
            client=self.house.client,
            caller=CALLER,
            now=self.house.now,
        )

    async def find(self, token: str) -> identity.StaffSession | None:
        return await identity.find_staff_session(
            self.house.desk, token, caller=CALLER, now=self.house.now
        )

    async def request(
        self,
        by: identity.Staff,
        act: str,
        payload: dict[str, object],
        concerns: Collection[uuid.UUID] = (),
    ) -> identity.Approval:
        made: identity.Approval = await self.house.run(
            lambda uow: identity.request_approval(
                uow,
                approval_id=uuid7(),
                staff=by,
                act=act,
                payload=payload,
                reason="needed",
                concerns=concerns,
                now=self.house.now,
            )
        )
        return made

    async def approve(
        self,
        session: identity.StaffSession,
        approval: identity.Approval,
        *,
        digest: str | None = None,
        handlers: identity.Handlers = identity.APPROVED_ACTS,
    ) -> identity.Decided:
        decided: identity.Decided = await self.house.run(
            lambda uow: identity.approve(
                uow,
                session=session,
                approval_id=approval.id,
                digest=approval.digest if digest is None else digest,
                reason="checked",
                handlers=handlers,
                now=self.house.now,
            )
        )
        return decided

    async def hire(
        self,
        maker: identity.StaffSession,
        checker: identity.StaffSession,
        email: str,
        *roles: str,
        customer_id: uuid.UUID | None = None,
    ) -> Colleague:
        """Have two administrators add somebody, who enrols."""
        staff_id, vault = uuid7(), self.house.desk.vault
        approval = await self.house.run(
            lambda uow: identity.propose_staff(
                uow,
                vault=vault,
                by=maker.staff,
                staff_id=staff_id,
                approval_id=uuid7(),
                member=identity.NewMember(
                    name="李雷", email=email, roles=roles, customer_id=customer_id
                ),
                reason="new colleague",
                now=self.house.now,
            )
        )
        decided = await self.approve(checker, approval)
        invitation = await self.house.run(
            lambda uow: identity.get_invitation(
                uow, vault=vault, by=maker.staff, approval_id=approval.id
            )
        )
        assert decided.secret is not None
        return await self.enrol(staff_id, email, decided.secret, invitation)


@pytest.fixture
def office(house: House) -> Office:
    return Office(house)


@pytest.fixture
async def administrators(office: Office) -> tuple[identity.StaffSession, identity.StaffSession]:
    """The first two administrators, signed in."""
    first = await office.add_first("ming@bank.example")
    second = await office.add_first("hua@bank.example")
    return await office.sign_in(first), await office.sign_in(second)
