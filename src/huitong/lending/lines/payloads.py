"""Lines as approvals keep them."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from huitong.kernel.money import Money
from huitong.lending.lines.types import NewLine


def write_line(new: NewLine) -> dict[str, Any]:
    """Return a line as it is approved."""
    return {
        "customer_id": str(new.customer_id),
        "product": new.product,
        "borrower_account_id": new.borrower_account_id,
        "amount": Money(new.amount, new.currency).to_json(),
        "rate": new.rate,
        "grade": new.grade,
        "ends_on": new.ends_on.isoformat(),
    }


def read_line(payload: Mapping[str, Any]) -> NewLine:
    """Return the line that was approved."""
    amount = Money.from_json(payload["amount"], field="amount")
    return NewLine(
        **{
            **payload,
            "amount": amount.minor,
            "currency": amount.currency,
            "customer_id": uuid.UUID(payload["customer_id"]),
            "ends_on": date.fromisoformat(payload["ends_on"]),
        }
    )
