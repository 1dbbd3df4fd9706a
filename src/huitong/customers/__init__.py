"""Customers and merchants: who they are to payments, and the ledger account of each.

Owns the people with a payment account (one mobile number each, account class 1 to 3) and the
businesses that are paid (fee rate, and the Latin name that fits a payment code).
"""

from huitong.customers.commands import open_customer, open_merchant
from huitong.customers.errors import CustomerExists, MerchantExists, MobileTaken
from huitong.customers.events import CustomerOpened, MerchantOpened
from huitong.customers.parties import (
    Party,
    find_accounts_by_merchant,
    find_accounts_by_mobile,
    find_parties,
)
from huitong.customers.queries import (
    find_customer_by_mobile,
    get_customer,
    get_merchant,
    list_customers,
    list_merchants,
)
from huitong.customers.subject_data import CustomerData
from huitong.customers.types import Customer, Merchant

__all__ = [
    "Customer",
    "CustomerData",
    "CustomerExists",
    "CustomerOpened",
    "Merchant",
    "MerchantExists",
    "MerchantOpened",
    "MobileTaken",
    "Party",
    "find_accounts_by_merchant",
    "find_accounts_by_mobile",
    "find_customer_by_mobile",
    "find_parties",
    "get_customer",
    "get_merchant",
    "list_customers",
    "list_merchants",
    "open_customer",
    "open_merchant",
]
