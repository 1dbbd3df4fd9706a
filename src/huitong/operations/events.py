"""What the platform found about itself, for whoever must be told."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from huitong.kernel.outbox import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentOpened(Event):
    """Something is not well, or somebody misuses the API."""

    topic: ClassVar[str] = "operations.IncidentOpened.v1"

    incident_id: uuid.UUID
    kind: str
    severity: str
    entity_kind: str
    entity: str
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CountermeasureTaken(Event):
    """A caller is throttled, challenged or blocked until an instant."""

    topic: ClassVar[str] = "operations.CountermeasureTaken.v1"

    countermeasure_id: uuid.UUID
    incident_id: uuid.UUID
    kind: str
    entity_kind: str
    entity: str
    ends_at: datetime
