"""Loans that are sold: portfolios go to a partner at a price, and servicing goes on for the buyer.

From the day of the sale on every flow of a sold loan is the buyer's; what is between us is settled
as with partners that lend with us. A loan may be bought back at a price, as a purchase of its own.
"""

from huitong.lending.sales.commands import buy_back, check_buy_back, check_sale, sell_loans
from huitong.lending.sales.errors import SaleAgainstRule, SaleNotFound, SaleRefused
from huitong.lending.sales.payloads import (
    read_buy_back,
    read_sale,
    write_buy_back,
    write_sale,
)
from huitong.lending.sales.queries import get_sale, list_sales, list_sold
from huitong.lending.sales.types import NewBuyBack, NewSale, Sale, SaleQuote, SoldLoan

__all__ = [
    "NewBuyBack",
    "NewSale",
    "Sale",
    "SaleAgainstRule",
    "SaleNotFound",
    "SaleQuote",
    "SaleRefused",
    "SoldLoan",
    "buy_back",
    "check_buy_back",
    "check_sale",
    "get_sale",
    "list_sales",
    "list_sold",
    "read_buy_back",
    "read_sale",
    "sell_loans",
    "write_buy_back",
    "write_sale",
]
