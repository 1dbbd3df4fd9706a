"""Settlement of merchants as it travels: sheets, how it stands, receivers of shares."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from huitong import payments
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    AccountId,
    Body,
    Instant,
    MerchantId,
    MoneyView,
    PaymentId,
    TransferId,
    View,
    example_id,
    id_pattern,
)
from huitong.api.schemas.merchant_terms import TermsView, show_minor, show_terms
from huitong.kernel import ids
from huitong.kernel.ids import show_id
from huitong.ledger import show_account

merchants = payments.merchants
SheetId = Annotated[
    str,
    Field(pattern=id_pattern(ids.SETTLEMENT_SHEET), examples=[example_id(ids.SETTLEMENT_SHEET)]),
]
SheetPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.SETTLEMENT_SHEET),
        description="The sheet's id.",
        examples=[example_id(ids.SETTLEMENT_SHEET)],
    ),
]


class RetryPayout(Body):
    """Why a bank is asked once more for a payout that one refused."""

    reason: Why


class AddShareReceiver(Body):
    """Whose profit shares are settled in the merchant's cycle."""

    account: AccountId


class SettlementView(View):
    """How a merchant's settlement stands."""

    merchant: MerchantId
    account: AccountId
    settlement_account: AccountId
    carried: MoneyView = Field(description="Left unsettled by the last sheet.")
    reserve: MoneyView
    owed: MoneyView = Field(description="What the merchant owes us.")
    settled_until: Instant
    due_at: Instant
    terms: list[TermsView] = Field(description="All versions, first first.")


class ReceiverView(View):
    """A receiver of profit shares: shares go to `account` and settle to `settlement_account`."""

    account: AccountId
    settlement_account: AccountId
    opened_at: Instant


class SheetView(View):
    """A settlement sheet; `parts` sum up to `carried`, signed as the merchant sees them."""

    id: SheetId
    merchant: MerchantId
    account: AccountId
    number: int
    terms_version: int
    cutoff_at: Instant
    made_at: Instant
    lines: int
    parts: dict[str, MoneyView]
    carried: MoneyView
    payout: MoneyView
    recovered_direct: MoneyView = Field(description="Taken from the settlement account.")
    reserve_after: MoneyView
    owed_after: MoneyView
    payout_way: Literal["balance", "bank"]
    payout_payment: PaymentId | None
    entry: str | None = Field(description="The journal entry, if money moved.")


class SheetLineView(View):
    """A line of a settlement sheet."""

    line: int
    kind: Literal["payment", "refund", "fee", "share", "chargeback", "dispute_fee", "other"]
    amount: MoneyView
    plan_fee: MoneyView
    payment: PaymentId | None
    transfer: TransferId
    happened_at: Instant


def show_settlement(
    account: payments.merchants.SettledAccount,
    terms: list[payments.merchants.Terms],
    balances: Mapping[int, int],
) -> SettlementView:
    """Return how a merchant's settlement stands; `balances` are of reserve and debt."""
    currency = account.currency
    return SettlementView(
        merchant=show_id(ids.MERCHANT, account.merchant_id),
        account=show_account(account.account_id),
        settlement_account=show_account(account.payout_account_id),
        carried=show_minor(account.carried, currency),
        reserve=show_minor(balances[account.reserve_account_id or 0], currency),
        owed=show_minor(balances[account.owed_account_id or 0], currency),
        settled_until=account.settled_until,
        due_at=account.due_at,
        terms=[show_terms(each, currency) for each in terms],
    )


def show_receiver(account: payments.merchants.SettledAccount) -> ReceiverView:
    """Return a receiver of profit shares as a view."""
    return ReceiverView(
        account=show_account(account.account_id),
        settlement_account=show_account(account.payout_account_id),
        opened_at=account.opened_at,
    )


def show_sheet(sheet: payments.merchants.Sheet) -> SheetView:
    """Return a settlement sheet as a view."""
    currency = sheet.currency
    return SheetView(
        id=show_id(ids.SETTLEMENT_SHEET, sheet.id),
        merchant=show_id(ids.MERCHANT, sheet.merchant_id),
        account=show_account(sheet.account_id),
        number=sheet.number,
        terms_version=sheet.terms_version,
        cutoff_at=sheet.cutoff_at,
        made_at=sheet.made_at,
        lines=sheet.line_count,
        parts={
            part: show_minor(merchants.signed_part(sheet, part), currency)
            for part in merchants.SHEET_PARTS
            if part != "carried"
        },
        carried=show_minor(sheet.carried, currency),
        payout=show_minor(sheet.payout, currency),
        recovered_direct=show_minor(sheet.recovered_direct, currency),
        reserve_after=show_minor(sheet.reserve_after, currency),
        owed_after=show_minor(sheet.owed_after, currency),
        payout_way=sheet.payout_way.value,
        payout_payment=None
        if sheet.payout_order_id is None
        else show_id(ids.PAYMENT, sheet.payout_order_id),
        entry=None if sheet.entry_id is None else show_id(ids.ENTRY, sheet.entry_id),
    )


def show_line(line: payments.merchants.SheetLine, currency: str) -> SheetLineView:
    """Return a line of a sheet as a view."""
    return SheetLineView(
        line=line.line,
        kind=line.kind.value,
        amount=show_minor(line.amount, currency),
        plan_fee=show_minor(line.plan_fee, currency),
        payment=None if line.order_id is None else show_id(ids.PAYMENT, line.order_id),
        transfer=show_id(ids.TRANSFER, line.transfer_id),
        happened_at=line.happened_at,
    )
