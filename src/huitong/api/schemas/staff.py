"""Members of staff, their enrolment and their sessions as they travel."""

from typing import Annotated, Any, ClassVar, Literal, Self

from fastapi import Path
from pydantic import AfterValidator, ConfigDict, Field, model_validator

from huitong import identity
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    Body,
    Instant,
    View,
    check_printable,
    example_id,
    id_pattern,
)
from huitong.api.schemas.identity import (
    ChallengeId,
    Delivery,
    OneTimeCode,
    PasskeyAnswer,
    SecretText,
)
from huitong.kernel import ids, limits
from huitong.kernel.ids import show_id

_TOKEN = "[A-Za-z0-9_-]{43}"  # noqa: S105 - a shape
_EXAMPLE_TOKEN = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"  # noqa: S105 - opens nothing
# Those of sixteen letters were made before there were 24 in one.
_RECOVERY_PATTERN = "^[A-Za-z2-7 -]{16,32}$"

Email = Annotated[
    str,
    Field(min_length=3, max_length=limits.EMAIL_LENGTH_MAX, examples=["ming@bank.example"]),
]
EnrolmentToken = Annotated[
    str, Field(pattern=f"^hse_{_TOKEN}$", examples=[f"hse_{_EXAMPLE_TOKEN}"])
]
Roles = Annotated[
    list[Annotated[str, Field(pattern="^[a-z_]{1,32}$")]],
    Field(min_length=1, max_length=limits.STAFF_ROLES_MAX, examples=[["operations"]]),
]
StaffPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.STAFF),
        description="The member's id.",
        examples=[example_id(ids.STAFF)],
    ),
]


class StartEnrolment(Body):
    """A token from the checker, the invitation from the maker, and a password of one's own."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": f"hse_{_EXAMPLE_TOKEN}",
                    "invitation": "ABCD-EFGH",
                    "password": "chestnut river 9",
                }
            ]
        }
    )

    token: EnrolmentToken
    invitation: str | None = Field(
        default=None,
        pattern="^[A-Za-z2-7]{4}-[A-Za-z2-7]{4}$",
        description="The first administrators, whom the machine's operator adds, have none.",
    )
    password: SecretText


class AuthenticatorView(View):
    """What an authenticator application is set up with, shown once."""

    secret: str = Field(description="Base 32; six digits, 30 seconds, SHA-1 (RFC 6238).")
    address: str = Field(description="`otpauth://…`, for a QR code.")


class FinishEnrolment(Body):
    """The authenticator's first code."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"token": f"hse_{_EXAMPLE_TOKEN}", "code": "493817"}]}
    )

    token: EnrolmentToken
    code: OneTimeCode


class RecoveryCodesView(View):
    """Codes for a lost telephone, each good once; shown once."""

    recovery_codes: list[str]


class SignedChallenge(Body):
    """A challenge that one of the member's passkeys signed."""

    challenge_id: ChallengeId
    credential: PasskeyAnswer


