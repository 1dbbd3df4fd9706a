"""What is looked for among all orders, and what is counted of them."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from huitong.kernel.money import Money
from huitong.payments.types import OrderKind, OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSearch:
    """Which orders are looked for; what is None lets everything pass. The period is half-open."""

    kind: OrderKind | None = None
    status: OrderStatus | None = None
    account_id: int | None = None
    merchant_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceMinute:
    """What was asked for in one minute and currency; `moved` is the sum of what was paid."""

    minute: datetime
    orders: int
    paid: int
    failed: int
    held: int
    moved: Money
