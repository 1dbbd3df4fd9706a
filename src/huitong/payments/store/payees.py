"""The accounts at banks that orders pay out to, sealed, in the database."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.types import SealedPayee

_ADD: Final = """
    INSERT INTO payments.channel_payees (order_id, subject_id, bank_code, name, number, sealed_as)
    VALUES (:order_id, :subject_id, :bank_code, :name, :number, :sealed_as)
"""
_FIND: Final = """
    SELECT order_id, subject_id, bank_code, name, number, sealed_as
      FROM payments.channel_payees WHERE order_id = ANY(CAST(:order_ids AS uuid[]))
"""


async def add_payee(uow: UnitOfWork, order_id: uuid.UUID, payee: SealedPayee) -> None:
    """Write down whom an order pays; that never changes."""
    await uow.execute(
        _ADD,
        order_id=order_id,
        subject_id=payee.subject_id,
        bank_code=payee.bank_code,
        name=payee.name,
        number=payee.number,
        sealed_as=payee.sealed_as,
    )


async def find_bank_code(uow: UnitOfWork, order_id: uuid.UUID) -> str | None:
    """Return the bank that an order pays to; None if it names no account."""
    found = (await find_payees(uow, [order_id])).get(order_id)
    return None if found is None else found.bank_code


async def find_payees(
    uow: UnitOfWork, order_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, SealedPayee]:
    """Return whom orders pay, by order, without those that name no account."""
    rows = await uow.execute(_FIND, order_ids=list(order_ids))
    return {row.order_id: _read(row) for row in rows}


def _read(row: Row[Any]) -> SealedPayee:
    return SealedPayee(
        subject_id=row.subject_id,
        bank_code=row.bank_code,
        name=bytes(row.name),
        number=bytes(row.number),
        sealed_as=row.sealed_as,
    )
