"""What is done about loans that are due or overdue: strategies, cases, contacts, requests."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from huitong.lending.products import Purpose

#: The segment of loans that are not overdue: reminders up to the due day.
BEFORE_DUE: Final = "before_due"


class Channel(StrEnum):
    """How a debtor is reached."""

    APP = "app"
    SMS = "sms"
    CALL = "call"
    LETTER = "letter"


class TaskState(StrEnum):
    """What became of a step; the first two are open."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"
    NEEDLESS = "needless"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    LAPSED = "lapsed"


class Outcome(StrEnum):
    """How a contact ended; `other_person` was told nothing."""

    REACHED = "reached"
    PROMISED = "promised"
    REFUSES = "refuses"
    DISPUTES = "disputes"
    NO_ANSWER = "no_answer"
    OTHER_PERSON = "other_person"
    WRONG_NUMBER = "wrong_number"
    SENT = "sent"


class PromiseState(StrEnum):
    """Whether a promise was kept; void if the loan was eased or written off meanwhile."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    VOID = "void"


class Cause(StrEnum):
    """Why somebody asks for easier terms."""

    INCOME_LOST = "income_lost"
    ILLNESS = "illness"
    DISASTER = "disaster"
    BUSINESS_TROUBLE = "business_trouble"
    FAMILY = "family"
    OTHER = "other"


class HardshipState(StrEnum):
    """What became of a request for easier terms."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"


class About(StrEnum):
    """What a complaint is about."""

    TOO_OFTEN = "too_often"
    QUIET_HOURS = "quiet_hours"
    OTHER_PEOPLE = "other_people"
    CONDUCT = "conduct"
    AMOUNT = "amount"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStep:
    """A step on a day past due (0 and below: the due day and before it).

    The texts may name {amount}, {due_on} and {days}, and nothing of a person.
    """

    day: int
    channel: Channel
    is_automatic: bool
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Cases that are treated alike: overdue for so long, owed so much, scored so low.

    `amount_min` is minor units; `score_max` None is for any score.
    """

    code: str
    days_min: int
    amount_min: int = 0
    score_max: int | None = None
    steps: tuple[NewStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStrategy:
    """A version of what is done about loans of a purpose and currency, from a day on.

    `before_due` are steps up to the due day; of `segments` the first that fits takes a case.
    """

    purpose: Purpose
    currency: str
    name_zh: str
    name_en: str
    effective_from: date
    before_due: tuple[NewStep, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A version that two people agreed on."""

    id: int
    version: int
    new: NewStrategy
    approval_id: uuid.UUID
    agreed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A loan that is overdue, from the close of business that found it to the one that ends it.

    `days`, `owed` (minor units), `score` and `segment` are as `as_of` began.
    """

    number: int
    id: uuid.UUID
    loan: int
    loan_id: uuid.UUID
    customer_id: uuid.UUID
    currency: str
    purpose: Purpose
    opened_on: date
    since_day: date
    as_of: date
    days: int
    owed: int
    score: int
    segment: str | None
    closed_on: date | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A step of a strategy for one loan; texts are as the strategy has them."""

    id: uuid.UUID
    loan: int
    loan_id: uuid.UUID
    customer_id: uuid.UUID
    currency: str
    case_id: uuid.UUID | None
    segment: str
    day: int
    channel: Channel
    is_automatic: bool
    about_day: date
    on_day: date
    state: TaskState
    rule: str | None
    assigned_to: uuid.UUID | None
    text_zh: str
    text_en: str

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.state in (TaskState.WAITING, TaskState.TAKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One attempt to reach a debtor; `nth` is which of that day it is over all loans and agents."""

    id: uuid.UUID
    task_id: uuid.UUID
    loan: int
    customer_id: uuid.UUID
    channel: Channel
    day: date
    nth: int
    most: int
    made_at: datetime
    allowed_until: datetime
    staff_id: uuid.UUID | None
    text_zh: str = field(repr=False)
    text_en: str = field(repr=False)
    outcome: Outcome | None
    outcome_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a debtor promised to pay by a day, in minor units; judged at that day's close."""

    id: uuid.UUID
    case_id: uuid.UUID
    loan: int
    customer_id: uuid.UUID
    currency: str
    amount: int
    made_at: datetime
    pay_by: date
    staff_id: uuid.UUID | None
    state: PromiseState
    paid: int | None
    judged_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardship:
    """A request to repay what is left in `count` payments from now on."""

    id: uuid.UUID
    loan: int
    loan_id: uuid.UUID
    customer_id: uuid.UUID
    cause: Cause
    count: int
    asked_at: datetime
    due_on: date
    state: HardshipState
    decided_at: datetime | None
    reason_zh: str | None
    reason_en: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What a debtor complains about; `words` are sealed."""

    id: uuid.UUID
    customer_id: uuid.UUID
    about: About
    words: bytes = field(repr=False)
    made_at: datetime
    due_on: date
    answered_at: datetime | None
    is_upheld: bool | None
    answer_zh: str | None
    answer_en: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was done about one loan, and what its debtor asked for."""

    cases: tuple[Case, ...]
    contacts: tuple[Contact, ...]
    promises: tuple[Promise, ...]
    hardships: tuple[Hardship, ...]
