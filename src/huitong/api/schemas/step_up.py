"""Step-up as it travels."""

import re
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from fastapi import Path
from pydantic import ConfigDict, Field, model_validator

from huitong import identity
from huitong.api.schemas.common import (
    ACCOUNT_PATTERN,
    MOBILE_PATTERN,
    Body,
    Instant,
    MoneyBody,
    View,
    example_id,
    id_pattern,
)
from huitong.api.schemas.identity import OneTimeCode, PasskeyAnswer, Pin
from huitong.kernel import ids, limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import show_id

#: The act of a payment at once, for which `api.own_payments` wants the proof.
PAY: Final = "payments.pay"
_MOBILE_SHAPE: Final = re.compile(MOBILE_PATTERN)

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
        description="Who is paid, as the payment will name them: an account, a static code, or a "
        "customer's mobile number.",
        examples=["acct_100000000287"],
    )
    payer: str | None = Field(
        default=None,
        pattern=ACCOUNT_PATTERN,
        description="The account that pays; needed for `payments.pay`.",
        examples=["acct_100000000190"],
    )

    def read(self, vault: identity.Vault) -> identity.Act:
        """Return the act; raises InvalidField for an amount that is none, or a payment in part."""
        amount = None if self.amount is None else self.amount.read("act.amount")
        if self.kind == PAY:
            for field in ("payer", "payee", "amount"):
                if getattr(self, field) is None:
                    raise InvalidField("must be given for a payment", field=f"act.{field}")
        payee = self.payee
        if payee is not None and _MOBILE_SHAPE.fullmatch(payee) is not None:
            payee = identity.name_mobile_payee(vault, payee)
        return identity.Act(kind=self.kind, amount=amount, payee=payee, payer=self.payer)


class StartStepUp(Body):
    """An act, and the factor to prove for it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "act": {
                        "kind": "payments.pay",
                        "amount": {"amount": "6000.00", "currency": "CNY"},
                        "payer": "acct_100000000190",
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
