"""Partners who lend with us or buy loans, and plans that say who has which share of a loan.

Shares are whole millionths and make a whole together with our own.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPartner:
    """A partner that is asked for, or another version of one; the currency never changes.

    `may_guarantee` says that it is licensed to bear losses of others; `is_open` that new loans may
    be lent with it.
    """

    code: str
    name_zh: str
    name_en: str
    currency: str
    may_guarantee: bool
    is_open: bool
    effective_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A partner as it is on some day."""

    id: int
    code: str
    name_zh: str
    name_en: str
    currency: str
    may_guarantee: bool
    is_open: bool
    version: int
    effective_from: date
    deposit_account_id: int
    position_account_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShare:
    """A partner's part that is asked for: of the money, of losses, and what we keep of interest."""

    partner: str
    share: int
    loss_share: int
    fee_share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgreement:
    """An agreement that is asked for, or another version: for loans of products from a day on.

    What partners do not have is our own share. Without `is_open` no new loan is lent by it.
    """

    code: str
    currency: str
    products: tuple[str, ...]
    shares: tuple[NewShare, ...]
    is_open: bool
    effective_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A partner's part of a plan; `accounts` are its accounts of the general ledger, by part."""

    partner_id: int
    partner: str
    share: int
    loss_share: int
    fee_share: int
    accounts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who has which share of a loan: a version of an agreement, or a sale, which has no code."""

    id: int
    code: str | None
    version: int | None
    currency: str
    effective_from: date
    products: tuple[str, ...]
    is_open: bool
    own_share: int
    own_loss_share: int
    shares: tuple[Share, ...]
    approval_id: uuid.UUID
    agreed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A partner's share of what moved at once, in minor units; what came back is below zero.

    `compensation` is what it bears of a loss beyond its share of the loan.
    """

    lent: int = 0
    principal: int = 0
    interest: int = 0
    penalty: int = 0
    fees: int = 0
    recovered: int = 0
    compensation: int = 0
    service_fee: int = 0

    @property
    def owed(self) -> int:
        """Return what we owe the partner after it, below zero if the partner owes us."""
        came_in = self.principal + self.interest + self.penalty + self.fees + self.recovered
        return came_in - self.lent - self.compensation - self.service_fee


FLOW_PARTS = tuple(each.name for each in fields(Flow))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementDay:
    """One business day with a partner: what moved, what was settled, and what we owe after it."""

    day: date
    flow: Flow
    settled: int
    closing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerStatement:
    """Days of a partner on which something happened, with what we owed it before the first."""

    partner: str
    currency: str
    opening: int
    days: tuple[StatementDay, ...]

    @property
    def closing(self) -> int:
        """Return what we owe the partner after the last day."""
        return self.days[-1].closing if self.days else self.opening
