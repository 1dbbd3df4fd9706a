"""Payment orders, refunds and shares as they travel."""

from functools import lru_cache
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from pydantic import ConfigDict, Field
from pydantic.config import JsonValue

from huitong import ledger, payments
from huitong.api.schemas.common import (
    AccountId,
    Body,
    Description,
    Instant,
    MerchantId,
    MoneyBody,
    MoneyView,
    PaymentId,
    Reference,
    RefundId,
    ShareId,
    TerminalId,
    TransferId,
    View,
    show_money,
    show_money_or_none,
)
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import MERCHANT, PAYMENT, PROFIT_SHARE, REFUND, TRANSFER, show_id
from huitong.kernel.money import Money

_CURRENCIES_CACHED_MAX: Final = 256
_EXAMPLE_AMOUNT: JsonValue = {"amount": "25.80", "currency": "CNY"}
_EXAMPLE_MERCHANT = "mer_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d"

Kind = Literal[
    "transfer",
    "payment",
    "checkout",
    "static_qr",
    "dynamic_qr",
    "customer_code",
    "authorisation",
    "top_up",
    "withdrawal",
]
Status = Literal[
    "created", "held", "pending", "succeeded", "failed", "closed", "partly_refunded", "refunded"
]
CheckoutSeconds = Annotated[int, Field(ge=1, le=limits.CHECKOUT_SECONDS_MAX)]
AuthorisationSeconds = Annotated[int, Field(ge=1, le=limits.AUTHORISATION_SECONDS_MAX)]


class PaymentView(View):
    """A payment order as it stands."""

    id: PaymentId
    kind: Kind
    status: Status
    amount: MoneyView
    authorised: MoneyView | None = Field(description="What an authorisation reserved.")
    fee: MoneyView = Field(description="What the merchant was charged.")
    fee_returned: MoneyView
    refunded: MoneyView
    shared: MoneyView = Field(description="What receivers of profit shares have.")
    payer: AccountId | None
    payee: AccountId | None
    merchant: MerchantId | None
    reference: str | None
    description: str | None
    transfer: TransferId | None = Field(description="The transfer that paid, or the hold.")
    created_at: Instant
    expires_at: Instant | None
    completed_at: Instant | None
    failure_code: str | None


class CreateCheckout(Body):
    """An order that a customer pays later, in the app."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "merchant": _EXAMPLE_MERCHANT,
                    "amount": _EXAMPLE_AMOUNT,
                    "reference": "order-2026-000123",
                    "expires_in_seconds": 900,
                }
            ]
        }
    )

    merchant: MerchantId
    amount: MoneyBody
    reference: Reference | None = None
    description: Description | None = None
    expires_in_seconds: CheckoutSeconds | None = Field(
        default=None, description="How long it may be paid; a default of ours if left out."
    )
    terminal: TerminalId | None = Field(default=None, description="The till that asks for it.")


class PayCheckout(Body):
    """Who pays an order."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"payer": "acct_100000000190"}]}
    )

    payer: AccountId


class Authorise(Body):
    """Money to reserve for a merchant."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "payer": "acct_100000000190",
                    "merchant": _EXAMPLE_MERCHANT,
                    "amount": {"amount": "500.00", "currency": "CNY"},
                    "expires_in_seconds": 86400,
                }
            ]
        }
    )

    payer: AccountId
    merchant: MerchantId
    amount: MoneyBody
    reference: Reference | None = None
    description: Description | None = None
    expires_in_seconds: AuthorisationSeconds | None = None
    terminal: TerminalId | None = Field(default=None, description="The till that asks for it.")


class Capture(Body):
    """How much of what was reserved is taken."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"amount": {"amount": "420.00", "currency": "CNY"}}]}
    )

    amount: MoneyBody | None = Field(default=None, description="All of it if left out.")


class RefundPayment(Body):
    """How much is given back."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"amount": _EXAMPLE_AMOUNT, "reason": "尺码不合"}]}
    )

    amount: MoneyBody | None = Field(default=None, description="All that is left if left out.")
    reason: Description | None = None


class RefundView(View):
    """Money given back to the payer."""

    id: RefundId
    payment: PaymentId
    amount: MoneyView
    fee_returned: MoneyView
    shares_returned: MoneyView
    reason: str | None
    created_at: Instant


class ShareReceiverBody(Body):
    """Who gets how much."""

    account: AccountId
    amount: MoneyBody


class SharePayment(Body):
    """A payment's money that the merchant passes on."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {"receivers": [{"account": "acct_100000000287", "amount": _EXAMPLE_AMOUNT}]}
            ]
        }
    )

    receivers: list[ShareReceiverBody] = Field(min_length=1, max_length=limits.PROFIT_SHARES_MAX)
    description: Description | None = None


class ShareView(View):
    """A part of a payment that was passed on."""

    id: ShareId
    payment: PaymentId
    receiver: AccountId
    amount: MoneyView
    returned: MoneyView = Field(description="What went back with refunds.")
    description: str | None
    created_at: Instant


