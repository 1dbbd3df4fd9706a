"""What happened to files of payments, in the past tense."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from huitong.kernel.money import Money
from huitong.kernel.outbox import Event
from huitong.payments.bulk.types import BulkFile, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFileSubmitted(Event):
    """A sound file waits for a second person; a bad one is no event."""

    topic: ClassVar[str] = "payments.BulkFileSubmitted.v1"

    file_id: uuid.UUID
    merchant_id: uuid.UUID
    purpose: Purpose
    line_count: int
    total: Money
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFileApproved(Event):
    """A second person approved a file, and the money of all its lines is reserved."""

    topic: ClassVar[str] = "payments.BulkFileApproved.v1"

    file_id: uuid.UUID
    merchant_id: uuid.UUID
    total: Money
    approved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFileRejected(Event):
    """A second person rejected a file: nothing of it is ever paid."""

    topic: ClassVar[str] = "payments.BulkFileRejected.v1"

    file_id: uuid.UUID
    merchant_id: uuid.UUID
    rejected_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFilePaid(Event):
    """Every line of a file is paid, or failed and its money is given back."""

    topic: ClassVar[str] = "payments.BulkFilePaid.v1"

    file_id: uuid.UUID
    merchant_id: uuid.UUID
    paid_count: int
    paid: Money
    failed_count: int
    failed: Money
    paid_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFileStopped(Event):
    """An approved file paid nothing, and its reserved money is free again; `reason` says why."""

    topic: ClassVar[str] = "payments.BulkFileStopped.v1"

    file_id: uuid.UUID
    merchant_id: uuid.UUID
    total: Money
    reason: str
    stopped_at: datetime


def paid_event(file: BulkFile, now: datetime) -> BulkFilePaid:
    """Return the event of a file that is done at `now`."""
    return BulkFilePaid(
        file_id=file.id,
        merchant_id=file.merchant_id,
        paid_count=file.paid_count,
        paid=file.paid,
        failed_count=file.failed_count,
        failed=file.failed,
        paid_at=now,
    )


def stopped_event(file: BulkFile, reason: str, now: datetime) -> BulkFileStopped:
    """Return the event of a file that is stopped at `now`."""
    return BulkFileStopped(
        file_id=file.id,
        merchant_id=file.merchant_id,
        total=file.total,
        reason=reason,
        stopped_at=now,
    )
