"""Step-up as it travels."""

from typing import Annotated, Any, ClassVar, Literal, Self

from fastapi import Path
from pydantic import ConfigDict, Field, model_validator

from huitong import identity
from huitong.api.schemas.common import Body, Instant, MoneyBody, View, example_id, id_pattern
from huitong.api.schemas.identity import OneTimeCode, PasskeyAnswer, Pin
from huitong.kernel import ids, limits
from huitong.kernel.ids import show_id

StepUpPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.STEP_UP),
        description="The step-up's id.",
        examples=[example_id(ids.STEP_UP)],
    ),
]


class ActBody(Body):
    """What is about to be done; the proof is good for exactly this."""

    kind: str = Field(
        pattern="^[a-z_]{1,31}[.][a-z_]{1,32}$",
        description="For example `payments.pay`.",
        examples=["payments.pay"],
    )
    amount: MoneyBody | None = None
    payee: str | None = Field(
        default=None,
        min_length=1,
        max_length=limits.ACT_PAYEE_LENGTH_MAX,
        pattern="^[!-~]+$",
        description="The public id of who is paid.",
        examples=["acct_100000000287"],
    )

    def read(self) -> identity.Act:
        """Return the act; raises InvalidField for an amount that is none."""
        amount = None if self.amount is None else self.amount.read("act.amount")
        return identity.Act(kind=self.kind, amount=amount, payee=self.payee)


class StartStepUp(Body):
    """An act, and the factor to prove for it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "act": {
                        "kind": "payments.pay",
                        "amount": {"amount": "6000.00", "currency": "CNY"},
                        "payee": "acct_100000000287",
                    },
                    "factor": "one_time_code",
                }
            ]
        }
    )

    act: ActBody
    factor: Literal["pin", "one_time_code", "passkey"]


class StepUpView(View):
    """A step-up."""

    id: str = Field(pattern=id_pattern(ids.STEP_UP), examples=[example_id(ids.STEP_UP)])
    factor: Literal["pin", "one_time_code", "passkey"]
    expires_at: Instant
    public_key: dict[str, Any] | None = Field(
        default=None, description="The authenticator's options, for a passkey."
    )


class ProveStepUp(Body):
    """The proof: exactly one of the three."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [{"code": "493817"}],
            "minProperties": 1,
            "maxProperties": 1,
        }
    )

    pin: Pin | None = None
    code: OneTimeCode | None = None
    credential: PasskeyAnswer | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if sum(each is not None for each in (self.pin, self.code, self.credential)) != 1:
            raise ValueError("must have exactly one of pin, code and credential")
        return self


def show_step_up(
    step_up: identity.StepUp, options: identity.PasskeyOptions | None = None
) -> StepUpView:
    """Return a step-up as a view."""
    factor: Any = step_up.factor.value
    return StepUpView(
        id=show_id(ids.STEP_UP, step_up.id),
        factor=factor,
        expires_at=step_up.expires_at,
        public_key=None if options is None else dict(options.public_key),
    )
