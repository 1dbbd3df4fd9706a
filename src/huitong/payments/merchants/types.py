"""What merchants' settlement speaks of: terms, settled accounts, sheets, stores, terminals.

Amounts are minor units of the account's currency, signed as the merchant sees them.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class PayoutWay(StrEnum):
    """Where a settlement goes."""

    BALANCE = "balance"
    """To the merchant's settlement account with us (2011.02)."""
    BANK = "bank"
    """Through the settlement account to the merchant's bank, by a channel."""


class Recovery(StrEnum):
    """What pays what a merchant owes us."""

    CARRY = "carry"
    """Only what is settled later."""
    RECOVER = "recover"
    """What is settled later, and the settlement account."""


class Role(StrEnum):
    """Whose account is settled."""

    MERCHANT = "merchant"
    RECEIVER = "receiver"


class LineKind(StrEnum):
    """What a line of a sheet is."""

    PAYMENT = "payment"
    REFUND = "refund"
    FEE = "fee"
    SHARE = "share"
    CHARGEBACK = "chargeback"
    DISPUTE_FEE = "dispute_fee"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A version of what a merchant and we agreed on.

    A business day ends `cutoff_minutes` after midnight in Shanghai and is settled `cycle_days`
    business days later. Less than `payout_min` is carried forward. `reserve_permille` of payments
    less refunds is kept for `reserve_days` days, and at least `reserve_floor` always.
    """

    merchant_id: uuid.UUID
    version: int
    effective_from: date
    plan: str
    payout_way: PayoutWay
    cycle_days: int
    cutoff_minutes: int
    payout_min: int
    reserve_permille: int
    reserve_days: int
    reserve_floor: int
    recovery: Recovery
    approval_id: uuid.UUID
    agreed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledAccount:
    """An account that is settled, and how far: see the comments on `payments.settled_accounts`."""

    account_id: int
    merchant_id: uuid.UUID
    role: Role
    currency: str
    payout_account_id: int
    reserve_account_id: int | None
    owed_account_id: int | None
    number: int
    line_to: int
    carried: int
    settled_until: datetime
    due_at: datetime
    volume_month: date
    volume: int
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """A statement line with what it belongs to; `amount` is signed.

    `charged` is the fee that was charged with a payment, or the part that a refund gave back. For
    a refund, `paid` is the order's amount, and `paid_at`, `fee_paid` and `refunded_before` are what
    earlier sheets know of its payment: None and 0 if no sheet has it yet.
    """

    line: int
    transfer_id: uuid.UUID
    code: int
    amount: int
    happened_at: datetime
    order_id: uuid.UUID | None = None
    order_kind: str | None = None
    charged: int = 0
    paid: int = 0
    paid_at: datetime | None = None
    fee_paid: int | None = None
    refunded_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLine:
    """A line of a sheet; `plan_fee` is what the plan adds to the fee charged, or takes from it."""

    line: int
    transfer_id: uuid.UUID
    kind: LineKind
    amount: int
    plan_fee: int
    order_id: uuid.UUID | None
    happened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A settlement sheet: see the comments on `payments.settlement_sheets`.

    carried = opening + payments + refunds + fees + shares + chargebacks + dispute_fees + others
    + plan_fees + advanced - recovered - reserve_held + reserve_released - payout.
    """

    id: uuid.UUID
    account_id: int
    merchant_id: uuid.UUID
    number: int
    terms_version: int
    cutoff_at: datetime
    made_at: datetime
    currency: str
    line_from: int
    line_to: int
    line_count: int
    opening: int
    payments: int
    refunds: int
    fees: int
    shares: int
    chargebacks: int
    dispute_fees: int
    others: int
    plan_fees: int
    advanced: int
    recovered: int
    recovered_direct: int
    reserve_held: int
    reserve_released: int
    payout: int
    carried: int
    reserve_after: int
    owed_after: int
    payout_way: PayoutWay
    payout_tries: int = 0
    payout_order_id: uuid.UUID | None = None
    entry_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tranche:
    """A part of a reserve that is kept until a day."""

    id: int
    remaining: int
    release_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A place where a merchant sells."""

    id: uuid.UUID
    merchant_id: uuid.UUID
    name: str
    city: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A till of a store, with the static code that stands there, if one is bound to it."""

    id: uuid.UUID
    store_id: uuid.UUID
    merchant_id: uuid.UUID
    label: str
    code_id: uuid.UUID | None
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReport:
    """What was paid at a store on days; None for payments that name no terminal."""

    store_id: uuid.UUID | None
    name: str | None
    count: int
    amount: int
    refunded: int
    fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackWatch:
    """A merchant whose chargebacks of a month passed the rulebook's ratio."""

    merchant_id: uuid.UUID
    month: date
    payments: int
    chargebacks: int
    noticed_at: datetime
