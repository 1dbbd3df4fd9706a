"""Signing up as it travels."""

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from huitong import identity
from huitong.api.schemas.common import ApplicationId, Body, Instant, View, example_id
from huitong.api.schemas.identity import CodeRequestId, DeviceBody, OneTimeCode, SignUpToken
from huitong.kernel.ids import APPLICATION, ONE_TIME_CODE, show_id


class BeginSignUp(Body):
    """The code that arrived."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"code_id": example_id(ONE_TIME_CODE), "code": "493817"}]}
    )

    code_id: CodeRequestId
    code: OneTimeCode
    device: DeviceBody = DeviceBody()
    language: Literal["zh", "en"] | None = Field(
        default=None,
        description="In which language messages come; without it, what `Accept-Language` says.",
    )


class SignUpView(View):
    """The authority to apply for an account with the number that was proved."""

    token: SignUpToken = Field(description="Send it as `Authorization: Bearer htu_…`.")
    expires_at: Instant = Field(description="Then the number must be proved again.")
    application: ApplicationId = Field(
        description="The one application that the token is good for; start it first."
    )


def show_sign_up(issued: identity.IssuedSignUp) -> SignUpView:
    """Return a new sign-up as a view."""
    return SignUpView(
        token=issued.token,
        expires_at=issued.sign_up.expires_at,
        application=show_id(APPLICATION, issued.sign_up.id),
    )