class RefundList(View):
    """All refunds of a payment."""

    data: list[RefundView]


class MoveThroughBank(Body):
    """Money that comes in from a bank, or goes out to one."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account": "acct_100000000190",
                    "amount": {"amount": "1000.00", "currency": "CNY"},
                }
            ]
        }
    )

    account: AccountId
    amount: MoneyBody


class TopUp(MoveThroughBank):
    """Money that comes in: from a bank, or from a card or wallet if it is named."""

    card_token: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9_-]{1,128}$",
        description="The acquirer's token of a card. Never a card's number.",
    )
    wallet_code: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9_-]{1,128}$",
        description="The one-time code that the customer's wallet shows.",
    )

    def read_instrument(self) -> tuple[payments.channels.ChannelKind, str | None]:
        """Return the kind of channel, and what is charged; raises InvalidField."""
        if self.card_token is not None and self.wallet_code is not None:
            raise InvalidField("a card or a wallet, not both", field="wallet_code")
        if self.card_token is not None:
            return payments.channels.ChannelKind.CARD_ACQUIRING, self.card_token
        if self.wallet_code is not None:
            return payments.channels.ChannelKind.WALLET_QR, self.wallet_code
        return payments.channels.ChannelKind.BANK_TRANSFER, None


def show_payment(order: payments.Order) -> PaymentView:
    """Return an order as a view."""
    return PaymentView(
        id=show_id(PAYMENT, order.id),
        kind=order.kind.value,
        status=order.status.value,
        amount=show_money(order.amount),
        authorised=show_money_or_none(order.authorised),
        fee=show_money(order.fee),
        fee_returned=show_money(order.fee_returned),
        refunded=show_money(order.refunded),
        shared=show_money(order.shared),
        payer=_show_account(order.payer_account_id),
        payee=_show_account(order.payee_account_id),
        merchant=None if order.merchant_id is None else show_id(MERCHANT, order.merchant_id),
        reference=order.reference,
        description=order.description,
        transfer=None if order.transfer_id is None else show_id(TRANSFER, order.transfer_id),
        created_at=order.created_at,
        expires_at=order.expires_at,
        completed_at=order.completed_at,
        failure_code=order.failure_code,
    )


def render_instant(payment: payments.InstantPayment) -> bytes:
    """Return the order of an instant payment, as `PaymentView` or `HeldPaymentView` in JSON.

    Without the view in between: this is the hot path, and every member is ours.
    """
    digits = payment.order_id.hex
    nothing = _show_nothing(payment.amount.currency)
    return msgspec.json.encode(
        {
            "id": f"{PAYMENT}_{digits}",
            "kind": payment.kind,
            "status": payment.status,
            "amount": payment.amount.to_json(),
            "authorised": None,
            "fee": nothing if payment.fee is None or payment.fee.is_zero else payment.fee.to_json(),
            "fee_returned": nothing,
            "refunded": nothing,
            "shared": nothing,
            "payer": ledger.show_account(payment.payer_account_id),
            "payee": _show_account(payment.payee_account_id),
            "merchant": None
            if payment.merchant_id is None
            else show_id(MERCHANT, payment.merchant_id),
            "reference": payment.reference,
            "description": payment.description,
            "transfer": f"{TRANSFER}_{digits}",
            "created_at": payment.requested_at,
            "expires_at": None,
            "completed_at": payment.completed_at if payment.stop is None else None,
            "failure_code": None,
            **({} if payment.stop is None else {"held": _render_held(payment.stop)}),
        }
    )


def _render_held(stop: payments.StoppedPayment) -> dict[str, object]:
    return {
        "action": stop.action,
        "release_at": stop.release_at,
        "give_back_at": stop.give_back_at,
        "reasons": [{"zh": why.zh, "en": why.en} for why in stop.reasons],
    }


@lru_cache(maxsize=_CURRENCIES_CACHED_MAX)
def _show_nothing(currency: str) -> dict[str, str]:
    return Money.zero(currency).to_json()


def show_refund(refund: payments.Refund) -> RefundView:
    """Return a refund as a view."""
    return RefundView(
        id=show_id(REFUND, refund.id),
        payment=show_id(PAYMENT, refund.order_id),
        amount=show_money(refund.amount),
        fee_returned=show_money(refund.fee_returned),
        shares_returned=show_money(refund.shares_returned),
        reason=refund.reason,
        created_at=refund.created_at,
    )


def show_share(share: payments.Share) -> ShareView:
    """Return a share as a view."""
    return ShareView(
        id=show_id(PROFIT_SHARE, share.id),
        payment=show_id(PAYMENT, share.order_id),
        receiver=ledger.show_account(share.receiver_account_id),
        amount=show_money(share.amount),
        returned=show_money(share.returned),
        description=share.description,
        created_at=share.created_at,
    )


def _show_account(number: int | None) -> str | None:
    return None if number is None else ledger.show_account(number)
