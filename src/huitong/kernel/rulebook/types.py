"""What a rule is: its value with a unit, where it comes from, and when it is in force."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from huitong.kernel.errors import Refusal

RuleValue = Decimal | int | bool | str | tuple[int, ...] | tuple[Decimal, ...] | tuple[str, ...]


class Confidence(StrEnum):
    """How well a value is known."""

    STATUTE = "S"
    """The text of the statute was read."""
    PUBLISHED = "V"
    """Found in at least one published page, usually not the regulator's own."""
    KNOWN = "K"
    """Known with high confidence, no page found."""
    UNCONFIRMED = "K?"
    """Known with moderate or low confidence: must be confirmed before anything is blocked by it."""
    TESTED = "T"
    """Found by calculating against known values."""


class Enforcement(StrEnum):
    """What happens when a rule is not met."""

    BLOCK = "block"
    REVIEW = "review"
    WARN = "warn"
    REPORT = "report"
    INFO = "info"
    """Nothing by itself: a parameter of a calculation, or a fact."""


class Unit(StrEnum):
    """What a value counts, apart from amounts, whose unit is the code of their currency."""

    RATIO = "ratio"
    RATIO_PER_YEAR = "ratio_per_year"
    RATIO_PER_DAY = "ratio_per_day"
    RATIOS = "ratios"
    MULTIPLE = "multiple"
    COUNT = "count"
    COUNTS = "counts"
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"
    MONTHS = "months"
    YEARS = "years"
    KILOMETRES = "km"
    KILOMETRES_PER_HOUR = "km_per_hour"
    FLAG = "flag"
    TEXT = "text"
    TEXTS = "texts"
    PATTERN = "pattern"
    TIME = "time"
    DATE = "date"


INTEGER_UNITS: Final = frozenset(
    {
        Unit.COUNT,
        Unit.SECONDS,
        Unit.MINUTES,
        Unit.HOURS,
        Unit.DAYS,
        Unit.WORKING_DAYS,
        Unit.MONTHS,
        Unit.YEARS,
        Unit.KILOMETRES,
        Unit.KILOMETRES_PER_HOUR,
    }
)
DECIMAL_UNITS: Final = frozenset(
    {Unit.RATIO, Unit.RATIO_PER_YEAR, Unit.RATIO_PER_DAY, Unit.MULTIPLE}
)


class Scope(StrEnum):
    """Over what a value is measured: the thing whose total, count or share is compared with it."""

    ACCOUNT = "account"
    BILL = "bill"
    CARD = "card"
    CASE = "case"
    CODE = "code"
    COMPLAINT = "complaint"
    CUSTOMER = "customer"
    CUSTOMER_AT_BANK = "customer_at_bank"
    """All accounts of one person at one bank."""
    CUSTOMER_AT_INSTITUTION = "customer_at_institution"
    """All payment accounts of one customer at one institution."""
    DEBTOR = "debtor"
    FUND = "fund"
    INSTITUTION = "institution"
    INVESTOR_FUND_SELLER = "investor_fund_seller"
    """One investor in one fund at one seller."""
    LOAN = "loan"
    MARKET = "market"
    PARTNER = "partner"
    PERSON = "person"
    PLATFORM = "platform"
    POLICY = "policy"
    PORTFOLIO = "portfolio"
    PRODUCT = "product"
    SYSTEM = "system"
    TRANSACTION = "transaction"
    VOUCHER = "voucher"
    WALLET = "wallet"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value was published; `number` and `article` are None where there is none."""

    title: str
    number: str | None
    issuer: str
    article: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One value of one key, in force from `effective_from` to before `effective_to`.

    Decimals are exact; an amount is in major units of the currency that `unit` names.
    `is_date_assumed` says that the first day was not found published but set by us, and
    `is_volatile` that the value must be checked again before a release.
    """

    key: str
    value: RuleValue
    unit: str
    scope: Scope
    jurisdiction: str
    source: Source
    effective_from: date
    effective_to: date | None
    confidence: Confidence
    enforcement: Enforcement
    note: str | None = None
    is_date_assumed: bool = False
    is_volatile: bool = False

    def is_in_force(self, on: date) -> bool:
        """Say whether `on` is within the half-open period of this rule."""
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)


class UnknownRuleError(LookupError):
    """No rule has that key: a mistake in our code or in a pack, so not a refusal."""


class NoRuleInForce(Refusal):
    """The key is known, but no value of it is in force on that business day."""

    code = "no_rule_in_force"
    title = "No rule was in force on that day"


class RulebookInvalidError(Exception):
    """The files of a pack have mistakes; `problems` names all of them, with file and key."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Make the error; its text is one line for each problem."""
        super().__init__("The rulebook has mistakes:\n" + "\n".join(problems))
        self.problems = problems
