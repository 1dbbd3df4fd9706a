"""The loan portfolio as it travels: made by the room, described here."""

from datetime import date
from typing import Annotated

from fastapi import Query
from pydantic import Field

from huitong import lending
from huitong.api.schemas.common import MoneyView, View

Share = Annotated[str, Field(description="A share as a decimal text.", examples=["0.034500"])]
Ratio = Annotated[str | None, Field(description="None where there is nothing to divide by.")]
AsOf = Annotated[
    date | None,
    Query(description="The last business day until it that is closed; today without it."),
]
CurrencyQuery = Annotated[str, Query(pattern=r"^[A-Z]{3}$", description="ISO 4217.")]
ProductQuery = Annotated[
    str | None, Query(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="Only loans of a product.")
]
GradeQuery = Annotated[
    str | None,
    Query(pattern=r"^[A-E]?$", description="Only loans of a grade; empty for those without one."),
]
WordQuery = Annotated[
    str | None, Query(max_length=256, description="Only loans for a use, or of a region.")
]


class SumsView(View):
    """Loans counted and summed."""

    loans: int
    principal: MoneyView
    owed: MoneyView
    overdue: MoneyView
    expected_loss: MoneyView
    provision: MoneyView


class SliceView(SumsView):
    """Loans that have something in common, and their share of all that is owed."""

    key: str
    name_zh: str
    name_en: str
    share: Share


class MonthView(SumsView):
    """The portfolio as a month ended; shares of what is owed."""

    day: date
    late_30: Share
    late_90: Share
    bad: Share


class CoverageView(View):
    """Provisions against the supervised ratios, and what is missing to meet both."""

    bad_loans: MoneyView
    loan_ratio: Ratio
    loan_ratio_min: str
    coverage: Ratio
    coverage_min: str
    shortfall: MoneyView


class SegmentView(View):
    """A segment above the bound of concentration."""

    key: str
    share: Share


class ConcentrationView(View):
    """The sum of squared shares (Herfindahl index), and segments above the bound."""

    dimension: str
    index: Share
    above: list[SegmentView]


class ScenarioLossView(View):
    """What a stage loses if a scenario comes."""

    stage: int
    scenario: str
    weight: str
    exposure: MoneyView
    expected_loss: MoneyView


class RollView(View):
    """Loans that went from one bucket of days past due to another within a month."""

    from_bucket: str = Field(alias="from")
    to: str
    loans: int
    share: Share


class RollsView(View):
    """Roll rates of the month that ended on a day."""

    day: date
    rates: list[RollView]


class VintagePointView(View):
    """A vintage after so many months: shares of what was lent."""

    months: int
    late_30: Share
    late_90: Share
    ever_30: Share
    ever_90: Share
    lost: Share


class VintageView(View):
    """Loans of one month of disbursement."""

    month: str = Field(examples=["2026-03"])
    loans: int
    lent: MoneyView
    points: list[VintagePointView]


class FiltersView(View):
    """What was asked for."""

    product: str | None
    grade: str | None
    use: str | None
    region: str | None


class PortfolioView(View):
    """The portfolio as a business day closed.

    Losses by scenario and rolls are kept by product, vintages by product and grade: null where a
    filter asks for more.
    """

    as_of: date
    currency: str
    filters: FiltersView
    total: SumsView
    products: list[SliceView]
    grades: list[SliceView]
    classes: list[SliceView]
    stages: list[SliceView]
    buckets: list[SliceView]
    uses: list[SliceView]
    regions: list[SliceView]
    coverage: CoverageView
    concentrations: list[ConcentrationView]
    months: list[MonthView]
    scenario_losses: list[ScenarioLossView] | None
    rolls: RollsView | None
    vintages: list[VintageView] | None


def show(portfolio: lending.portfolio.Portfolio) -> PortfolioView:
    """Return a portfolio as it travels."""
    return PortfolioView.model_validate(lending.portfolio.show_portfolio(portfolio))
