"""Logging in, sessions and credentials as they travel."""

import json
import uuid
from typing import Annotated, Any, ClassVar, Literal

from fastapi import Path
from pydantic import AfterValidator, ConfigDict, Field

from huitong import identity
from huitong.api.schemas.common import (
    Body,
    Instant,
    Mobile,
    View,
    check_printable,
    example_id,
    id_pattern,
)
from huitong.kernel import ids, limits
from huitong.kernel.ids import show_id

_TOKEN = "[A-Za-z0-9_-]{43}"  # noqa: S105 - a shape
EXAMPLE_TOKEN = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"  # noqa: S105 - opens nothing
SignUpToken = Annotated[
    str, Field(pattern="^htu_[A-Za-z0-9_-]{43}$", examples=[f"htu_{EXAMPLE_TOKEN}"])
]


def _check_passkey_answer(answer: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(answer)) > limits.PASSKEY_RESPONSE_BYTES_MAX:
        raise ValueError(f"must have at most {limits.PASSKEY_RESPONSE_BYTES_MAX} bytes")
    return answer


def _identifier(prefix: str) -> Any:
    return Field(pattern=id_pattern(prefix), examples=[example_id(prefix)])


def _in_path(prefix: str, what: str) -> Any:
    return Path(
        pattern=id_pattern(prefix), description=f"The {what}'s id.", examples=[example_id(prefix)]
    )


Delivery = Annotated[
    Literal["token", "cookie"],
    Field(
        description="`token`: the answer has it. `cookie`: a browser gets an HttpOnly cookie, and "
        "sends `X-Huitong-Anti-Forgery: 1` now and with each request."
    ),
]
OneTimeCode = Annotated[str, Field(pattern="^[0-9]{6}$", examples=["493817"])]
Pin = Annotated[str, Field(pattern=f"^[0-9]{{{limits.PIN_DIGITS}}}$", description="Six digits.")]
SecretText = Annotated[str, Field(min_length=1, max_length=limits.PASSWORD_LENGTH_MAX)]
DeviceName = Annotated[
    str,
    Field(min_length=1, max_length=limits.DEVICE_NAME_LENGTH_MAX, examples=["客厅的平板"]),
    AfterValidator(check_printable),
]
PasskeyAnswer = Annotated[
    dict[str, Any],
    Field(description="What the browser's `PublicKeyCredential.toJSON()` gives."),
    AfterValidator(_check_passkey_answer),
]
CodeRequestId = Annotated[str, _identifier(ids.ONE_TIME_CODE)]
ChallengeId = Annotated[str, _identifier(ids.CHALLENGE)]
SessionPath = Annotated[str, _in_path(ids.SESSION, "session")]
DevicePath = Annotated[str, _in_path(ids.DEVICE, "device")]
PasskeyPath = Annotated[str, _in_path(ids.PASSKEY, "passkey")]


class DeviceBody(Body):
    """The device that is used to log in."""

    token: str | None = Field(
        default=None,
        pattern=f"^htd_{_TOKEN}$",
        description="What this device was given when it logged in first; a new one sends none.",
    )
    name: DeviceName | None = Field(default=None, description="For a new device; for people.")


class StartLogInByCode(Body):
    """A number that a code is sent to."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"mobile": "13800000001"}]}
    )

    mobile: Mobile
    device: DeviceBody = DeviceBody()


class SentCodeView(View):
    """A code on its way; it is the same whether or not the number has a login."""

    id: CodeRequestId
    expires_at: Instant
    resend_after_seconds: int = Field(description="When another one may be asked for.")


class _LogIn(Body):
    device: DeviceBody = DeviceBody()
    delivery: Delivery = "token"


class FinishLogInByCode(_LogIn):
    """The code that arrived."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [{"code_id": example_id(ids.ONE_TIME_CODE), "code": "493817"}]
        }
    )

    code_id: CodeRequestId
    code: OneTimeCode


class LogInByPassword(_LogIn):
    """A number and its password."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"mobile": "13800000001", "password": "chestnut river 9"}]}
    )

    mobile: Mobile
    password: SecretText


class LogInBySignUp(_LogIn):
    """The token of a sign-up that was completed."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"token": f"htu_{EXAMPLE_TOKEN}"}]}
    )

    token: SignUpToken


class FinishPasskey(_LogIn):
    """What an authenticator signed to log in."""

    challenge_id: ChallengeId
    credential: PasskeyAnswer


class PasskeyOptionsView(View):
    """Options for `navigator.credentials`, to be read with `parse…OptionsFromJSON`."""

    challenge_id: ChallengeId
    public_key: dict[str, Any] = Field(
        description="`PublicKeyCredentialCreationOptionsJSON` or `…RequestOptionsJSON` (WebAuthn)."
    )


class SessionView(View):
    """Somebody who is logged in."""

    id: Annotated[str, _identifier(ids.SESSION)]
    subject: Annotated[str, _identifier(ids.SUBJECT)]
    device: Annotated[str, _identifier(ids.DEVICE)]
    method: Literal["one_time_code", "password", "passkey"]
    created_at: Instant
    expires_at: Instant
    last_seen_at: Instant
    is_current: bool


