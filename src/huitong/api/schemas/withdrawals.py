"""Withdrawals that wait as they travel."""

from typing import Literal

from pydantic import Field

from huitong import payments
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import Body, Instant, MoneyView, PaymentId, View, show_money
from huitong.api.schemas.payments import MoveThroughBank, PaymentView, show_payment
from huitong.kernel.ids import PAYMENT, show_id
from huitong.privacy import Vault


class HoldView(View):
    """Why a withdrawal was not sent yet, and until when, in the customer's words."""

    held_at: Instant
    held_until: Instant | None = Field(
        description="When it is sent by itself; null if somebody has to look at it first."
    )
    zh: str
    en: str


class RailReasonView(View):
    """Why a system was taken or not."""

    rail: Literal["hvps", "beps", "ibps"]
    zh: str
    en: str
    rule: str | None = Field(description="The rulebook's rule that says so.")


class RailView(View):
    """Through which system a withdrawal goes to the other bank."""

    rail: Literal["hvps", "beps", "ibps"] = Field(description="大额, 小额 or 网银互联.")
    is_urgent: bool
    opens_at: Instant | None = Field(description="When the system opens; null if it is open.")
    reasons: list[RailReasonView]


class WithdrawalView(PaymentView):
    """A withdrawal as it stands; `hold` while it waits and can be cancelled."""

    hold: HoldView | None
    rail: RailView | None = Field(description="In CNY; as planned when it was asked for.")


class BankAccountBody(Body):
    """An account at a bank that belongs to the customer."""

    bank_code: str = Field(pattern="^[0-9]{12}$", description="CNAPS.", examples=["102100099996"])
    number: str = Field(
        pattern="^[A-Za-z0-9]{1,34}$",
        description="The account at that bank; kept sealed.",
        examples=["6222021234567890123"],
    )


class Withdraw(MoveThroughBank):
    """Money that goes out to a customer's bank."""

    bank_account: BankAccountBody | None = Field(
        default=None,
        description="Where it goes, in the customer's own name; null for the account that the bank "
        "has agreed on with the customer.",
    )

    is_urgent: bool = Field(
        default=False, description="Whether it is to arrive within seconds where a system can."
    )

    def read_bank_account(self, vault: Vault) -> payments.NewBankAccount | None:
        """Return where it goes, to be sealed by `vault`; None if that is not said."""
        if self.bank_account is None:
            return None
        return payments.NewBankAccount(
            vault=vault, bank_code=self.bank_account.bank_code, number=self.bank_account.number
        )


class HeldWithdrawalView(View):
    """A withdrawal that waits, for staff."""

    payment: PaymentId
    amount: MoneyView
    held_at: Instant
    held_until: Instant | None


class DecideWithdrawal(Body):
    """Why a withdrawal is released or stopped."""

    reason: Why


def show_withdrawal(
    order: payments.Order,
    held: payments.HeldWithdrawal | None,
    rail: payments.OrderRail | None,
) -> WithdrawalView:
    """Return a withdrawal as a view."""
    return WithdrawalView(
        **show_payment(order).model_dump(),
        hold=None if held is None else _show_hold(held),
        rail=None if rail is None else show_rail(rail),
    )


def show_held(held: payments.HeldWithdrawal) -> HeldWithdrawalView:
    """Return a held withdrawal as a view."""
    return HeldWithdrawalView(
        payment=show_id(PAYMENT, held.order_id),
        amount=show_money(held.amount),
        held_at=held.held_at,
        held_until=held.held_until,
    )


def show_rail(rail: payments.OrderRail) -> RailView:
    """Return the system that a withdrawal goes through as a view."""
    return RailView(
        rail=rail.rail.value,
        is_urgent=rail.is_urgent,
        opens_at=rail.opens_at,
        reasons=[
            RailReasonView(rail=each.rail.value, zh=each.zh, en=each.en, rule=each.rule)
            for each in rail.reasons
        ],
    )


def _show_hold(held: payments.HeldWithdrawal) -> HoldView:
    if held.held_until is None:
        zh = "为保护您的资金安全，这笔提现正在人工核实；核实完成前您可以取消。"
        en = "To protect your money, somebody is checking this withdrawal; cancel it until then."
    else:
        zh = "为保护您的资金安全，这笔提现将延迟到账；发出之前您可以取消。"
        en = "To protect your money, this withdrawal is sent later; you may cancel it until then."
    return HoldView(held_at=held.held_at, held_until=held.held_until, zh=zh, en=en)
