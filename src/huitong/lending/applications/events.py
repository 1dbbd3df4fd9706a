"""What happened to applications, as others are told."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from huitong.kernel.outbox import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanApplicationMoved(Event):
    """An application came to another stage."""

    topic: ClassVar[str] = "lending.LoanApplicationMoved.v1"

    application_id: uuid.UUID
    customer_id: uuid.UUID
    product: str
    stage: str
    moved_at: datetime
