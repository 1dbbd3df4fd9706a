"""Who logs in and with what: logins, devices, sessions, factors, acts, and the vault they need."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, Protocol

from huitong.identity.places import Place
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_KEPT_BITS: Final = {4: 24, 6: 48}
# An IPv6 subscriber has a whole /64 to try from.
_COUNTED_BITS: Final = {4: 32, 6: 64}


class Vault(Protocol):
    """What this room needs of `privacy.Vault`."""

    async def seal(
        self, uow: UnitOfWork, subject_id: uuid.UUID, fields: Mapping[str, str], /
    ) -> dict[str, bytes]:
        """Return each field sealed with the subject's data key."""
        ...

    async def open(
        self, uow: UnitOfWork, subject_id: uuid.UUID, sealed: Mapping[str, bytes], /
    ) -> dict[str, str]:
        """Return each field in the clear; refuses after the subject's key was destroyed."""
        ...

    def blind_index(self, kind: str, value: str, /) -> bytes:
        """Return the keyed digest of a value, 32 bytes, the same for the same kind and value."""
        ...


class Audience(StrEnum):
    """Whose door it is."""

    CUSTOMER = "customer"
    STAFF = "staff"


class LoginState(StrEnum):
    """Whether a login opens anything."""

    ACTIVE = "active"
    #: Staff stopped it; it can be restored.
    SUSPENDED = "suspended"
    #: For ever.
    CLOSED = "closed"


class Factor(StrEnum):
    """What somebody can prove who they are with."""

    ONE_TIME_CODE = "one_time_code"
    PASSWORD = "password"  # noqa: S105 - the name of a factor
    PASSKEY = "passkey"
    PIN = "pin"


