"""Which terminal a payment was made at: see `merchants`."""

import uuid
from collections.abc import Sequence
from typing import Final

from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import UnitOfWork

_FIND_OPEN: Final = """
    SELECT t.id FROM payments.terminals t JOIN payments.stores s ON s.id = t.store_id
     WHERE t.id = :id AND s.merchant_id = :merchant_id
       AND t.closed_at IS NULL AND s.closed_at IS NULL
"""
_NAME: Final = """
    INSERT INTO payments.order_terminals (order_id, terminal_id)
    SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT DO NOTHING
"""


async def is_open_terminal(
    uow: UnitOfWork, terminal_id: uuid.UUID, *, merchant_id: uuid.UUID
) -> bool:
    """Whether it is a terminal of that merchant, and it and its store are open."""
    row = await uow.fetch_one(_FIND_OPEN, id=terminal_id, merchant_id=merchant_id)
    return row is not None


def name_terminals(named: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> Statement:
    """Return the statement that writes at which terminal orders were made: (order, terminal)."""
    return Statement(_NAME, ([order for order, _ in named], [terminal for _, terminal in named]))
