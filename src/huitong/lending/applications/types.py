"""Applications for loans: what is asked for, what was decided, what was offered."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.bureau.types import Report
from huitong.lending.loans.types import LoanTerms
from huitong.lending.products import Product


class Stage(StrEnum):
    """How far an application has come."""

    #: The applicant fills it in; every step is kept.
    DRAFT = "draft"
    #: People decide.
    REVIEW = "review"
    #: Terms are offered; the cost statement is read, and the contract signed, next.
    OFFERED = "offered"
    LENT = "lent"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    #: Nobody went on in time.
    LAPSED = "lapsed"


class Step(StrEnum):
    """What was done to an application."""

    STARTED = "started"
    FILLED = "filled"
    PARTY_ADDED = "party_added"
    COLLATERAL_ADDED = "collateral_added"
    SUBMITTED = "submitted"
    DECIDED = "decided"
    APPEALED = "appealed"
    STATEMENT_SHOWN = "statement_shown"
    STATEMENT_READ = "statement_read"
    SIGNED = "signed"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class Verdict(StrEnum):
    """What becomes of an application that was decided about."""

    OFFER = "offer"
    REVIEW = "review"
    REFUSE = "refuse"


class Role(StrEnum):
    """What another person is to a loan."""

    CO_BORROWER = "co_borrower"
    GUARANTOR = "guarantor"


class CollateralKind(StrEnum):
    """What secures a loan."""

    REAL_ESTATE = "real_estate"
    VEHICLE = "vehicle"
    DEPOSIT = "deposit"
    RECEIVABLES = "receivables"
    EQUIPMENT = "equipment"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was decided, in plain words for the applicant."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanDecision:
    """What was decided about an application, and what may be lent at most.

    `limit` is in minor units, `rate` in millionths a year (of an LPR product with the spread in
    it); both belong to an offer. `decision_id` is the record of risk, None for people's decisions;
    `records` is what else was recorded on the way, by name, for the application's history.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    limit: int | None = None
    rate: int | None = None
    grade: str | None = None
    decision_id: uuid.UUID | None = None
    records: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Another person who stands for the loan, a customer too."""

    customer_id: uuid.UUID
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Collateral:
    """Something that secures the loan, as it was stated; `value` is in minor units."""

    kind: CollateralKind
    description: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application as it stands.

    `wish` is what is asked for, and `offer` what may be signed until `offer_until`; less than was
    asked for is a counter-offer. Facts about the applicant (income, employer) are sealed apart.
    `device_id` is the device that it was handed in on.
    """

    id: uuid.UUID
    customer_id: uuid.UUID
    product: Product
    stage: Stage
    borrower_account_id: int
    payout_account_id: int
    started_at: datetime
    changed_at: datetime
    wish: LoanTerms | None = None
    parties: tuple[Party, ...] = ()
    collateral: tuple[Collateral, ...] = ()
    reasons: tuple[Reason, ...] = ()
    offer: LoanTerms | None = None
    offer_until: date | None = None
    has_appealed: bool = False
    is_decided_by_person: bool = False
    decision_id: uuid.UUID | None = None
    statement_digest: bytes | None = None
    statement_shown_at: datetime | None = None
    statement_read_at: datetime | None = None
    contract_digest: bytes | None = None
    signed_at: datetime | None = None
    loan_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None

    @property
    def is_counter_offer(self) -> bool:
        """Whether less is offered than was asked for."""
        if self.wish is None or self.offer is None:
            return False
        return self.offer.principal < self.wish.principal


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTaken:
    """One entry of an application's history."""

    position: int
    step: Step
    actor: str
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredStep:
    """What an application was scored with: the features as texts, None for what was not known."""

    at: datetime
    features: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanSubject:
    """An application as it is decided about; a report is None where no bureau gave one.

    `party_reports` are of the other people who are named, in their order.
    """

    application: Application
    facts: Mapping[str, str]
    report: Report | None = None
    party_reports: tuple[Report | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """Other applications of a customer lately, and the applicants on a device."""

    submitted: int
    refused: int
    device_applicants: int


class LoanDecider(Protocol):
    """Who decides about applications without people."""

    async def decide(
        self, uow: UnitOfWork, subject: LoanSubject, /, *, now: datetime
    ) -> LoanDecision:
        """Return what becomes of an application, and write that down in the unit of work."""
        ...
