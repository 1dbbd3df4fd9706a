"""SQL of the portfolio: figures of closed days."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.portfolio import limits
from huitong.lending.portfolio.types import Narrowing

_NARROWED: Final = """
      JOIN lending.products p ON p.id = f.product_id
     WHERE p.currency = :currency
       AND (CAST(:product AS text) IS NULL OR p.code = :product)
"""
_FIGURES: Final = f"""
    SELECT f.day, p.code AS product, p.name_zh, p.name_en, f.grade, f.class AS klass, f.stage,
           f.bucket, f.use, f.region, sum(f.loans)::bigint AS loans,
           sum(f.principal)::bigint AS principal, sum(f.owed)::bigint AS owed,
           sum(f.overdue)::bigint AS overdue, sum(f.expected_loss)::bigint AS expected_loss,
           sum(f.provision)::bigint AS provision
      FROM lending.portfolio_figures f
    {_NARROWED}
       AND f.day = ANY(:days) AND (CAST(:grade AS smallint) IS NULL OR f.grade = :grade)
       AND (CAST(:use AS text) IS NULL OR f.use = :use)
       AND (CAST(:region AS text) IS NULL OR f.region = :region)
     GROUP BY f.day, p.code, p.name_zh, p.name_en, f.grade, f.class, f.stage, f.bucket, f.use,
              f.region
"""  # noqa: S608 - a constant
_LOSSES: Final = f"""
    SELECT f.stage, f.scenario, sum(f.exposure)::bigint AS exposure,
           sum(f.expected_loss)::bigint AS expected_loss
      FROM lending.portfolio_losses f
    {_NARROWED}
       AND f.day = :day GROUP BY f.stage, f.scenario ORDER BY f.stage, f.scenario
"""  # noqa: S608 - a constant
_ROLLS: Final = f"""
    SELECT f.from_bucket, f.to_bucket, sum(f.loans)::bigint AS loans
      FROM lending.portfolio_rolls f
    {_NARROWED}
       AND f.day = :day GROUP BY f.from_bucket, f.to_bucket ORDER BY f.from_bucket, f.to_bucket
"""  # noqa: S608 - a constant
_VINTAGES: Final = f"""
    SELECT f.vintage, f.day, sum(f.loans)::bigint AS loans, sum(f.lent)::bigint AS lent,
           sum(f.late_30)::bigint AS late_30, sum(f.late_90)::bigint AS late_90,
           sum(f.ever_30)::bigint AS ever_30, sum(f.ever_90)::bigint AS ever_90,
           sum(f.written_off)::bigint AS written_off, sum(f.recovered)::bigint AS recovered
      FROM lending.portfolio_vintages f
    {_NARROWED}
       AND f.day <= :day AND f.vintage > CAST(:day AS date) - make_interval(months => :months)
       AND (CAST(:grade AS smallint) IS NULL OR f.grade = :grade)
     GROUP BY f.vintage, f.day ORDER BY f.vintage, f.day
"""  # noqa: S608 - a constant


async def find_day(uow: UnitOfWork, until: date) -> date | None:
    """Return the last day until another one that is closed, or None."""
    day: date | None = await uow.fetch_value(
        "SELECT max(day) FROM lending.closed_days WHERE done_at IS NOT NULL AND day <= :until",
        until=until,
    )
    return day


async def list_figures(
    uow: UnitOfWork, days: Sequence[date], narrowing: Narrowing
) -> Sequence[Row[Any]]:
    """Return figures of days by all that loans are told apart by."""
    return await uow.execute(
        _FIGURES,
        days=list(days),
        use=narrowing.use,
        region=narrowing.region,
        grade=_grade(narrowing),
        currency=narrowing.currency,
        product=narrowing.product,
    )


async def list_losses(uow: UnitOfWork, day: date, narrowing: Narrowing) -> Sequence[Row[Any]]:
    """Return exposure and loss by stage and scenario."""
    return await uow.execute(
        _LOSSES, day=day, currency=narrowing.currency, product=narrowing.product
    )


async def find_rolled(uow: UnitOfWork, until: date) -> date | None:
    """Return the last month's end until a day of which rolls are known, or None."""
    day: date | None = await uow.fetch_value(
        "SELECT max(day) FROM lending.portfolio_rolls WHERE day <= :until", until=until
    )
    return day


async def list_rolls(uow: UnitOfWork, day: date, narrowing: Narrowing) -> Sequence[Row[Any]]:
    """Return how many loans went from which bucket to which."""
    return await uow.execute(
        _ROLLS, day=day, currency=narrowing.currency, product=narrowing.product
    )


async def list_vintages(uow: UnitOfWork, day: date, narrowing: Narrowing) -> Sequence[Row[Any]]:
    """Return what vintages came to at the ends of months, in order."""
    return await uow.execute(
        _VINTAGES,
        day=day,
        months=limits.MONTHS_SHOWN,
        grade=_grade(narrowing),
        currency=narrowing.currency,
        product=narrowing.product,
    )


def _grade(narrowing: Narrowing) -> int | None:
    if narrowing.grade is None:
        return None
    return limits.GRADES.index(narrowing.grade) + 1 if narrowing.grade else 0
