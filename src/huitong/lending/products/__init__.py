"""Products of lending: their terms as data, by versions that two people agreed on."""

from huitong.lending.products.accounts import Control
from huitong.lending.products.checks import base_rate, to_millionths
from huitong.lending.products.commands import (
    add_product_version,
    check_product,
    complete_control_accounts,
    get_product,
    list_product_versions,
    list_products,
)
from huitong.lending.products.errors import (
    ProductAgainstRule,
    ProductNotFound,
    ProductRefused,
)
from huitong.lending.products.payloads import (
    read_terms,
    read_version,
    write_terms,
    write_version,
)
from huitong.lending.products.store import find_version, load_controls, load_currencies
from huitong.lending.products.types import (
    RATE_SCALE,
    GradeRange,
    NewVersion,
    Payee,
    Product,
    Purpose,
    RateKind,
    Terms,
)

__all__ = [
    "RATE_SCALE",
    "Control",
    "GradeRange",
    "NewVersion",
    "Payee",
    "Product",
    "ProductAgainstRule",
    "ProductNotFound",
    "ProductRefused",
    "Purpose",
    "RateKind",
    "Terms",
    "add_product_version",
    "base_rate",
    "check_product",
    "complete_control_accounts",
    "find_version",
    "get_product",
    "list_product_versions",
    "list_products",
    "load_controls",
    "load_currencies",
    "read_terms",
    "read_version",
    "to_millionths",
    "write_terms",
    "write_version",
]
