"""The portfolio: figures by business day and what they show."""

from huitong.lending.portfolio.errors import PortfolioNotFound
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

__all__ = [
    "Dimension",
    "Narrowing",
    "Portfolio",
    "PortfolioNotFound",
    "Slice",
    "Sums",
    "Vintage",
    "VintagePoint",
    "get_portfolio",
    "show_portfolio",
]
