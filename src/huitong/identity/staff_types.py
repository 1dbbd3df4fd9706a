"""Members of staff, their sessions, and what two of them decide together."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from huitong.identity.types import Audience, PasskeyHolder


class StaffState(StrEnum):
    """Whether a member of staff may sign in."""

    #: Another administrator has not approved yet.
    PROPOSED = "proposed"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class SecondFactor(StrEnum):
    """What is proved besides the password."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"


class StaffOutcome(StrEnum):
    """What came of a try to sign in."""

    SIGNED_IN = "signed_in"
    WRONG = "wrong"
    #: Nobody has this e-mail address, or has not enrolled.
    UNKNOWN = "unknown"
    LOCKED = "locked"
    SUSPENDED = "suspended"
    #: The password is right, and the code was taken before.
    REPLAYED = "replayed"
    #: The challenge was used already, or is too old.
    EXPIRED = "expired"
    CLONED_PASSKEY = "cloned_passkey"
    #: Both factors were right, and risk said no.
    BLOCKED = "blocked"
    #: Both factors were right, and risk wants a passkey as the second one.
    PASSKEY_WANTED = "passkey_wanted"


class ApprovalState(StrEnum):
    """How far a request has come; one that is pending too long expires by itself."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """A member of staff, with the present roles; name, address and secrets stay out of its text."""

    id: uuid.UUID
    state: StaffState
    roles: frozenset[str]
    branch: str | None = None
    #: The member's own record as a customer.
    customer_id: uuid.UUID | None = field(default=None, repr=False)
    name_sealed: bytes = field(default=b"", repr=False)
    email_sealed: bytes = field(default=b"", repr=False)
    email_index: bytes = field(default=b"", repr=False)
    password_hash: str | None = field(default=None, repr=False)
    totp_sealed: bytes | None = field(default=None, repr=False)
    totp_step: int | None = field(default=None, repr=False)
    revision: int = 1
    created_at: datetime

    @property
    def is_enrolled(self) -> bool:
        """Whether password and second factor are set."""
        return self.password_hash is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """A member of staff as colleagues see it."""

    staff: Staff
    name: str = field(repr=False)
    email: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSession:
    """A member of staff who is signed in, with the roles of this moment."""

    id: uuid.UUID
    staff: Staff
    second_factor: SecondFactor
    created_at: datetime
    expires_at: datetime
    idle_seconds: int
    last_seen_at: datetime

    def is_live(self, now: datetime) -> bool:
        """Say whether neither the whole time nor the idle time has run out."""
        return now < min(self.expires_at, self.last_seen_at + timedelta(seconds=self.idle_seconds))

    @property
    def passkey_holder(self) -> PasskeyHolder:
        """Whose passkeys this session may see and change."""
        return PasskeyHolder(
            id=self.staff.id,
            session_id=self.id,
            subject_id=self.staff.id,
            audience=Audience.STAFF,
            is_member_of_staff=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedStaffSession:
    """A new session with its token."""

    session: StaffSession
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A request and, once there is one, its decision.

    `payload` is what will be done, as canonical JSON, and `digest` its SHA-256 together with the
    act, 64 hexadecimal digits. `concerns` are all members of staff and customers whom it is about.
    """

    id: uuid.UUID
    act: str
    payload: str = field(repr=False)
    digest: str
    concerns: frozenset[uuid.UUID] = field(repr=False)
    reason: str = field(repr=False)
    requested_by: uuid.UUID
    requested_at: datetime
    expires_at: datetime
    state: ApprovalState
    decided_by: uuid.UUID | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = field(default=None, repr=False)
    outcome: Mapping[str, Any] | None = None

    def is_open(self, now: datetime) -> bool:
        """Say whether it can still be decided."""
        return self.state is ApprovalState.PENDING and now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What came of an approved act: `outcome` is kept; `secret` is shown to the checker, once."""

    outcome: Mapping[str, str]
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A request after its decision, and the secret that its execution made, if it made one."""

    approval: Approval
    secret: str | None = field(default=None, repr=False)
