"""Sales in the database."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.sales.types import Sale, SoldLoan

_SALES: Final = """
    SELECT s.id, p.code AS buyer, s.currency, s.day, s.price_share, s.loans, s.owed, s.provision,
           s.price, s.entry_id, s.sold_at
      FROM lending.sales s JOIN lending.partners p ON p.id = s.buyer_id
"""


async def find_sale(uow: UnitOfWork, sale_id: uuid.UUID) -> Sale | None:
    """Return a sale, or None."""
    row = await uow.fetch_one(f"{_SALES} WHERE s.id = :id", id=sale_id)
    return None if row is None else Sale(**row._asdict())


async def list_sales(uow: UnitOfWork, *, limit: int) -> list[Sale]:
    """Return the last sales, last first."""
    rows = await uow.execute(f"{_SALES} ORDER BY s.sold_at DESC, s.id LIMIT :limit", limit=limit)
    return [Sale(**row._asdict()) for row in rows]


async def list_sold(uow: UnitOfWork, sale_id: uuid.UUID) -> list[SoldLoan]:
    """Return the loans of a sale, in order of their numbers."""
    rows = await uow.execute(
        """SELECT l.id AS loan_id, s.principal, s.owed, s.provision, s.price, s.bought_back_on,
                  s.bought_back_for
             FROM lending.sold_loans s JOIN lending.loans l ON l.number = s.loan
            WHERE s.sale_id = :id ORDER BY s.loan""",
        id=sale_id,
    )
    return [SoldLoan(**row._asdict()) for row in rows]


async def insert_sale(uow: UnitOfWork, sale: Sale, buyer_id: int) -> None:
    """Write down a sale."""
    await uow.execute(
        """INSERT INTO lending.sales (id, buyer_id, currency, day, price_share, loans, owed,
                  provision, price, entry_id, sold_at)
           VALUES (:id, :buyer_id, :currency, :day, :price_share, :loans, :owed, :provision,
                  :price, :entry_id, :sold_at)""",
        id=sale.id,
        buyer_id=buyer_id,
        currency=sale.currency,
        day=sale.day,
        price_share=sale.price_share,
        loans=sale.loans,
        owed=sale.owed,
        provision=sale.provision,
        price=sale.price,
        entry_id=sale.entry_id,
        sold_at=sale.sold_at,
    )


async def insert_sold(
    uow: UnitOfWork, sale_id: uuid.UUID, sold: Mapping[int, tuple[int, int, int, int]]
) -> None:
    """Write down loans of a sale by number: principal, what is owed, provision and price."""
    rows = list(zip(*([number, *values] for number, values in sold.items()), strict=True))
    await uow.execute(
        """INSERT INTO lending.sold_loans (sale_id, loan, principal, owed, provision, price)
           SELECT :id, n.*
             FROM unnest(CAST(:loans AS bigint[]), CAST(:principal AS bigint[]),
                         CAST(:owed AS bigint[]), CAST(:provision AS bigint[]),
                         CAST(:price AS bigint[])) n""",
        id=sale_id,
        loans=list(rows[0]),
        principal=list(rows[1]),
        owed=list(rows[2]),
        provision=list(rows[3]),
        price=list(rows[4]),
    )


async def end_sold(
    uow: UnitOfWork, sale_id: uuid.UUID, prices: Mapping[int, int], *, by: uuid.UUID, day: date
) -> None:
    """Write down that loans were bought back, by number and price; they are ours again."""
    await uow.execute(
        """UPDATE lending.sold_loans s
              SET bought_back_on = :day, bought_back_for = n.price, bought_back_by = :by
             FROM unnest(CAST(:loans AS bigint[]), CAST(:prices AS bigint[])) n(loan, price)
            WHERE s.sale_id = :id AND s.loan = n.loan AND s.bought_back_on IS NULL""",
        id=sale_id,
        loans=list(prices),
        prices=list(prices.values()),
        by=by,
        day=day,
    )
    await uow.execute(
        "DELETE FROM lending.fundings WHERE loan = ANY(:loans)",
        loans=list(prices),
    )


async def was_bought_back(uow: UnitOfWork, by: uuid.UUID) -> bool:
    """Return whether a buy-back was carried out."""
    found: bool = await uow.fetch_value(
        "SELECT EXISTS (SELECT FROM lending.sold_loans WHERE bought_back_by = :by)", by=by
    )
    return found


async def insert_ended(
    uow: UnitOfWork, plan_id: int, loan: int, partner_id: int, amounts: Mapping[str, int]
) -> None:
    """Write down what stays on a buyer's accounts of a loan that is ours again."""
    await uow.execute(
        """INSERT INTO lending.ended_shares (plan_id, loan, partner_id, part, amount)
           SELECT :plan_id, :loan, :partner_id, n.* FROM unnest(CAST(:parts AS text[]),
                                                         CAST(:amounts AS bigint[])) n""",
        plan_id=plan_id,
        loan=loan,
        partner_id=partner_id,
        parts=list(amounts),
        amounts=list(amounts.values()),
    )


async def list_ids(uow: UnitOfWork, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the numbers of loans that there are."""
    rows = await uow.execute(
        "SELECT id, number FROM lending.loans WHERE id = ANY(:ids) ORDER BY number", ids=list(ids)
    )
    return {row.id: row.number for row in rows}


async def load_plan_id(uow: UnitOfWork, sale_id: uuid.UUID) -> int:
    """Return the plan of a sale."""
    plan: int = await uow.fetch_value(
        "SELECT id FROM lending.funding_plans WHERE sale_id = :id", id=sale_id
    )
    return plan
