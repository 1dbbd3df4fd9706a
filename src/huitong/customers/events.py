"""What happened to customers and merchants."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from huitong.kernel.outbox import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerOpened(Event):
    """A person has a payment account."""

    topic: ClassVar[str] = "customers.CustomerOpened.v1"

    customer_id: uuid.UUID
    account_id: int
    account_class: int
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantOpened(Event):
    """A business can be paid."""

    topic: ClassVar[str] = "customers.MerchantOpened.v1"

    merchant_id: uuid.UUID
    account_id: int
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSubmitted(Event):
    """A person handed an application in."""

    topic: ClassVar[str] = "customers.ApplicationSubmitted.v1"

    application_id: uuid.UUID
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDecided(Event):
    """An application was approved, refused, or put before staff (`state`)."""

    topic: ClassVar[str] = "customers.ApplicationDecided.v1"

    application_id: uuid.UUID
    state: str
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClassRaised(Event):
    """A payment account may pay more: its class rose from `before` to `after`."""

    topic: ClassVar[str] = "customers.AccountClassRaised.v1"

    customer_id: uuid.UUID
    before: int
    after: int
    raised_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFrozen(Event):
    """Nothing goes out of a customer's account, or nothing moves at all."""

    topic: ClassVar[str] = "customers.CustomerFrozen.v1"

    customer_id: uuid.UUID
    are_credits_frozen: bool
    frozen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerUnfrozen(Event):
    """Money may move again."""

    topic: ClassVar[str] = "customers.CustomerUnfrozen.v1"

    customer_id: uuid.UUID
    unfrozen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRestricted(Event):
    """Nothing goes out of a customer's account because of `kind` (`document`, `guardian`)."""

    topic: ClassVar[str] = "customers.CustomerRestricted.v1"

    customer_id: uuid.UUID
    kind: str
    restricted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRestrictionLifted(Event):
    """One reason for restricting a customer is gone; others may hold."""

    topic: ClassVar[str] = "customers.CustomerRestrictionLifted.v1"

    customer_id: uuid.UUID
    kind: str
    lifted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerClosed(Event):
    """The relationship with a customer has ended."""

    topic: ClassVar[str] = "customers.CustomerClosed.v1"

    customer_id: uuid.UUID
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReviewDue(Event):
    """Staff have to look at a customer again (`document_expired` or `periodic`)."""

    topic: ClassVar[str] = "customers.CustomerReviewDue.v1"

    customer_id: uuid.UUID
    reason: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReviewed(Event):
    """Staff looked at a customer again."""

    topic: ClassVar[str] = "customers.CustomerReviewed.v1"

    customer_id: uuid.UUID
    reviewed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessVerified(Event):
    """The evidence of a merchant's business was taken."""

    topic: ClassVar[str] = "customers.BusinessVerified.v1"

    merchant_id: uuid.UUID
    beneficial_owners: int
    verified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessReviewDue(Event):
    """Staff have to look at a business again (`document_expired` or `periodic`)."""

    topic: ClassVar[str] = "customers.BusinessReviewDue.v1"

    merchant_id: uuid.UUID
    reason: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessReviewed(Event):
    """Staff looked at a business again."""

    topic: ClassVar[str] = "customers.BusinessReviewed.v1"

    merchant_id: uuid.UUID
    reviewed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianReplaced(Event):
    """A minor has another guardian, or the same one again."""

    topic: ClassVar[str] = "customers.GuardianReplaced.v1"

    customer_id: uuid.UUID
    guardian_id: uuid.UUID
    replaced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCapacityChanged(Event):
    """A birthday lets a customer do more alone: `limited`, or everything (`full`)."""

    topic: ClassVar[str] = "customers.CustomerCapacityChanged.v1"

    customer_id: uuid.UUID
    capacity: str
    changed_at: datetime
