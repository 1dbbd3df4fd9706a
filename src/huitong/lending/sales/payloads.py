"""Sales and buy-backs as approvals keep them."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from huitong.lending.sales.types import NewBuyBack, NewSale


def write_sale(new: NewSale) -> dict[str, Any]:
    """Return a sale as it is approved."""
    return asdict(new) | {"loans": [str(each) for each in new.loans]}


def read_sale(payload: Mapping[str, Any]) -> NewSale:
    """Return the sale that was approved."""
    return NewSale(**{**payload, "loans": _read_ids(payload)})


def write_buy_back(new: NewBuyBack) -> dict[str, Any]:
    """Return a buy-back as it is approved."""
    loans = [str(each) for each in new.loans]
    return {"sale_id": str(new.sale_id), "loans": loans, "price_share": new.price_share}


def read_buy_back(payload: Mapping[str, Any]) -> NewBuyBack:
    """Return the buy-back that was approved."""
    return NewBuyBack(
        sale_id=uuid.UUID(payload["sale_id"]),
        loans=_read_ids(payload),
        price_share=payload["price_share"],
    )


def _read_ids(payload: Mapping[str, Any]) -> tuple[uuid.UUID, ...]:
    return tuple(uuid.UUID(each) for each in payload["loans"])
