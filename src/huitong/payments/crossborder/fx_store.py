"""All SQL of quotes, positions, deals and quotas."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.crossborder.types import (
    HOME,
    Deal,
    DealKind,
    Position,
    QuotaDirection,
    QuotaUse,
    Quote,
)

_QUOTE: Final = """
    id, party_id, is_business, asked_by, sell_currency, sell_amount, buy_currency, buy_amount,
    is_sell_fixed, rate, margin, cny_amount, made_at, expires_at, taken_at
"""
_DEAL: Final = """
    id, kind, quote_id, reverses, party_id, sell_currency, sell_amount, buy_currency, buy_amount,
    cny_amount, realised, entry_id, on_day, made_at
"""
# One statement decides and counts, so that two payments cannot both have the last of a quota.
_COUNT_QUOTA: Final = """
    INSERT INTO payments.fx_quotas AS q (customer_id, year, direction, used, cap)
    SELECT :customer_id, :year, :direction, :amount, CAST(:cap AS bigint)
     WHERE CAST(:amount AS bigint) <= CAST(:cap AS bigint)
        ON CONFLICT (customer_id, year, direction) DO UPDATE
           SET used = q.used + :amount, cap = :cap
         WHERE q.used + :amount <= CAST(:cap AS bigint)
    RETURNING used
