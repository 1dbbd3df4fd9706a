"""The routes under /v1, one file for each kind of thing; one domain call a route, no rules."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter

from huitong.api.routes import accounts, customers, ledger, merchants

ROUTERS: Final[tuple[APIRouter, ...]] = (
    customers.router,
    merchants.router,
    accounts.router,
    ledger.router,
)
#: Path items that are answered outside of the framework.
MORE_DOCUMENTATION: Final[tuple[Mapping[str, Any], ...]] = ()
