"""Products as approvals and the database keep them: JSON with whole numbers and texts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from huitong.lending.products.types import (
    GradeRange,
    NewVersion,
    Payee,
    Purpose,
    RateKind,
    Terms,
)
from huitong.lending.schedules import (
    BusinessDays,
    Cycle,
    DayCount,
    InterestKind,
    Method,
    MonthBasis,
    Rounding,
    TimeUnit,
    YearBasis,
)
from huitong.lending.servicing import Part, Walk

Payload = Mapping[str, Any]


def write_terms(terms: Terms) -> dict[str, Any]:
    """Return terms as they are kept."""
    values: dict[str, Any] = {name: getattr(terms, name) for name in Terms.__dataclass_fields__}
    return values | {
        "purpose": terms.purpose.value,
        "uses": list(terms.uses),
        "payees": [each.value for each in terms.payees],
        "cycle": {"every": terms.cycle.every, "unit": terms.cycle.unit.value},
        "rate_kind": terms.rate_kind.value,
        "day_count": {"year": terms.day_count.year.value, "month": terms.day_count.month.value},
        "rounding": terms.rounding.value,
        "methods": [each.value for each in terms.methods],
        "order": [each.name.lower() for each in terms.order],
        "order_bad": [each.name.lower() for each in terms.order_bad],
        "walk": terms.walk.value,
        "grades": [
            {"grade": each.grade, "rate_min": each.rate_min, "rate_max": each.rate_max}
            for each in terms.grades
        ],
        "mandatory": list(terms.mandatory),
        "interest": terms.interest.value,
        "business_days": terms.business_days.value,
    }


def read_terms(payload: Payload) -> Terms:
    """Return terms that were kept, those of versions from before there were all of them as well."""
    cycle, count = payload["cycle"], payload["day_count"]
    return Terms(
        **{
            **payload,
            "purpose": Purpose(payload["purpose"]),
            "uses": tuple(payload["uses"]),
            "payees": tuple(Payee(each) for each in payload["payees"]),
            "cycle": Cycle(cycle["every"], TimeUnit(cycle["unit"])),
            "rate_kind": RateKind(payload["rate_kind"]),
            "day_count": DayCount(YearBasis(count["year"]), MonthBasis(count["month"])),
            "rounding": Rounding(payload["rounding"]),
            "methods": tuple(Method(each) for each in payload["methods"]),
            "order": tuple(Part[each.upper()] for each in payload["order"]),
            "order_bad": tuple(Part[each.upper()] for each in payload["order_bad"]),
            "walk": Walk(payload["walk"]),
            "grades": tuple(GradeRange(**each) for each in payload["grades"]),
            "mandatory": tuple(payload["mandatory"]),
            "interest": InterestKind(payload.get("interest", InterestKind.DECLINING)),
            "business_days": BusinessDays(payload.get("business_days", BusinessDays.NONE)),
        }
    )


def write_version(new: NewVersion) -> dict[str, Any]:
    """Return a version as it is approved."""
    return {
        "code": new.code,
        "name_zh": new.name_zh,
        "name_en": new.name_en,
        "currency": new.currency,
        "effective_from": new.effective_from.isoformat(),
        "terms": write_terms(new.terms),
    }


def read_version(payload: Payload) -> NewVersion:
    """Return the version that was approved."""
    return NewVersion(
        **{
            **payload,
            "effective_from": date.fromisoformat(payload["effective_from"]),
            "terms": read_terms(payload["terms"]),
        }
    )
