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
