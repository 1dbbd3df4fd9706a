"""All SQL of rates and margins."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.crossborder.types import Rate, RateRefusal, RateState

_RATES: Final = """
    SELECT coalesce(r.currency, f.currency) AS currency, r.bid, r.ask, r.quoted_at, r.taken_at,
           f.reason, f.refused_at, coalesce(f.count, 0) AS refused
      FROM payments.fx_rates r FULL JOIN payments.fx_rate_refusals f ON f.currency = r.currency
     ORDER BY 1
"""


async def list_rates(uow: UnitOfWork) -> list[RateState]:
    """Return each currency's last rate and last refusal."""
    return [
        RateState(
            currency=row.currency,
            rate=_read_rate(row),
            refusal=None if row.reason is None else RateRefusal(row.reason),
            refused_at=row.refused_at,
            refused_count=row.refused,
        )
        for row in await uow.execute(_RATES)
    ]


def _read_rate(row: Row[Any]) -> Rate | None:
    if row.bid is None:
        return None
    return Rate(
        currency=row.currency,
        bid=row.bid,
        ask=row.ask,
        quoted_at=row.quoted_at,
        taken_at=row.taken_at,
    )


async def lock_rates(uow: UnitOfWork) -> None:
    """Let one process at a time take readings, so that each is compared with the last one."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('payments.fx_rates'))")


async def set_rate(uow: UnitOfWork, rate: Rate) -> None:
    """Write down a rate as the last one."""
    await uow.execute(
        """INSERT INTO payments.fx_rates (currency, bid, ask, quoted_at, taken_at)
           VALUES (:currency, :bid, :ask, :quoted_at, :taken_at)
           ON CONFLICT (currency) DO UPDATE
              SET bid = excluded.bid, ask = excluded.ask, quoted_at = excluded.quoted_at,
                  taken_at = excluded.taken_at""",
        currency=rate.currency,
        bid=rate.bid,
        ask=rate.ask,
        quoted_at=rate.quoted_at,
        taken_at=rate.taken_at,
    )


async def set_day_rate(uow: UnitOfWork, rate: Rate, on_day: date) -> None:
    """Write down the mid rate of a day, unless the day has one."""
    await uow.execute(
        """INSERT INTO payments.fx_day_rates (on_day, currency, mid, quoted_at)
           VALUES (:on_day, :currency, :mid, :quoted_at) ON CONFLICT DO NOTHING""",
        on_day=on_day,
        currency=rate.currency,
        mid=rate.mid,
        quoted_at=rate.quoted_at,
    )


async def refuse_rate(
    uow: UnitOfWork, currency: str, reason: RateRefusal, *, now: datetime
) -> None:
    """Count a reading that was not believed."""
    await uow.execute(
        """INSERT INTO payments.fx_rate_refusals AS f (currency, reason, count, refused_at)
           VALUES (:currency, :reason, 1, :now)
           ON CONFLICT (currency) DO UPDATE
              SET reason = excluded.reason, count = f.count + 1,
                  refused_at = excluded.refused_at""",
        currency=currency,
        reason=reason.value,
        now=now,
    )


async def list_mids(uow: UnitOfWork, on_day: date) -> dict[str, Decimal]:
    """Return the mid rates of a day."""
    rows = await uow.execute(
        "SELECT currency, mid FROM payments.fx_day_rates WHERE on_day = :on_day", on_day=on_day
    )
    return {row.currency: row.mid for row in rows}


async def list_latest_mids(uow: UnitOfWork, before: date) -> dict[str, Decimal]:
    """Return each currency's latest mid rate of a day before `before`."""
    rows = await uow.execute(
        """SELECT DISTINCT ON (currency) currency, mid FROM payments.fx_day_rates
            WHERE on_day < :before ORDER BY currency, on_day DESC""",
        before=before,
    )
    return {row.currency: row.mid for row in rows}


async def find_margin(uow: UnitOfWork, currency: str, *, is_business: bool) -> Decimal | None:
    """Return the margin that two people agreed on, if they did."""
    found: Decimal | None = await uow.fetch_value(
        """SELECT margin FROM payments.fx_margins
            WHERE currency = :currency AND is_business = :is_business""",
        currency=currency,
        is_business=is_business,
    )
    return found


async def set_margin(
    uow: UnitOfWork, currency: str, margin: Decimal, *, is_business: bool, now: datetime
) -> None:
    """Set a margin."""
    await uow.execute(
        """INSERT INTO payments.fx_margins (currency, is_business, margin, set_at)
           VALUES (:currency, :is_business, :margin, :now)
           ON CONFLICT (currency, is_business) DO UPDATE
              SET margin = excluded.margin, set_at = excluded.set_at""",
        currency=currency,
        is_business=is_business,
        margin=margin,
        now=now,
    )
