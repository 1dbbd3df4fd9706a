"""Whether loans may be sold as it is asked for."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits
from huitong.lending.products import RATE_SCALE
from huitong.lending.sales.errors import SaleAgainstRule
from huitong.lending.sales.types import NewBuyBack, NewSale

_PRICE_SHARE_MAX: Final = 2 * RATE_SCALE
#: The first of the five classes that is bad: substandard 次级.
_SUBSTANDARD: Final = 2


def check_sale_fields(new: NewSale, *, rulebook: Rulebook, on: date) -> None:
    """Raise InvalidField for a sale that cannot be, SaleAgainstRule for one that may not."""
    _check_loans(new)
    if type(new.fee_share) is not int or not 0 <= new.fee_share <= RATE_SCALE:
        raise InvalidField("must be from 0 to 1", field="fee_share")
    key = "loan.sale.buy_back.promised.allowed"
    if new.promises_buy_back and not rulebook.flag(key, on):
        raise _against(key, "promises_buy_back", "a sale promises no buy-back")


def check_buy_back_fields(new: NewBuyBack) -> None:
    """Raise InvalidField for a buy-back that cannot be."""
    _check_loans(new)


def check_portfolio(classes: Sequence[int], *, rulebook: Rulebook, on: date) -> None:
    """Raise SaleAgainstRule for loans that may not be sold, or not together, by their classes."""
    bad = [each >= _SUBSTANDARD for each in classes]
    key = "loan.sale.bad.allowed"
    if any(bad) and not rulebook.flag(key, on):
        raise _against(key, "loans", "loans that are substandard or worse are not sold")
    key = "loan.sale.class.mixed.allowed"
    if any(bad) and not all(bad) and not rulebook.flag(key, on):
        raise _against(key, "loans", "loans that are substandard or worse are sold by themselves")


def _check_loans(new: NewSale | NewBuyBack) -> None:
    count, most = len(new.loans), limits.SOLD_AT_ONCE_MAX
    if not 1 <= count <= most or len(set(new.loans)) < count:
        raise InvalidField(f"must name 1 to {most}, each once", field="loans")
    if type(new.price_share) is not int or not 0 < new.price_share <= _PRICE_SHARE_MAX:
        raise InvalidField("must be above 0 and at most 2", field="price_share")


def _against(key: str, field: str, what: str) -> SaleAgainstRule:
    return SaleAgainstRule(f"{what} (rule {key})", field=field, context={"rule": key})
