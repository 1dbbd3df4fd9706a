"""What a window was for one participant: its position, and what it sent and received."""

import csv
import io
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.clearing import limits, store
from huitong.payments.clearing.errors import ParticipantNotFound
from huitong.payments.clearing.types import CURRENCY, PaymentState, Position, Rail, Window
from huitong.payments.clearing.windows import get_window

_TITLES: Final = (
    "sequence",
    "direction",
    "counterparty",
    "rail",
    "amount",
    "currency",
    "state",
    "submitted_at",
    "payment",
)
_LINES: Final = """
    SELECT id, sequence, rail, debtor, creditor, amount, state, submitted_at
      FROM payments.clearing_payments
     WHERE window_id = :window_id AND sequence > :after AND :code IN (debtor, creditor)
     ORDER BY sequence LIMIT :count
"""


class Side(StrEnum):
    """Whether the participant paid or was paid."""

    SENT = "sent"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """A payment of a window as one participant sees it; `amount` in minor units."""

    payment_id: uuid.UUID
    sequence: int
    side: Side
    counterparty: str
    rail: Rail
    amount: int
    state: PaymentState
    submitted_at: datetime


async def get_position(
    uow: UnitOfWork, *, window_id: uuid.UUID, code: str
) -> tuple[Window, Position]:
    """Return a window and a participant's position in it.

    Raises WindowNotFound, and ParticipantNotFound for a bank that took no part in it.
    """
    window = await get_window(uow, window_id)
    for position in await store.list_positions(uow, window_id):
        if position.participant == code:
            return window, position
    raise ParticipantNotFound("that bank took no part in the window", field="participant")


async def list_statement_lines(
    uow: UnitOfWork, *, window_id: uuid.UUID, code: str, after: int = 0, count: int
) -> list[StatementLine]:
    """Return payments of a window that a participant sent or received, in order of hand-in."""
    rows = await uow.execute(_LINES, window_id=window_id, code=code, after=after, count=count)
    return [
        StatementLine(
            payment_id=row.id,
            sequence=row.sequence,
            side=Side.SENT if row.debtor == code else Side.RECEIVED,
            counterparty=row.creditor if row.debtor == code else row.debtor,
            rail=Rail(row.rail),
            amount=row.amount,
            state=PaymentState(row.state),
            submitted_at=row.submitted_at,
        )
        for row in rows
    ]


async def write_statement_after(
    uow: UnitOfWork, *, window_id: uuid.UUID, code: str, after: int
) -> tuple[str, int | None]:
    """Return a part of a statement as CSV, and the number after which the next one begins.

    The first part, after 0, has the titles; None says that there is no other.
    """
    count = limits.STATEMENT_PART_LINES
    lines = await list_statement_lines(
        uow, window_id=window_id, code=code, after=after, count=count
    )
    text = _write(lines, has_titles=after == 0)
    return text, lines[-1].sequence if len(lines) == count else None


def _write(lines: Iterable[StatementLine], *, has_titles: bool) -> str:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    if has_titles:
        target.write("\ufeff")
        writer.writerow(_TITLES)
    for each in lines:
        writer.writerow(
            (
                each.sequence,
                each.side.value,
                each.counterparty,
                each.rail.value,
                Money(each.amount, CURRENCY).format(),
                CURRENCY,
                each.state.value,
                each.submitted_at.isoformat(),
                each.payment_id,
            )
        )
    return target.getvalue()
