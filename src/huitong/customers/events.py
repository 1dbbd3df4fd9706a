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
