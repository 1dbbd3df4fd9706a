"""What is read of sales."""

import uuid

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import LOAN_SALE, show_id
from huitong.lending.sales import store
from huitong.lending.sales.errors import SaleNotFound
from huitong.lending.sales.types import Sale, SoldLoan


async def get_sale(uow: UnitOfWork, sale_id: uuid.UUID) -> Sale:
    """Return a sale; raises SaleNotFound."""
    sale = await store.find_sale(uow, sale_id)
    if sale is None:
        shown = show_id(LOAN_SALE, sale_id)
        raise SaleNotFound(f"there is no sale {shown}", context={"id": shown})
    return sale


async def list_sales(uow: UnitOfWork, *, limit: int) -> list[Sale]:
    """Return the last sales, last first."""
    return await store.list_sales(uow, limit=limit)


async def list_sold(uow: UnitOfWork, sale: Sale) -> list[SoldLoan]:
    """Return the loans of a sale in order, and what became of them."""
    return await store.list_sold(uow, sale.id)
