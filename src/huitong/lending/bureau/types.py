"""A credit bureau's report, in the sections of the PBOC's second generation, and who gives it.

Amounts are minor units of CNY. The report names lenders by code; it has no attribute that nobody
may be judged by, though the bureau's paper has some.
"""

import uuid
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Protocol

import msgspec

from huitong.lending.bureau import limits

#: Our own code among the lenders of a report: our loans are known better here.
OWN_LENDER = "HUITONG"
#: One month each, oldest first: N on time, 1 to 7 overdue by so many months (7 is over 180 days),
#: C closed, * no instalment in the month, / not open yet.
STATUS_PATTERN = "^[N1-7C*/]*$"

Amount = Annotated[int, msgspec.Meta(ge=0, le=limits.AMOUNT_MAX)]
Code = Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9_]*$", max_length=limits.CODE_LENGTH_MAX)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.TEXT_LENGTH_MAX)]


class AccountKind(StrEnum):
    """What was lent."""

    CONSUMER_LOAN = "consumer_loan"
    BUSINESS_LOAN = "business_loan"
    HOME_LOAN = "home_loan"
    CREDIT_CARD = "credit_card"
    CREDIT_LINE = "credit_line"


class RecordKind(StrEnum):
    """What authorities have published about somebody."""

    CIVIL_JUDGMENT = "civil_judgment"
    ENFORCEMENT = "enforcement"
    TAX_ARREARS = "tax_arrears"
    PENALTY = "penalty"


class InquiryReason(StrEnum):
    """Why somebody asked for the report."""

    LOAN = "loan"
    CREDIT_CARD = "credit_card"
    GUARANTEE = "guarantee"
    AFTER_LENDING = "after_lending"
    OWN = "own"


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Who the report is about: work, and the monthly wage that the housing fund goes by."""

    employer: Text | None = None
    fund_base: Amount | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A loan, card or line: `amount` lent or granted, what is owed, and the months' status.

    `months` are up to 60, oldest first; the last 24 are the repayment record and all of them the
    five-year history. `repayment` is what the month takes, `overdue` what is late now.
    """

    lender: Code
    kind: AccountKind
    opened_on: date
    amount: Amount
    balance: Amount
    repayment: Amount
    overdue: Amount = 0
    months: Annotated[str, msgspec.Meta(pattern=STATUS_PATTERN, max_length=60)] = ""
    is_secured: bool = False
    closed_on: date | None = None

    @property
    def is_open(self) -> bool:
        """Whether it runs."""
        return self.closed_on is None


class PublicRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A judgment, enforcement, tax debt or penalty."""

    kind: RecordKind
    on: date
    amount: Amount = 0


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked for the report, when and why."""

    by: Code
    on: date
    reason: InquiryReason


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the bureau knows of a person on a day."""

    number: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z-]{1,64}$")]
    made_on: date
    summary: Summary
    accounts: Annotated[tuple[Account, ...], msgspec.Meta(max_length=limits.ACCOUNTS_MAX)] = ()
    records: Annotated[tuple[PublicRecord, ...], msgspec.Meta(max_length=limits.RECORDS_MAX)] = ()
    inquiries: Annotated[tuple[Inquiry, ...], msgspec.Meta(max_length=limits.INQUIRIES_MAX)] = ()


class Verdict(StrEnum):
    """How a question ended."""

    FOUND = "found"
    #: The person has no credit history.
    NO_RECORD = "no_record"
    #: Name and number do not belong together.
    MISMATCH = "mismatch"
    #: Nothing that can be used came back.
    UNAVAILABLE = "unavailable"


class Trouble(StrEnum):
    """Why nothing that can be used came back."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    BROKEN = "broken"
    NOT_AUTHENTIC = "not_authentic"
    MEANINGLESS = "meaningless"
    OTHER_REQUEST = "other_request"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whose report is asked for, why, and by which consent."""

    name: str = field(repr=False)
    id_number: str = field(repr=False)
    consent: str
    reason: InquiryReason = InquiryReason.LOAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; a report only with FOUND, a trouble only with UNAVAILABLE."""

    request_id: uuid.UUID
    verdict: Verdict
    report: Report | None = field(default=None, repr=False)
    trouble: Trouble | None = None
    attempts: int = 1


class CreditBureau(Protocol):
    """Who gives reports. Never asked inside a database transaction; asked again by the same id."""

    async def ask(self, question: Question, *, request_id: uuid.UUID) -> Answer:
        """Return the report of a person, or why there is none; never raises for the outside."""
        ...
