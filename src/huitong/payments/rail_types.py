"""Through which system an outgoing payment goes."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from huitong.payments.clearing import Rail


@dataclass(frozen=True, slots=True, kw_only=True)
class RailReason:
    """Why a system was taken or not, in both languages; `rule` is the rulebook's, or None."""

    rail: Rail
    zh: str
    en: str
    rule: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRail:
    """The system that an attempt goes through, as it was planned for `planned_at`.

    `opens_at` is when the system opens, None if it is open at `planned_at`.
    """

    channel_order_id: uuid.UUID
    rail: Rail
    is_urgent: bool
    opens_at: datetime | None
    reasons: tuple[RailReason, ...]
    planned_at: datetime
