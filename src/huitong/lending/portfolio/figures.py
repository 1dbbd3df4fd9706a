"""Figures of a business day: written with each chunk of its close, summed up as the day is done."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.lending.portfolio.buckets import Buckets

#: Exposure and loss by product, stage and scenario.
ScenarioLosses = Mapping[tuple[int, int, str], tuple[int, int]]

_FIGURES: Final = """
    INSERT INTO lending.portfolio_figures
           (day, chunk, product_id, grade, class, stage, bucket, use, region, loans, principal,
            owed, overdue, expected_loss, provision)
    SELECT $1::date, $2::integer, b.product_id, m.grade_now, b.class, b.stage,
           width_bucket(CASE WHEN b.since_day < DATE '9999-01-01' THEN b.on_day - b.since_day
                             ELSE 0 END, $5::integer[]),
           m.use, m.region, count(*), sum(not_due + due + overdue),
           sum(not_due + due + overdue + carried + accrued + interest_due + interest_overdue
               + penalty + compound + fees),
           sum(overdue + interest_overdue), sum(expected_loss), sum(provision)
      FROM lending.balances b JOIN lending.credit_marks m ON m.loan = b.loan
     WHERE b.loan >= $3 AND b.loan < $4 AND b.is_active
     GROUP BY 3, 4, 5, 6, 7, 8, 9
"""
_LOSSES: Final = """
    INSERT INTO lending.portfolio_losses
           (day, chunk, product_id, stage, scenario, exposure, expected_loss)
    SELECT $1::date, $2::integer, n.*
      FROM unnest($3::smallint[], $4::smallint[], $5::text[], $6::bigint[], $7::bigint[]) n
"""
_VINTAGES: Final = """
    INSERT INTO lending.portfolio_vintages
           (day, chunk, product_id, grade, vintage, loans, lent, owed, late_30, late_90, ever_30,
            ever_90, written_off, recovered)
    SELECT $1::date, $2::integer, b.product_id, m.grade, m.vintage, count(*), sum(b.lent),
           sum(o.owed),
           coalesce(sum(o.owed) FILTER (WHERE o.late >= $5), 0),
           coalesce(sum(o.owed) FILTER (WHERE o.late >= $6), 0),
           coalesce(sum(b.lent) FILTER (WHERE m.worst >= $7), 0),
           coalesce(sum(b.lent) FILTER (WHERE m.worst >= $8), 0),
           sum(b.principal_off), sum(b.recovered)
      FROM lending.balances b JOIN lending.credit_marks m ON m.loan = b.loan
     CROSS JOIN LATERAL (SELECT b.not_due + b.due + b.overdue AS owed,
                                CASE WHEN b.since_day < DATE '9999-01-01'
                                     THEN b.on_day - b.since_day ELSE 0 END AS late) o
     WHERE b.loan >= $3 AND b.loan < $4
     GROUP BY b.product_id, m.grade, m.vintage
"""
#: Where each loan stands as a month ends: a bucket, 6 where it is paid off, 7 written off.
_MONTH_ENDS: Final = """
    FROM lending.balances b
   CROSS JOIN LATERAL (SELECT CASE WHEN b.is_active THEN width_bucket(
              CASE WHEN b.since_day < DATE '9999-01-01' THEN b.on_day - b.since_day ELSE 0 END,
              $3::integer[]) WHEN b.principal_off > 0 THEN 7 ELSE 6 END AS bucket) n
"""
_ROLLS: Final = f"""
    INSERT INTO lending.portfolio_rolls (day, chunk, product_id, from_bucket, to_bucket, loans)
    SELECT $4::date, $5::integer, b.product_id, m.month_bucket, n.bucket, count(*)
    {_MONTH_ENDS} JOIN lending.credit_marks m ON m.loan = b.loan
     WHERE b.loan >= $1 AND b.loan < $2 AND m.month_bucket >= 0
     GROUP BY b.product_id, m.month_bucket, n.bucket
"""
_KEEP_BUCKETS: Final = f"""
    UPDATE lending.credit_marks m
       SET month_bucket = CASE WHEN n.bucket <= 5 THEN n.bucket ELSE -1 END
    {_MONTH_ENDS}
     WHERE m.loan = b.loan AND b.loan >= $1 AND b.loan < $2
       AND m.month_bucket <> CASE WHEN n.bucket <= 5 THEN n.bucket ELSE -1 END
"""  # noqa: S608 - a constant
#: One statement for each table: what chunks wrote becomes what the day came to.
_SUM_UP: Final = (
    """
    WITH taken AS (DELETE FROM lending.portfolio_figures WHERE day = :day AND chunk >= 0
                   RETURNING *)
    INSERT INTO lending.portfolio_figures
    SELECT day, -1, product_id, grade, class, stage, bucket, use, region, sum(loans),
           sum(principal), sum(owed), sum(overdue), sum(expected_loss), sum(provision)
      FROM taken GROUP BY day, product_id, grade, class, stage, bucket, use, region
    """,
    """
    WITH taken AS (DELETE FROM lending.portfolio_losses WHERE day = :day AND chunk >= 0
                   RETURNING *)
    INSERT INTO lending.portfolio_losses
    SELECT day, -1, product_id, stage, scenario, sum(exposure), sum(expected_loss)
      FROM taken GROUP BY day, product_id, stage, scenario
    """,
    """
    WITH taken AS (DELETE FROM lending.portfolio_rolls WHERE day = :day AND chunk >= 0
                   RETURNING *)
    INSERT INTO lending.portfolio_rolls
    SELECT day, -1, product_id, from_bucket, to_bucket, sum(loans)
      FROM taken GROUP BY day, product_id, from_bucket, to_bucket
    """,
    """
    WITH taken AS (DELETE FROM lending.portfolio_vintages WHERE day = :day AND chunk >= 0
                   RETURNING *)
    INSERT INTO lending.portfolio_vintages
    SELECT day, -1, product_id, grade, vintage, sum(loans), sum(lent), sum(owed), sum(late_30),
           sum(late_90), sum(ever_30), sum(ever_90), sum(written_off), sum(recovered)
      FROM taken GROUP BY day, product_id, grade, vintage
    """,
)


def is_month_end(day: date) -> bool:
    """Say whether a day is the last of its month."""
    return (day + timedelta(days=1)).day == 1


async def take_figures(
    connection: DriverConnection,
    day: date,
    chunk: int,
    first: int,
    end: int,
    *,
    buckets: Buckets,
    losses: ScenarioLosses,
) -> None:
    """Write down what loans of a range of numbers come to as a day closes, once.

    They stand as of the day's end, and are valued; as a month ends, vintages and rolls are, too.
    """
    await connection.execute(_FIGURES, day, chunk, first, end, list(buckets.days))
    rows = [(*key, *amounts) for key, amounts in sorted(losses.items())]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        await connection.execute(_LOSSES, day, chunk, *columns)
    if not is_month_end(day):
        return
    thirty, ninety = buckets.late
    late = (buckets.days[thirty - 1], buckets.days[ninety - 1])
    await connection.execute(_VINTAGES, day, chunk, first, end, *late, thirty, ninety)
    await connection.execute(_ROLLS, first, end, list(buckets.days), day, chunk)
    await connection.execute(_KEEP_BUCKETS, first, end, list(buckets.days))


async def sum_up(uow: UnitOfWork, day: date) -> None:
    """Make one set of figures of those of a day's chunks; all of them are written."""
    for statement in _SUM_UP:
        await uow.execute(statement, day=day)
