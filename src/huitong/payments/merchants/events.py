"""What happened to merchants, as others are told."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from huitong.kernel.money import Money
from huitong.kernel.outbox import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementMade(Event):
    """A settlement sheet was made, and what it pays was moved."""

    topic: ClassVar[str] = "payments.MerchantSettled.v1"

    sheet_id: uuid.UUID
    merchant_id: uuid.UUID
    payout: Money
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeMoved(Event):
    """A dispute was opened, came to another stage, or is over."""

    topic: ClassVar[str] = "payments.DisputeMoved.v1"

    dispute_id: uuid.UUID
    order_id: uuid.UUID
    merchant_id: uuid.UUID
    stage: str
    outcome: str | None
    due_at: datetime | None
    moved_at: datetime
