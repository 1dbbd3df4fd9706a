"""What the portfolio shows; amounts in minor units of one currency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from huitong.kernel.money import Money


class Dimension(StrEnum):
    """By what loans are told apart."""

    PRODUCT = "product"
    GRADE = "grade"
    CLASS = "class"
    STAGE = "stage"
    BUCKET = "bucket"
    USE = "use"
    REGION = "region"


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """Which loans are looked at: one currency, and of a product, grade, use or region if given.

    A grade is A to E, or empty for loans without one; a region may be empty, too.
    """

    currency: str = "CNY"
    product: str | None = None
    grade: str | None = None
    use: str | None = None
    region: str | None = None


@dataclass(slots=True, kw_only=True)
class Sums:
    """Loans counted and summed: principal, all that is owed, overdue, expected loss, provision."""

    loans: int = 0
    principal: int = 0
    owed: int = 0
    overdue: int = 0
    expected_loss: int = 0
    provision: int = 0

    def add(self, other: "Sums") -> None:
        """Add others."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Loans with the same key in a dimension, with its names in Chinese and English."""

    key: str
    zh: str
    en: str
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioLoss:
    """What a stage loses if a scenario comes; `weight` is how likely that is held to be."""

    stage: int
    scenario: str
    weight: Decimal
    exposure: int
    expected_loss: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """How many loans went from a bucket at a month's end to another a month later."""

    from_bucket: int
    to_bucket: int
    loans: int
    share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class VintagePoint:
    """A vintage after so many months: shares of what was lent.

    `late_30` and `late_90` are owed by loans over 30 and 90 days past due at that month's end,
    `ever_30` and `ever_90` were lent to loans that ever were, `lost` is written off and not
    recovered.
    """

    months: int
    late_30: Decimal
    late_90: Decimal
    ever_30: Decimal
    ever_90: Decimal
    lost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Vintage:
    """Loans of one month of disbursement, and how they went."""

    month: date
    loans: int
    lent: int
    points: Sequence[VintagePoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEnd:
    """The portfolio as a month ended, or as of the day that is shown."""

    day: date
    sums: Sums
    late_30: Decimal
    late_90: Decimal
    bad: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """How concentrated what is owed is: the sum of squared shares, and keys above the bound."""

    index: Decimal
    above: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Provisions against the supervised ratios; None where there is nothing to divide by."""

    bad_loans: Money
    loan_ratio: Decimal | None
    loan_ratio_min: Decimal
    coverage: Decimal | None
    coverage_min: Decimal
    shortfall: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """The portfolio as a business day closed.

    `losses`, `rolls` and `vintages` are None where they are not kept by what was asked for.
    """

    as_of: date
    narrowing: Narrowing
    buckets: Sequence[str]
    total: Sums
    slices: Mapping[Dimension, Sequence[Slice]]
    coverage: Coverage
    concentrations: Mapping[Dimension, Concentration]
    months: Sequence[MonthEnd]
    losses: Sequence[ScenarioLoss] | None
    rolls: Sequence[Roll] | None
    rolled_on: date | None
    vintages: Sequence[Vintage] | None
