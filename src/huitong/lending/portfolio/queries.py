"""The portfolio as a business day closed: balances, losses, rolls, vintages, coverage."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import numpy as np
from sqlalchemy.engine import Row

from huitong import risk
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money, Rounding
from huitong.kernel.rulebook import Rulebook
from huitong.lending.portfolio import limits, store
from huitong.lending.portfolio.buckets import Buckets
from huitong.lending.portfolio.errors import PortfolioNotFound
from huitong.lending.portfolio.figures import is_month_end
from huitong.lending.portfolio.types import (
    Concentration,
    Coverage,
    Dimension,
    MonthEnd,
    Narrowing,
    Portfolio,
    Roll,
    ScenarioLoss,
    Slice,
    Sums,
    Vintage,
    VintagePoint,
)

_SUMS: Final = tuple(Sums.__dataclass_fields__)
_SHARE: Final = Decimal("0.000001")
_BAD: Final = int(risk.AssetClass.SUBSTANDARD)
_STAGES: Final = {
    1: ("第一阶段：未来12个月", "Stage 1: 12 months"),
    2: ("第二阶段：整个存续期", "Stage 2: whole life"),
    3: ("第三阶段：已发生减值", "Stage 3: impaired"),
}
_CLASSES: Final = ("Pass", "Special mention", "Substandard", "Doubtful", "Loss")
_CONCENTRATED: Final = (Dimension.PRODUCT, Dimension.GRADE, Dimension.USE, Dimension.REGION)

_Name = Callable[[Row[Any]], tuple[Any, str, str, str]]


async def get_portfolio(
    uow: UnitOfWork, narrowing: Narrowing, *, as_of: date, rulebook: Rulebook
) -> Portfolio:
    """Return the portfolio as the last business day until `as_of` closed.

    Rules are those of that day. Raises PortfolioNotFound if no day was closed until then, and
    InvalidField for a grade that is none of A to E.
    """
    if narrowing.grade is not None and narrowing.grade not in {"", *limits.GRADES}:
        raise InvalidField(f"must be one of {', '.join(limits.GRADES)}, or empty", field="grade")
    day = await store.find_day(uow, as_of)
    if day is None:
        raise PortfolioNotFound(f"no business day until {as_of} is closed")
    buckets = Buckets.load(rulebook, day)
    found = await store.list_figures(uow, [*_month_ends(day), day], narrowing)
    rows = [row for row in found if row.day == day]
    total = _sum(rows)
    slices = _slice(rows, buckets)
    is_by_use = narrowing.use is not None or narrowing.region is not None
    has_product_only = narrowing.grade is None and not is_by_use
    rolled_on = await store.find_rolled(uow, day) if has_product_only else None
    return Portfolio(
        as_of=day,
        narrowing=narrowing,
        buckets=[buckets.show(each) for each in range(limits.BUCKETS + 1)],
        total=total,
        slices=slices,
        coverage=_cover(rows, narrowing.currency, rulebook, day),
        concentrations={each: _concentrate(slices[each], rulebook, day) for each in _CONCENTRATED},
        months=_follow(found, buckets),
        losses=(
            _weigh(await store.list_losses(uow, day, narrowing), rulebook, day)
            if has_product_only
            else None
        ),
        rolls=(
            None if rolled_on is None else _roll(await store.list_rolls(uow, rolled_on, narrowing))
        ),
        rolled_on=rolled_on,
        vintages=(None if is_by_use else _age(await store.list_vintages(uow, day, narrowing))),
    )


def _month_ends(day: date) -> list[date]:
    """Return the last days of the months before a day, oldest first."""
    ends: list[date] = []
    last = day.replace(day=1) - timedelta(days=1)
    for _ in range(limits.MONTHS_SHOWN):
        ends.append(last)
        last = last.replace(day=1) - timedelta(days=1)
    return ends[::-1]


def _sum(rows: Iterable[Row[Any]]) -> Sums:
    sums = Sums()
    for row in rows:
        for name in _SUMS:
            setattr(sums, name, getattr(sums, name) + getattr(row, name))
    return sums


def _share(part: int, whole: int) -> Decimal:
    if not whole:
        return Decimal(0)
    return (Decimal(part) / whole).quantize(_SHARE, ROUND_HALF_EVEN)


def _names(buckets: Buckets) -> Mapping[Dimension, _Name]:
    """Return for each dimension what tells a row's place in it: order, key and names."""

    def grade(row: Row[Any]) -> tuple[Any, str, str, str]:
        key = limits.GRADES[row.grade - 1] if row.grade else ""
        return row.grade or limits.BUCKETS + 1, key, key or "未评级", key or "Without a grade"

    def klass(row: Row[Any]) -> tuple[Any, str, str, str]:
        found = risk.AssetClass(row.klass)
        return row.klass, found.name.lower(), found.chinese, _CLASSES[found]

    def bucket(row: Row[Any]) -> tuple[Any, str, str, str]:
        days = buckets.show(row.bucket)
        names = (f"逾期{days}天", f"{days} days") if row.bucket else ("未逾期", "Not overdue")
        return row.bucket, days, *names

    return {
        Dimension.PRODUCT: lambda row: (row.product, row.product, row.name_zh, row.name_en),
        Dimension.GRADE: grade,
        Dimension.CLASS: klass,
        Dimension.STAGE: lambda row: (row.stage, str(row.stage), *_STAGES[row.stage]),
        Dimension.BUCKET: bucket,
        Dimension.USE: lambda row: (row.use, row.use, row.use, row.use),
        Dimension.REGION: lambda row: (
            row.region,
            row.region,
            row.region or "未知",
            row.region or "Unknown",
        ),
    }


