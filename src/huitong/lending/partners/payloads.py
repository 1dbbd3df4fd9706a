"""Partners and agreements as approvals keep them: JSON with whole numbers and texts."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from huitong.lending.partners.types import NewAgreement, NewPartner, NewShare


def write_partner(new: NewPartner) -> dict[str, Any]:
    """Return a partner as it is approved."""
    return asdict(new) | {"effective_from": new.effective_from.isoformat()}


def read_partner(payload: Mapping[str, Any]) -> NewPartner:
    """Return the partner that was approved."""
    day = date.fromisoformat(payload["effective_from"])
    return NewPartner(**{**payload, "effective_from": day})


def write_agreement(new: NewAgreement) -> dict[str, Any]:
    """Return an agreement as it is approved."""
    return asdict(new) | {
        "products": list(new.products),
        "shares": [asdict(each) for each in new.shares],
        "effective_from": new.effective_from.isoformat(),
    }


def read_agreement(payload: Mapping[str, Any]) -> NewAgreement:
    """Return the agreement that was approved."""
    return NewAgreement(
        **{
            **payload,
            "products": tuple(payload["products"]),
            "shares": tuple(NewShare(**each) for each in payload["shares"]),
            "effective_from": date.fromisoformat(payload["effective_from"]),
        }
    )
