"""Lines as approvals keep them."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from huitong.lending.lines.types import NewLine


def write_line(new: NewLine) -> dict[str, Any]:
    """Return a line as it is approved."""
    return asdict(new) | {
        "customer_id": str(new.customer_id),
        "ends_on": new.ends_on.isoformat(),
    }


def read_line(payload: Mapping[str, Any]) -> NewLine:
    """Return the line that was approved."""
    return NewLine(
        **{
            **payload,
            "customer_id": uuid.UUID(payload["customer_id"]),
            "ends_on": date.fromisoformat(payload["ends_on"]),
        }
    )
