"""Plans and terms as an approval keeps them: JSON with amounts in minor units and rates as text."""

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from huitong.kernel.ids import MERCHANT, read_id, show_id
from huitong.payments.merchants.fees import FeeRule
from huitong.payments.merchants.plans import NewVersion
from huitong.payments.merchants.terms import NewTerms
from huitong.payments.merchants.types import PayoutWay, Recovery

Payload = Mapping[str, Any]


def write_plan(new: NewVersion) -> dict[str, object]:
    """Return a version of a fee plan as it is approved."""
    return {
        "plan": new.plan,
        "name_zh": new.name_zh,
        "name_en": new.name_en,
        "currency": new.currency,
        "effective_from": new.effective_from.isoformat(),
        "refunds_return_fee": new.refunds_return_fee,
        "refunds_draw_reserve": new.refunds_draw_reserve,
        "refund_debt_max": new.refund_debt_max,
        "rules": [
            {
                "kind": rule.kind,
                "volume_from": rule.volume_from,
                "rate_permille": str(rule.rate_permille),
                "fixed": rule.fixed,
                "fee_min": rule.fee_min,
                "fee_max": rule.fee_max,
            }
            for rule in new.rules
        ],
    }


def read_plan(payload: Payload) -> NewVersion:
    """Return the version of a fee plan that was approved."""
    rules = tuple(
        FeeRule(**{**rule, "rate_permille": Decimal(rule["rate_permille"])})
        for rule in payload["rules"]
    )
    effective_from = date.fromisoformat(payload["effective_from"])
    return NewVersion(**{**payload, "effective_from": effective_from, "rules": rules})


def write_terms(new: NewTerms) -> dict[str, object]:
    """Return terms as they are approved."""
    values = {name: getattr(new, name) for name in NewTerms.__dataclass_fields__}
    del values["merchant_id"]
    return {
        **values,
        "merchant": show_id(MERCHANT, new.merchant_id),
        "effective_from": new.effective_from.isoformat(),
        "payout_way": new.payout_way.value,
        "recovery": new.recovery.value,
    }


def read_terms(payload: Payload) -> NewTerms:
    """Return the terms that were approved."""
    values = {name: value for name, value in payload.items() if name != "merchant"}
    return NewTerms(
        **{
            **values,
            "merchant_id": read_merchant(payload),
            "effective_from": date.fromisoformat(payload["effective_from"]),
            "payout_way": PayoutWay(payload["payout_way"]),
            "recovery": Recovery(payload["recovery"]),
        }
    )


def read_merchant(payload: Payload) -> uuid.UUID:
    """Return the merchant that an act is about."""
    return read_id(MERCHANT, payload["merchant"], field="merchant")
