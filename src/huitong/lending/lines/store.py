"""Lines in the database."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.lines.types import Line, LineState

_LINES: Final = """
    SELECT l.id, l.customer_id, p.code AS product, l.borrower_account_id, l.currency, l.amount,
           l.rate, l.grade, l.opened_on, l.ends_on, l.state, l.opened_at
      FROM lending.lines l JOIN lending.products p ON p.id = l.product_id
"""
_USED: Final = """
    SELECT coalesce(sum(b.not_due + b.due + b.overdue), 0)::bigint
      FROM lending.drawings d JOIN lending.balances b ON b.loan = d.loan WHERE d.line_id = :id
"""
_GIVEN: Final = """
    SELECT coalesce(sum(l.amount), 0)::bigint
      FROM lending.lines l
     WHERE l.customer_id = :customer_id AND l.currency = :currency AND l.state = 'open'
       AND l.ends_on > CAST(:day AS date)
"""


async def lock_customer(uow: UnitOfWork, customer_id: uuid.UUID) -> None:
    """Let nobody else give this customer a line until this transaction ends."""
    await uow.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('lending.lines ' || CAST(:id AS text), 0))",
        id=str(customer_id),
    )


async def insert_line(uow: UnitOfWork, line: Line, product_id: int) -> None:
    """Write down a line."""
    await uow.execute(
        """INSERT INTO lending.lines (id, customer_id, product_id, borrower_account_id, currency,
                  amount, rate, grade, opened_on, ends_on, opened_at)
           VALUES (:id, :customer_id, :product_id, :account, :currency, :amount, :rate, :grade,
                  :opened_on, :ends_on, :opened_at)""",
        id=line.id,
        customer_id=line.customer_id,
        product_id=product_id,
        account=line.borrower_account_id,
        currency=line.currency,
        amount=line.amount,
        rate=line.rate,
        grade=line.grade,
        opened_on=line.opened_on,
        ends_on=line.ends_on,
        opened_at=line.opened_at,
    )


async def find_line(uow: UnitOfWork, line_id: uuid.UUID, *, is_locked: bool = False) -> Line | None:
    """Return a line, locked until the transaction ends if that is asked for, or None."""
    lock = "FOR NO KEY UPDATE OF l" if is_locked else ""
    row = await uow.fetch_one(f"{_LINES} WHERE l.id = :id {lock}", id=line_id)
    return None if row is None else _read(row)


async def list_lines(uow: UnitOfWork, customer_id: uuid.UUID, *, limit: int) -> list[Line]:
    """Return the lines of a customer, first first."""
    rows = await uow.execute(
        f"{_LINES} WHERE l.customer_id = :id ORDER BY l.opened_at, l.id LIMIT :limit",
        id=customer_id,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def sum_used(uow: UnitOfWork, line_id: uuid.UUID) -> int:
    """Return the principal that is owed of a line's loans."""
    used: int = await uow.fetch_value(_USED, id=line_id)
    return used


async def sum_given(uow: UnitOfWork, customer_id: uuid.UUID, currency: str, day: object) -> int:
    """Return what a customer's lines are for on a day."""
    given: int = await uow.fetch_value(_GIVEN, customer_id=customer_id, currency=currency, day=day)
    return given


async def insert_drawing(uow: UnitOfWork, line_id: uuid.UUID, loan: int) -> None:
    """Write down that a loan was drawn on a line."""
    await uow.execute(
        "INSERT INTO lending.drawings (loan, line_id) VALUES (:loan, :id)", loan=loan, id=line_id
    )


async def find_line_of(uow: UnitOfWork, loan_id: uuid.UUID) -> uuid.UUID | None:
    """Return on which line a loan was drawn, or None."""
    found: uuid.UUID | None = await uow.fetch_value(
        """SELECT d.line_id FROM lending.drawings d JOIN lending.loans l ON l.number = d.loan
            WHERE l.id = :id""",
        id=loan_id,
    )
    return found


async def list_drawn(uow: UnitOfWork, line_id: uuid.UUID, *, limit: int) -> list[uuid.UUID]:
    """Return the loans that were drawn on a line, first first."""
    rows = await uow.execute(
        """SELECT l.id FROM lending.drawings d JOIN lending.loans l ON l.number = d.loan
            WHERE d.line_id = :id ORDER BY d.loan LIMIT :limit""",
        id=line_id,
        limit=limit,
    )
    return [row.id for row in rows]


async def note_statement(
    uow: UnitOfWork, line_id: uuid.UUID, digest: bytes, *, now: datetime
) -> datetime:
    """Note that a cost statement is shown, and return since when."""
    await uow.execute(
        """INSERT INTO lending.drawing_statements (line_id, digest, shown_at)
           VALUES (:id, :digest, :now) ON CONFLICT DO NOTHING""",
        id=line_id,
        digest=digest,
        now=now,
    )
    shown_at = await find_shown(uow, line_id, digest)
    assert shown_at is not None, "it is there now"
    return shown_at


async def find_shown(uow: UnitOfWork, line_id: uuid.UUID, digest: bytes) -> datetime | None:
    """Return since when a cost statement was shown, or None."""
    shown_at: datetime | None = await uow.fetch_value(
        "SELECT shown_at FROM lending.drawing_statements WHERE line_id = :id AND digest = :digest",
        id=line_id,
        digest=digest,
    )
    return shown_at


async def end_line(uow: UnitOfWork, line_id: uuid.UUID) -> None:
    """Let a line not be drawn on any more."""
    await uow.execute("UPDATE lending.lines SET state = 'closed' WHERE id = :id", id=line_id)


def _read(row: Row[Any]) -> Line:
    return Line(**{**row._asdict(), "state": LineState(row.state)})
