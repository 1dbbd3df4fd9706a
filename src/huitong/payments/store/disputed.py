"""What is disputed of an order, and by a payer: see `merchants`."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money

_DISPUTED: Final = """
    SELECT coalesce(sum(amount), 0)::bigint FROM payments.disputes
     WHERE order_id = :order_id AND (outcome IS NULL OR outcome = 'lost')
"""


async def find_disputed(uow: UnitOfWork, order_id: uuid.UUID, currency: str) -> Money:
    """Return what of a payment may neither be refunded nor shared; the caller holds its lock."""
    return Money(await uow.fetch_value(_DISPUTED, order_id=order_id), currency)


async def list_disputes_of_payer(
    uow: UnitOfWork, account_id: int, *, count: int
) -> Sequence[Row[Any]]:
    """Return the newest disputes of an account's own payments."""
    return await uow.execute(
        """SELECT id, order_id, reason, statement, amount, currency, stage, outcome, opened_at
             FROM payments.disputes WHERE payer_account_id = :account_id
            ORDER BY id DESC LIMIT :count""",
        account_id=account_id,
        count=count,
    )


async def has_open_dispute(uow: UnitOfWork, account_id: int) -> bool:
    """Whether a payment of an account is in dispute."""
    found: bool = await uow.fetch_value(
        """SELECT EXISTS (SELECT FROM payments.disputes
                           WHERE payer_account_id = :account_id AND outcome IS NULL)""",
        account_id=account_id,
    )
    return found


async def forget_statements(uow: UnitOfWork, account_id: int) -> None:
    """Take away what a person wrote about their disputes."""
    await uow.execute(
        """UPDATE payments.disputes SET statement = NULL
            WHERE payer_account_id = :account_id AND statement IS NOT NULL""",
        account_id=account_id,
    )
