"""What happened at the door that somebody else may want to tell the customer of."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from huitong.kernel.outbox import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInNoticed(Event):
    """A log-in that its owner should hear of: a new place or device, or one that was held back.

    `action` is allow, step_up, reduce or block. `attempt_id` is also the decision's.
    """

    topic: ClassVar[str] = "identity.LogInNoticed.v1"

    attempt_id: uuid.UUID
    login_id: uuid.UUID
    subject_id: uuid.UUID
    action: str
    is_new_place: bool
    is_new_device: bool
    noticed_at: datetime
