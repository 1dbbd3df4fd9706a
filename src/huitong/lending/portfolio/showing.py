"""The portfolio as JSON: what the API, the command and the page show."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from huitong.kernel.money import Money
from huitong.lending.portfolio.types import Dimension, MonthEnd, Portfolio, Slice, Sums, Vintage

Json = dict[str, Any]

#: The keys of the lists of slices.
_LISTS: Mapping[Dimension, str] = {
    Dimension.PRODUCT: "products",
    Dimension.GRADE: "grades",
    Dimension.CLASS: "classes",
    Dimension.STAGE: "stages",
    Dimension.BUCKET: "buckets",
    Dimension.USE: "uses",
    Dimension.REGION: "regions",
}


def show_portfolio(portfolio: Portfolio) -> Json:
    """Return a portfolio as JSON: amounts and shares as texts, days as ISO dates."""
    currency = portfolio.narrowing.currency
    narrowing = portfolio.narrowing
    return {
        "as_of": portfolio.as_of.isoformat(),
        "currency": currency,
        "filters": {
            name: getattr(narrowing, name) for name in ("product", "grade", "use", "region")
        },
        "total": _sums(portfolio.total, currency),
        **{
            _LISTS[each]: [_slice(one, portfolio, currency) for one in slices]
            for each, slices in portfolio.slices.items()
        },
        "coverage": _coverage(portfolio),
        "concentrations": [
            {
                "dimension": each.value,
                "index": _text(found.index),
                "above": [{"key": key, "share": _text(one)} for key, one in found.above.items()],
            }
            for each, found in portfolio.concentrations.items()
        ],
        "months": [_month(each, currency) for each in portfolio.months],
        "scenario_losses": _losses(portfolio, currency),
        "rolls": _rolls(portfolio),
        "vintages": (
            None
            if portfolio.vintages is None
            else [_vintage(each, currency) for each in portfolio.vintages]
        ),
    }


def _text(share: Decimal | None) -> str | None:
    return None if share is None else format(share, "f")


def _money(minor: int, currency: str) -> Json:
    return dict(Money(minor, currency).to_json())


def _sums(sums: Sums, currency: str) -> Json:
    amounts = ("principal", "owed", "overdue", "expected_loss", "provision")
    return {
        "loans": sums.loans,
        **{name: _money(getattr(sums, name), currency) for name in amounts},
    }


def _slice(one: Slice, portfolio: Portfolio, currency: str) -> Json:
    whole = portfolio.total.owed
    share = Decimal(one.sums.owed) / whole if whole else Decimal(0)
    return {
        "key": one.key,
        "name_zh": one.zh,
        "name_en": one.en,
        "share": _text(share.quantize(Decimal("0.000001"))),
        **_sums(one.sums, currency),
    }


def _coverage(portfolio: Portfolio) -> Json:
    found, places = portfolio.coverage, Decimal("0.000001")

    def ratio(value: Decimal | None) -> str | None:
        return None if value is None else _text(value.quantize(places))

    return {
        "bad_loans": _money(found.bad_loans.minor, found.bad_loans.currency),
        "loan_ratio": ratio(found.loan_ratio),
        "loan_ratio_min": _text(found.loan_ratio_min),
        "coverage": ratio(found.coverage),
        "coverage_min": _text(found.coverage_min),
        "shortfall": _money(found.shortfall.minor, found.shortfall.currency),
    }


def _month(end: MonthEnd, currency: str) -> Json:
    return {
        "day": end.day.isoformat(),
        "late_30": _text(end.late_30),
        "late_90": _text(end.late_90),
        "bad": _text(end.bad),
        **_sums(end.sums, currency),
    }


def _losses(portfolio: Portfolio, currency: str) -> list[Json] | None:
    if portfolio.losses is None:
        return None
    return [
        {
            "stage": each.stage,
            "scenario": each.scenario,
            "weight": _text(each.weight),
            "exposure": _money(each.exposure, currency),
            "expected_loss": _money(each.expected_loss, currency),
        }
        for each in portfolio.losses
    ]


def _rolls(portfolio: Portfolio) -> Json | None:
    if portfolio.rolls is None or portfolio.rolled_on is None:
        return None
    ends = [*portfolio.buckets, "paid_off", "written_off"]
    return {
        "day": portfolio.rolled_on.isoformat(),
        "rates": [
            {
                "from": portfolio.buckets[each.from_bucket],
                "to": ends[each.to_bucket],
                "loans": each.loans,
                "share": _text(each.share),
            }
            for each in portfolio.rolls
        ],
    }


def _vintage(vintage: Vintage, currency: str) -> Json:
    return {
        "month": vintage.month.isoformat()[:7],
        "loans": vintage.loans,
        "lent": _money(vintage.lent, currency),
        "points": [
            {
                "months": each.months,
                **{
                    name: _text(getattr(each, name))
                    for name in ("late_30", "late_90", "ever_30", "ever_90", "lost")
                },
            }
            for each in vintage.points
        ],
    }