class Outcome(StrEnum):
    """What came of a try to log in."""

    LOGGED_IN = "logged_in"
    WRONG = "wrong"
    #: There is no such login, code, challenge or passkey.
    UNKNOWN = "unknown"
    LOCKED = "locked"
    #: The code or the challenge was used already, or is too old.
    EXPIRED = "expired"
    #: The credential was right, and a second factor is asked for; then `LOGGED_IN` follows.
    AWAITS_PROOF = "awaits_proof"
    #: In, and for a time without payments and changes of credentials.
    REDUCED = "reduced"
    #: The credential may have been right, and risk said no.
    BLOCKED = "blocked"
    #: The number was proved, and nobody has opened a login for it.
    NOT_OPEN = "not_open"
    SUSPENDED = "suspended"
    CLONED_PASSKEY = "cloned_passkey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where a request comes from, as the edge sees it.

    `device_token` is what the device was given when it was bound, None for a new one. `place` is
    where the address is, as far as that is known.
    """

    address: Address = field(repr=False)
    device_token: str | None = field(default=None, repr=False)
    device_name: str | None = field(default=None, repr=False)
    place: Place | None = None
    request_id: str | None = None
    #: The program that asks, as it calls itself (User-Agent).
    agent: str | None = field(default=None, repr=False)

    @property
    def network(self) -> Network:
        """The address without its last part (IPv4 /24, IPv6 /48), which is what is kept."""
        return ip_network((self.address, _KEPT_BITS[self.address.version]), strict=False)

    @property
    def counted_as(self) -> str:
        """The address as failures are counted: an IPv4 address, or an IPv6 /64."""
        bits = _COUNTED_BITS[self.address.version]
        return str(ip_network((self.address, bits), strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A person's way in; hashes and the number stay out of its text."""

    id: uuid.UUID
    audience: Audience
    subject_id: uuid.UUID
    mobile_index: bytes = field(repr=False)
    mobile_sealed: bytes = field(repr=False)
    state: LoginState
    password_hash: str | None = field(default=None, repr=False)
    pin_hash: str | None = field(default=None, repr=False)
    revision: int = 1
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A phone or browser that is bound to a login."""

    id: uuid.UUID
    name: str | None = field(repr=False)
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyHolder:
    """Whose passkeys they are, and the session that speaks for them: a login's or the staff's.

    `id` is the login's or the member's, `subject_id` whose data key seals the passkeys' names.
    """

    id: uuid.UUID
    session_id: uuid.UUID
    subject_id: uuid.UUID
    audience: Audience
    is_member_of_staff: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is logged in; `factors` says what was proved, and when last."""

    id: uuid.UUID
    login_id: uuid.UUID
    audience: Audience
    subject_id: uuid.UUID
    device_id: uuid.UUID
    method: Factor
    created_at: datetime
    expires_at: datetime
    idle_seconds: int
    last_seen_at: datetime
    factors: Mapping[Factor, datetime]
    #: Until when a second factor has to be proved, and the session opens nothing before.
    proof_until: datetime | None = None
    #: Until when it pays nothing and changes no credential.
    reduced_until: datetime | None = None

    @property
    def awaits_proof(self) -> bool:
        """Whether a second factor is still to be proved."""
        return self.proof_until is not None

    def is_reduced(self, now: datetime) -> bool:
        """Say whether it may not pay or change credentials yet."""
        return self.reduced_until is not None and now < self.reduced_until

    def is_live(self, now: datetime) -> bool:
        """Say whether neither the whole time nor the idle time has run out, nor that to prove."""
        ends = [self.expires_at, self.last_seen_at + timedelta(seconds=self.idle_seconds)]
        return now < min(ends if self.proof_until is None else [*ends, self.proof_until])

    @property
    def passkey_holder(self) -> PasskeyHolder:
        """Whose passkeys this session may see and change."""
        return PasskeyHolder(
            id=self.login_id,
            session_id=self.id,
            subject_id=self.subject_id,
            audience=self.audience,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInReason:
    """Why a log-in was held back, in plain words."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedSession:
    """A new session with its token; `device_token` is new too if the device was not known.

    `decision_id` is the id of the try to log in, and of the decision about it if there was one.
    """

    session: Session
    token: str = field(repr=False)
    device_token: str | None = field(repr=False)
    #: Any one of these makes a session usable that waits for a second factor; else empty.
    wanted: tuple[Factor, ...] = ()
    decision_id: uuid.UUID
    reasons: tuple[LogInReason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """Somebody who proved a number that has no login; `id` is the subject id of the person to be.

    `is_open` until the login is open, or the application was refused. What was proved stays
    believed until `expires_at` either way, so that an applicant may see what came of it.
    """

    id: uuid.UUID
    mobile_index: bytes = field(repr=False)
    is_open: bool
    proved_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedSignUp:
    """A sign-up with its token, which nobody can read again."""

    sign_up: SignUp
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPolicy:
    """How long a session may live, and how long it may be idle.

    Use is written down once a minute, so idle time is exact to a minute, on the short side.
    """

    live_seconds: int
    idle_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """The public half of a passkey, without the key itself."""

    id: uuid.UUID
    name: str | None = field(repr=False)
    is_backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Who we are to authenticators: `id` is a domain, `origins` the pages that may ask."""

    id: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody is about to do: a kind like `payments.pay`, with amount and parties if any.

    `payer` and `payee` are public ids (an account, a merchant), or what `name_mobile_payee` makes
    of a number; never a name.
    """

    kind: str
    amount: Money | None = None
    payee: str | None = None
    payer: str | None = None

    @property
    def digest(self) -> bytes:
        """32 bytes that differ whenever kind, amount, currency, payee or payer do (SHA-256).

        Each part goes in with its length, so that no two acts are one text.
        """
        amount = ("", "") if self.amount is None else (self.amount.minor, self.amount.currency)
        payee = "" if self.payee is None else f"payee:{self.payee}"
        payer = "" if self.payer is None else f"payer:{self.payer}"
        parts = (self.kind, *amount, payee, payer)
        encoded = [str(part).encode() for part in parts]
        framed = b"".join(len(part).to_bytes(4) + part for part in encoded)
        return hashlib.sha256(b"huitong.identity.act.v2" + framed).digest()