def _slice(rows: Sequence[Row[Any]], buckets: Buckets) -> Mapping[Dimension, list[Slice]]:
    found = {}
    for dimension, name in _names(buckets).items():
        groups: dict[tuple[Any, str, str, str], list[Row[Any]]] = {}
        for row in rows:
            groups.setdefault(name(row), []).append(row)
        found[dimension] = [
            Slice(key=key, zh=zh, en=en, sums=_sum(group))
            for (_, key, zh, en), group in sorted(groups.items(), key=lambda each: each[0])
        ]
    return found


def _cover(rows: Sequence[Row[Any]], currency: str, rulebook: Rulebook, on: date) -> Coverage:
    """Return the supervised ratios and what is missing to meet both, rounded up."""
    total, bad = _sum(rows), _sum(row for row in rows if row.klass >= _BAD)
    loans, bad_loans = Money(total.principal, currency), Money(bad.principal, currency)
    provisions = Money(total.provision, currency)
    found = risk.check_provisions(
        loans=loans, bad_loans=bad_loans, provisions=provisions, rulebook=rulebook, on=on
    )
    of_loans = rulebook.decimal("provision.loan_ratio.min", on)
    of_bad = rulebook.decimal("provision.coverage.min", on)
    required = max(
        loans.multiply(of_loans, Rounding.UP).minor, bad_loans.multiply(of_bad, Rounding.UP).minor
    )
    return Coverage(
        bad_loans=bad_loans,
        loan_ratio=found.loan_ratio,
        loan_ratio_min=of_loans,
        coverage=found.coverage,
        coverage_min=of_bad,
        shortfall=Money(max(0, required - provisions.minor), currency),
    )


def _concentrate(slices: Sequence[Slice], rulebook: Rulebook, on: date) -> Concentration:
    owed = np.array([each.sums.owed for each in slices], np.int64)
    keys = np.array([each.key for each in slices], np.str_)
    whole = int(owed.sum())
    above = risk.find_concentrations(owed, keys, rulebook=rulebook, on=on) if len(slices) else {}
    index = sum((_share(each.sums.owed, whole) ** 2 for each in slices), Decimal(0))
    return Concentration(
        index=index.quantize(_SHARE),
        above={key: each.quantize(_SHARE, ROUND_HALF_EVEN) for key, each in above.items()},
    )


def _follow(rows: Sequence[Row[Any]], buckets: Buckets) -> list[MonthEnd]:
    """Return how the portfolio went from month to month."""
    thirty, ninety = buckets.late
    days: dict[date, list[Row[Any]]] = {}
    for row in rows:
        days.setdefault(row.day, []).append(row)

    def share(of: Sequence[Row[Any]], keep: Callable[[Row[Any]], bool]) -> Decimal:
        return _share(sum(row.owed for row in of if keep(row)), sum(row.owed for row in of))

    return [
        MonthEnd(
            day=day,
            sums=_sum(of),
            late_30=share(of, lambda row: row.bucket >= thirty),
            late_90=share(of, lambda row: row.bucket >= ninety),
            bad=share(of, lambda row: row.klass >= _BAD),
        )
        for day, of in sorted(days.items())
    ]


def _weigh(rows: Sequence[Row[Any]], rulebook: Rulebook, on: date) -> list[ScenarioLoss]:
    weights = {each.name: each.weight for each in risk.list_scenarios(rulebook, on)}
    return [
        ScenarioLoss(weight=weights.get(row.scenario, Decimal(0)), **row._asdict()) for row in rows
    ]


def _roll(rows: Sequence[Row[Any]]) -> list[Roll]:
    wholes: dict[int, int] = {}
    for row in rows:
        wholes[row.from_bucket] = wholes.get(row.from_bucket, 0) + row.loans
    return [Roll(share=_share(row.loans, wholes[row.from_bucket]), **row._asdict()) for row in rows]


def _age(rows: Sequence[Row[Any]]) -> list[Vintage]:
    vintages: dict[date, list[Row[Any]]] = {}
    for row in rows:
        assert is_month_end(row.day), "vintages are taken as months end"
        vintages.setdefault(row.vintage, []).append(row)
    return [
        Vintage(
            month=month,
            loans=of[-1].loans,
            lent=of[-1].lent,
            points=[_point(row) for row in of],
        )
        for month, of in vintages.items()
    ]


def _point(row: Row[Any]) -> VintagePoint:
    months = (row.day.year - row.vintage.year) * 12 + row.day.month - row.vintage.month
    shares = {
        name: _share(getattr(row, name), row.lent)
        for name in ("late_30", "late_90", "ever_30", "ever_90")
    }
    return VintagePoint(
        months=months, lost=_share(max(0, row.written_off - row.recovered), row.lent), **shares
    )
