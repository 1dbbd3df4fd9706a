"""What happened to loans, as others are told."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from huitong.kernel.money import Money
from huitong.kernel.outbox import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanLent(Event):
    """A loan was made and paid out."""

    topic: ClassVar[str] = "lending.LoanLent.v1"

    loan_id: uuid.UUID
    customer_id: uuid.UUID
    principal: Money
    lent_on: date
    lent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanChanged(Event):
    """Something happened to a loan: `kind` says what, `state` how it stands."""

    topic: ClassVar[str] = "lending.LoanChanged.v1"

    loan_id: uuid.UUID
    event_id: uuid.UUID
    customer_id: uuid.UUID
    kind: str
    amount: Money
    state: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanSold(Event):
    """A loan is another creditor's from now on; we go on servicing it."""

    topic: ClassVar[str] = "lending.LoanSold.v1"

    loan_id: uuid.UUID
    customer_id: uuid.UUID
    sale_id: uuid.UUID
    sold_at: datetime
