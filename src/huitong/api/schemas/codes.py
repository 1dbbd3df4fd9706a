"""QR codes as they travel."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Field

from huitong import ledger, payments
from huitong.api.schemas.common import (
    AccountId,
    Body,
    CodeId,
    Description,
    Instant,
    MerchantId,
    MoneyBody,
    MoneyView,
    PaymentId,
    Reference,
    TerminalId,
    View,
    show_money_or_none,
)
from huitong.api.schemas.payments import CheckoutSeconds
from huitong.kernel import limits
from huitong.kernel.ids import CODE, MERCHANT, PAYMENT, show_id

_EXAMPLE_AMOUNT: dict[str, Any] = {"amount": "25.80", "currency": "CNY"}


class MakeStaticCode(Body):
    """A sticker on the counter: paid many times, the payer names the amount."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"kind": "static"}]}
    )

    kind: Literal["static"]


class MakeDynamicCode(Body):
    """A code for one order with an amount."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "dynamic", "amount": _EXAMPLE_AMOUNT, "reference": "till-7-000124"}
            ]
        }
    )

    kind: Literal["dynamic"]
    amount: MoneyBody
    reference: Reference | None = None
    description: Description | None = None
    expires_in_seconds: CheckoutSeconds | None = None
    terminal: TerminalId | None = Field(default=None, description="The till that asks for it.")


MakeCode = Annotated[MakeStaticCode | MakeDynamicCode, Discriminator("kind")]


class CodeView(View):
    """A code that a merchant shows, as an EMVCo merchant-presented payload."""

    id: CodeId
    merchant: MerchantId
    kind: Literal["static", "dynamic"]
    payment: PaymentId | None = Field(description="The order behind a dynamic code.")
    payload: str = Field(description="What the QR picture says.")
    picture: str = Field(
        description="Where the picture is; .png works too.",
        examples=["/v1/codes/qr_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d.svg"],
    )
    created_at: Instant


class ReadCode(Body):
    """What a phone scanned."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"payload": "00020101021126…6304A13A"}]}
    )

    payload: str = Field(min_length=1, max_length=limits.QR_PAYLOAD_LENGTH_MAX)


class CodeReadingView(View):
    """What a scanned code asks for."""

    code: CodeId
    kind: Literal["static", "dynamic"]
    merchant: MerchantId
    merchant_name: str
    payee: AccountId
    currency: str
    amount: MoneyView | None = Field(description="None: the payer names it.")
    payment: PaymentId | None = Field(description="The order to pay, behind a dynamic code.")
    status: str | None


class CustomerCodeView(View):
    """A one-time code that a customer shows to be charged, once."""

    code: str = Field(description="Draw it as a QR or bar code; it is not shown again.")
    expires_at: Instant


class Collect(Body):
    """What a merchant takes from the customer who showed a code."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "merchant": "mer_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
                    "code": "73012345678901234567",
                    "amount": _EXAMPLE_AMOUNT,
                }
            ]
        }
    )

    merchant: MerchantId
    code: str = Field(
        min_length=1, max_length=64, pattern="^[0-9]+$", description="The digits that were scanned."
    )
    amount: MoneyBody
    reference: Reference | None = None
    description: Description | None = None
    terminal: TerminalId | None = Field(default=None, description="The till that asks for it.")


def show_code(code: payments.MerchantCode) -> CodeView:
    """Return a merchant's code as a view."""
    shown = show_id(CODE, code.id)
    return CodeView(
        id=shown,
        merchant=show_id(MERCHANT, code.merchant_id),
        kind=code.kind.value,
        payment=None if code.order_id is None else show_id(PAYMENT, code.order_id),
        payload=code.payload,
        picture=f"/v1/codes/{shown}.svg",
        created_at=code.created_at,
    )


def show_reading(reading: payments.CodeReading) -> CodeReadingView:
    """Return what a code asks for as a view."""
    return CodeReadingView(
        code=show_id(CODE, reading.code_id),
        kind=reading.kind.value,
        merchant=show_id(MERCHANT, reading.merchant_id),
        merchant_name=reading.merchant_name,
        payee=ledger.show_account(reading.payee_account_id),
        currency=reading.currency,
        amount=show_money_or_none(reading.amount),
        payment=None if reading.order_id is None else show_id(PAYMENT, reading.order_id),
        status=None if reading.order_status is None else reading.order_status.value,
    )
