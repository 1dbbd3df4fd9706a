"""The portfolio: figures by business day, what they show, and early warnings."""

from huitong.lending.portfolio.errors import PortfolioNotFound
from huitong.lending.portfolio.marks import mark_loans
from huitong.lending.portfolio.queries import get_portfolio
from huitong.lending.portfolio.showing import show_portfolio
from huitong.lending.portfolio.types import (
    Dimension,
    Narrowing,
    Portfolio,
    Slice,
    Sums,
    Vintage,
    VintagePoint,
)
from huitong.lending.portfolio.warning import (
    LoanWarningClosed,
    LoanWarningNotFound,
    close_warning,
    list_warnings,
    warn,
)
from huitong.lending.portfolio.warning_types import (
    SIGN_TEXTS,
    CreditWarning,
    Outcome,
    PortfolioSign,
    WarnedDay,
)

__all__ = [
    "SIGN_TEXTS",
    "CreditWarning",
    "Dimension",
    "LoanWarningClosed",
    "LoanWarningNotFound",
    "Narrowing",
    "Outcome",
    "Portfolio",
    "PortfolioNotFound",
    "PortfolioSign",
    "Slice",
    "Sums",
    "Vintage",
    "VintagePoint",
    "WarnedDay",
    "close_warning",
    "get_portfolio",
    "list_warnings",
    "mark_loans",
    "show_portfolio",
    "warn",
]