"""


async def lock(uow: UnitOfWork) -> None:
    """Let nobody else change a position until this transaction ends.

    A limit over the sum of all positions depends on each of them, and deals are few.
    """
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('payments.fx_positions'))")


async def add_quote(uow: UnitOfWork, quote: Quote) -> None:
    """Write down a quote."""
    await uow.execute(
        f"""INSERT INTO payments.fx_quotes ({_QUOTE})
            VALUES (:id, :party_id, :is_business, :asked_by, :sell_currency, :sell_amount,
                    :buy_currency, :buy_amount, :is_sell_fixed, :rate, :margin, :cny_amount,
                    :made_at, :expires_at, NULL)""",  # noqa: S608 - our own text
        id=quote.id,
        party_id=quote.party_id,
        is_business=quote.is_business,
        asked_by=quote.asked_by,
        sell_currency=quote.sell.currency,
        sell_amount=quote.sell.minor,
        buy_currency=quote.buy.currency,
        buy_amount=quote.buy.minor,
        is_sell_fixed=quote.is_sell_fixed,
        rate=quote.rate,
        margin=quote.margin,
        cny_amount=quote.cny.minor,
        made_at=quote.made_at,
        expires_at=quote.expires_at,
    )


async def find_quote(
    uow: UnitOfWork, quote_id: uuid.UUID, *, is_locked: bool = False
) -> Quote | None:
    """Return a quote, locked if it is to be taken."""
    row = await uow.fetch_one(
        f"SELECT {_QUOTE} FROM payments.fx_quotes WHERE id = :id"  # noqa: S608 - our own text
        + (" FOR UPDATE" if is_locked else ""),
        id=quote_id,
    )
    if row is None:
        return None
    return Quote(
        id=row.id,
        party_id=row.party_id,
        is_business=row.is_business,
        asked_by=row.asked_by,
        sell=Money(row.sell_amount, row.sell_currency),
        buy=Money(row.buy_amount, row.buy_currency),
        is_sell_fixed=row.is_sell_fixed,
        rate=row.rate,
        margin=row.margin,
        cny=Money(row.cny_amount, HOME),
        made_at=row.made_at,
        expires_at=row.expires_at,
        taken_at=row.taken_at,
    )


async def mark_taken(uow: UnitOfWork, quote_id: uuid.UUID, now: datetime) -> None:
    """Write down that a quote was taken; its row is locked."""
    await uow.execute(
        "UPDATE payments.fx_quotes SET taken_at = :now WHERE id = :id AND taken_at IS NULL",
        id=quote_id,
        now=now,
    )


async def list_positions(uow: UnitOfWork) -> list[Position]:
    """Return all positions by currency."""
    rows = await uow.execute(
        "SELECT currency, amount, cost, realised FROM payments.fx_positions ORDER BY currency"
    )
    return [Position(**row._asdict()) for row in rows]


async def set_position(uow: UnitOfWork, position: Position, now: datetime) -> None:
    """Write a position; the caller holds the lock."""
    await uow.execute(
        """INSERT INTO payments.fx_positions (currency, amount, cost, realised, changed_at)
           VALUES (:currency, :amount, :cost, :realised, :now)
           ON CONFLICT (currency) DO UPDATE
              SET amount = excluded.amount, cost = excluded.cost, realised = excluded.realised,
                  changed_at = excluded.changed_at""",
        currency=position.currency,
        amount=position.amount,
        cost=position.cost,
        realised=position.realised,
        now=now,
    )


async def add_deal(uow: UnitOfWork, deal: Deal) -> None:
    """Write down a deal."""
    await uow.execute(
        f"""INSERT INTO payments.fx_deals ({_DEAL})
            VALUES (:id, :kind, :quote_id, :reverses, :party_id, :sell_currency, :sell_amount,
                    :buy_currency, :buy_amount, :cny_amount, :realised, :entry_id, :on_day,
                    :made_at)""",  # noqa: S608 - our own text
        id=deal.id,
        kind=deal.kind.value,
        quote_id=deal.quote_id,
        reverses=deal.reverses,
        party_id=deal.party_id,
        sell_currency=deal.sell.currency,
        sell_amount=deal.sell.minor,
        buy_currency=deal.buy.currency,
        buy_amount=deal.buy.minor,
        cny_amount=deal.cny.minor,
        realised=deal.realised.minor,
        entry_id=deal.entry_id,
        on_day=deal.on_day,
        made_at=deal.made_at,
    )


async def find_deal(uow: UnitOfWork, deal_id: uuid.UUID) -> Deal | None:
    """Return a deal."""
    row = await uow.fetch_one(
        f"SELECT {_DEAL} FROM payments.fx_deals WHERE id = :id",  # noqa: S608 - our own text
        id=deal_id,
    )
    return None if row is None else _read_deal(row)


async def list_deals(uow: UnitOfWork, *, before: uuid.UUID | None, limit: int) -> list[Deal]:
    """Return deals, newest first."""
    rows = await uow.execute(
        f"""SELECT {_DEAL} FROM payments.fx_deals
             WHERE CAST(:before AS uuid) IS NULL OR id < :before
             ORDER BY id DESC LIMIT :limit""",  # noqa: S608 - our own text
        before=before,
        limit=limit,
    )
    return [_read_deal(row) for row in rows]


def _read_deal(row: Row[Any]) -> Deal:
    return Deal(
        id=row.id,
        kind=DealKind(row.kind),
        quote_id=row.quote_id,
        reverses=row.reverses,
        party_id=row.party_id,
        sell=Money(row.sell_amount, row.sell_currency),
        buy=Money(row.buy_amount, row.buy_currency),
        cny=Money(row.cny_amount, HOME),
        realised=Money(row.realised, HOME),
        entry_id=row.entry_id,
        on_day=row.on_day,
        made_at=row.made_at,
    )


async def count_quota(
    uow: UnitOfWork,
    customer_id: uuid.UUID,
    year: int,
    direction: QuotaDirection,
    *,
    amount: int,
    cap: int,
) -> bool:
    """Count US cents against a quota; False if it does not allow them, and nothing changes."""
    used = await uow.fetch_value(
        _COUNT_QUOTA,
        customer_id=customer_id,
        year=year,
        direction=direction.value,
        amount=amount,
        cap=cap,
    )
    return used is not None


async def add_quota_use(
    uow: UnitOfWork,
    deal_id: uuid.UUID,
    customer_id: uuid.UUID,
    year: int,
    direction: QuotaDirection,
    *,
    amount: int,
    rate: Decimal,
) -> None:
    """Write down what a deal counted."""
    await uow.execute(
        """INSERT INTO payments.fx_quota_uses
                  (deal_id, customer_id, year, direction, amount, usd_rate)
           VALUES (:deal_id, :customer_id, :year, :direction, :amount, :rate)""",
        deal_id=deal_id,
        customer_id=customer_id,
        year=year,
        direction=direction.value,
        amount=amount,
        rate=rate,
    )


async def find_quota_use(uow: UnitOfWork, deal_id: uuid.UUID) -> Row[Any] | None:
    """Return what a deal counted."""
    return await uow.fetch_one(
        """SELECT customer_id, year, direction, amount, usd_rate FROM payments.fx_quota_uses
            WHERE deal_id = :deal_id""",
        deal_id=deal_id,
    )


async def free_quota(
    uow: UnitOfWork, customer_id: uuid.UUID, year: int, direction: QuotaDirection, amount: int
) -> None:
    """Give back US cents of a quota."""
    await uow.execute(
        """UPDATE payments.fx_quotas SET used = used - :amount
            WHERE customer_id = :customer_id AND year = :year AND direction = :direction""",
        customer_id=customer_id,
        year=year,
        direction=direction.value,
        amount=amount,
    )


async def list_quota_uses(
    uow: UnitOfWork, customer_id: uuid.UUID, year: int
) -> dict[QuotaDirection, QuotaUse]:
    """Return what is used of a person's quotas of a year."""
    rows = await uow.execute(
        """SELECT direction, year, used, cap FROM payments.fx_quotas
            WHERE customer_id = :customer_id AND year = :year""",
        customer_id=customer_id,
        year=year,
    )
    found = [
        QuotaUse(
            direction=QuotaDirection(row.direction),
            year=row.year,
            used=Money(row.used, "USD"),
            cap=Money(row.cap, "USD"),
        )
        for row in rows
    ]
    return {use.direction: use for use in found}
