"""What happened in the ledger by itself, in the past tense."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from huitong.kernel.outbox import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldExpired(Event):
    """Time ran out for a pending transfer; what it reserved is free again."""

    topic: ClassVar[str] = "ledger.HoldExpired.v1"

    hold_id: uuid.UUID
    expired_at: datetime