class LogInReasonView(View):
    """Why a log-in was held back, in plain words."""

    zh: str
    en: str


class SecondFactorView(View):
    """What has to be proved before the session opens anything: a step-up for this act."""

    act: Literal["identity.log_in"]
    factors: list[Literal["one_time_code", "passkey", "pin"]] = Field(
        description="Any one of them does."
    )
    expires_at: Annotated[Instant, Field(description="When the session ends without it.")]


class LoggedInView(View):
    """A new session. Tokens are shown once."""

    session: SessionView
    second_factor: SecondFactorView | None = Field(
        description="Null if the session can be used at once."
    )
    reduced_until: Instant | None = Field(
        description="Until when it pays nothing and changes nothing that one logs in with."
    )
    attempt: Annotated[str, _identifier(ids.DECISION)] = Field(
        description="The number of this log-in, and of the decision about it."
    )
    reasons: list[LogInReasonView] = Field(
        description="Why a second factor is asked for, or powers are reduced."
    )
    token: str | None = Field(
        pattern=f"^hts_{_TOKEN}$",
        examples=[f"hts_{EXAMPLE_TOKEN}"],
        description="Null if it came as a cookie.",
    )
    device_token: str | None = Field(
        pattern=f"^htd_{_TOKEN}$",
        examples=[f"htd_{EXAMPLE_TOKEN}"],
        description="For a new device: keep it, and send it with the next log-in.",
    )


class SessionsView(View):
    """All live sessions of a login, oldest first; there are never more than a page."""

    data: list[SessionView]


class EndedView(View):
    """How many sessions were ended."""

    ended: int


class DeviceView(View):
    """A device that is bound to the login."""

    id: Annotated[str, _identifier(ids.DEVICE)]
    name: str | None
    created_at: Instant
    last_seen_at: Instant
    is_current: bool


class DevicesView(View):
    """All devices of a login, the one seen longest ago first."""

    data: list[DeviceView]


class NameDevice(Body):
    """A name for a device."""

    name: DeviceName


class ChangePassword(Body):
    """A new password."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"new_password": "chestnut river 9"}]}
    )

    current_password: SecretText | None = Field(
        default=None,
        description="Needed unless a code, a passkey or the password was proved within minutes.",
    )
    new_password: SecretText = Field(
        description=f"{limits.PASSWORD_LENGTH_MIN} to {limits.PASSWORD_LENGTH_MAX} characters, not "
        "easy to guess."
    )


class SetPin(Body):
    """A payment PIN."""

    pin: Pin


class RegisterPasskey(Body):
    """What an authenticator made."""

    challenge_id: ChallengeId
    credential: PasskeyAnswer
    name: DeviceName | None = None


class PasskeyView(View):
    """A passkey, without its key."""

    id: Annotated[str, _identifier(ids.PASSKEY)]
    name: str | None
    is_backed_up: bool = Field(description="Whether it is synchronised to other devices.")
    created_at: Instant
    last_used_at: Instant | None


class PasskeysView(View):
    """All passkeys of a login, oldest first."""

    data: list[PasskeyView]


def show_session(session: identity.Session, current_id: uuid.UUID | None = None) -> SessionView:
    """Return a session as a view; `current_id` is the one that asks."""
    method: Any = session.method.value
    return SessionView(
        id=show_id(ids.SESSION, session.id),
        subject=show_id(ids.SUBJECT, session.subject_id),
        device=show_id(ids.DEVICE, session.device_id),
        method=method,
        created_at=session.created_at,
        expires_at=session.expires_at,
        last_seen_at=session.last_seen_at,
        is_current=session.id == current_id,
    )


def show_terms(issued: identity.IssuedSession) -> dict[str, Any]:
    """Return what a new session may do, and why, as members of its view."""
    session = issued.session
    second_factor = None
    if session.proof_until is not None:
        factors: list[Any] = [each.value for each in issued.wanted]
        second_factor = SecondFactorView(
            act="identity.log_in", factors=factors, expires_at=session.proof_until
        )
    return {
        "second_factor": second_factor,
        "reduced_until": session.reduced_until,
        "attempt": show_id(ids.DECISION, issued.decision_id),
        "reasons": [LogInReasonView(zh=each.zh, en=each.en) for each in issued.reasons],
    }


def show_device(device: identity.Device, current_id: uuid.UUID) -> DeviceView:
    """Return a device as a view; `current_id` is the one that asks."""
    return DeviceView(
        id=show_id(ids.DEVICE, device.id),
        name=device.name,
        created_at=device.created_at,
        last_seen_at=device.last_seen_at,
        is_current=device.id == current_id,
    )


def show_passkey(passkey: identity.Passkey) -> PasskeyView:
    """Return a passkey as a view."""
    return PasskeyView(
        id=show_id(ids.PASSKEY, passkey.id),
        name=passkey.name,
        is_backed_up=passkey.is_backed_up,
        created_at=passkey.created_at,
        last_used_at=passkey.last_used_at,
    )


def show_options(options: identity.PasskeyOptions) -> PasskeyOptionsView:
    """Return an authenticator's options as a view."""
    return PasskeyOptionsView(
        challenge_id=show_id(ids.CHALLENGE, options.challenge_id),
        public_key=dict(options.public_key),
    )