class SignIn(Body):
    """Both factors: the password, and a code or a passkey."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {"email": "ming@bank.example", "password": "chestnut river 9", "code": "493817"}
            ]
        }
    )

    email: Email
    password: SecretText
    code: OneTimeCode | None = None
    recovery_code: str | None = Field(default=None, pattern=_RECOVERY_PATTERN)
    passkey: SignedChallenge | None = None
    delivery: Delivery = "token"

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if [self.code, self.recovery_code, self.passkey].count(None) != 2:  # noqa: PLR2004
            raise ValueError("must have exactly one of code, recovery_code and passkey")
        return self

    def read(
        self, relying_party: identity.RelyingParty
    ) -> identity.SecondProof | identity.PasskeyProof:
        """Return the second factor."""
        if self.passkey is not None:
            return identity.PasskeyProof(
                challenge_id=ids.read_id(
                    ids.CHALLENGE, self.passkey.challenge_id, field="passkey.challenge_id"
                ),
                credential=self.passkey.credential,
                relying_party=relying_party,
            )
        if self.code is not None:
            return identity.SecondProof(factor=identity.SecondFactor.TOTP, code=self.code)
        assert self.recovery_code is not None
        return identity.SecondProof(
            factor=identity.SecondFactor.RECOVERY_CODE, code=self.recovery_code
        )


class StaffSessionView(View):
    """A member of staff who is signed in."""

    id: Annotated[str, Field(pattern=id_pattern(ids.SESSION), examples=[example_id(ids.SESSION)])]
    staff: Annotated[str, Field(pattern=id_pattern(ids.STAFF), examples=[example_id(ids.STAFF)])]
    roles: list[str]
    permissions: list[str]
    second_factor: Literal["totp", "recovery_code", "passkey"]
    created_at: Instant
    expires_at: Instant
    idle_seconds: int


class SignedInView(View):
    """A new session; its token is shown once."""

    session: StaffSessionView
    token: str | None = Field(
        pattern=f"^hst_{_TOKEN}$",
        examples=[f"hst_{_EXAMPLE_TOKEN}"],
        description="Null if it came as a cookie.",
    )


class MemberView(View):
    """A member of staff."""

    id: Annotated[str, Field(pattern=id_pattern(ids.STAFF), examples=[example_id(ids.STAFF)])]
    name: str
    email: str
    state: Literal["proposed", "active", "suspended"]
    roles: list[str]
    branch: str | None
    is_enrolled: bool
    created_at: Instant


class ProposeMember(Body):
    """Somebody who is to join the staff."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "李雷",
                    "email": "lei@bank.example",
                    "roles": ["operations"],
                    "reason": "joins the team",
                }
            ]
        }
    )

    name: Annotated[
        str,
        Field(min_length=1, max_length=limits.STAFF_NAME_LENGTH_MAX, examples=["李雷"]),
        AfterValidator(check_printable),
    ]
    email: Email
    roles: Roles
    branch: str | None = Field(default=None, pattern="^[A-Z0-9]{1,16}$", examples=["SH01"])
    customer: str | None = Field(
        default=None,
        pattern=id_pattern(ids.CUSTOMER),
        examples=[example_id(ids.CUSTOMER)],
        description="Their own record as a customer, on which they may then do nothing.",
    )
    reason: Why

    def read(self) -> identity.NewMember:
        """Return who is proposed."""
        customer = self.customer
        return identity.NewMember(
            name=self.name,
            email=self.email,
            roles=self.roles,
            branch=self.branch,
            customer_id=None
            if customer is None
            else ids.read_id(ids.CUSTOMER, customer, field="customer"),
        )


class ChangeRoles(Body):
    """All roles that the member will have."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"roles": ["risk"], "reason": "new team"}]}
    )

    roles: Roles
    reason: Why


class ChangeMember(Body):
    """Why a member is suspended, restored or enrolled anew."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"reason": "lost laptop"}]}
    )

    reason: Why


def show_staff_session(session: identity.StaffSession) -> StaffSessionView:
    """Return a session as a view."""
    policy = identity.AccessPolicy.load()
    factor: Any = session.second_factor.value
    roles = session.staff.roles
    return StaffSessionView(
        id=show_id(ids.SESSION, session.id),
        staff=show_id(ids.STAFF, session.staff.id),
        roles=sorted(roles),
        permissions=sorted(each for each in policy.permissions if policy.permits(roles, each)),
        second_factor=factor,
        created_at=session.created_at,
        expires_at=session.expires_at,
        idle_seconds=session.idle_seconds,
    )


def show_member(member: identity.StaffMember) -> MemberView:
    """Return a member of staff as a view."""
    staff = member.staff
    state: Any = staff.state.value
    return MemberView(
        id=show_id(ids.STAFF, staff.id),
        name=member.name,
        email=member.email,
        state=state,
        roles=sorted(staff.roles),
        branch=staff.branch,
        is_enrolled=staff.is_enrolled,
        created_at=staff.created_at,
    )
