"""Promises, hardship requests and complaints in the database."""

import uuid
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.collections import limits
from huitong.lending.collections.types import (
    About,
    Case,
    Cause,
    Complaint,
    Hardship,
    HardshipState,
    Promise,
    PromiseState,
)
from huitong.lending.loans import Loan

_PROMISE: Final = """
    SELECT p.id, c.id AS case_id, p.loan, p.customer_id, l.currency, p.amount, p.made_at, p.pay_by,
           p.staff_id, p.state, p.paid, p.judged_on
      FROM lending.collection_promises p
      JOIN lending.collection_cases c ON c.number = p.case_number
      JOIN lending.loans l ON l.number = p.loan
"""
_HARDSHIP: Final = """
    SELECT h.id, h.loan, l.id AS loan_id, h.customer_id, h.cause, h.count, h.asked_at, h.due_on,
           h.state, h.decided_at, h.reason_zh, h.reason_en
      FROM lending.collection_hardships h JOIN lending.loans l ON l.number = h.loan
"""
_COMPLAINT: Final = """
    SELECT id, customer_id, about, words, made_at, due_on, answered_at, is_upheld, answer_zh,
           answer_en
      FROM lending.collection_complaints
"""


async def find_promise(uow: UnitOfWork, promise_id: uuid.UUID) -> Promise | None:
    """Return a promise, or None."""
    row = await uow.fetch_one(f"{_PROMISE} WHERE p.id = :id", id=promise_id)
    return None if row is None else _read_promise(row)


async def list_promises(uow: UnitOfWork, loan: int) -> list[Promise]:
    """Return the promises of a loan, newest first."""
    rows = await uow.execute(
        f"{_PROMISE} WHERE p.loan = :loan ORDER BY p.made_at DESC, p.id DESC LIMIT :most",
        loan=loan,
        most=limits.HISTORY_MAX,
    )
    return [_read_promise(row) for row in rows]


async def insert_promise(
    uow: UnitOfWork,
    promise_id: uuid.UUID,
    *,
    case: Case,
    amount: int,
    pay_by: date,
    staff_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """Write down a promise."""
    await uow.execute(
        """INSERT INTO lending.collection_promises (id, case_number, loan, customer_id, amount,
                                                    made_at, pay_by, staff_id)
           VALUES (:id, :case_number, :loan, :customer_id, :amount, :now, :pay_by, :staff_id)""",
        id=promise_id,
        case_number=case.number,
        loan=case.loan,
        customer_id=case.customer_id,
        amount=amount,
        pay_by=pay_by,
        staff_id=staff_id,
        now=now,
    )


async def find_hardship(
    uow: UnitOfWork, hardship_id: uuid.UUID, *, for_update: bool = False
) -> Hardship | None:
    """Return a request, locked if it is to be decided; None if there is none."""
    lock = "FOR UPDATE OF h" if for_update else ""
    row = await uow.fetch_one(f"{_HARDSHIP} WHERE h.id = :id {lock}", id=hardship_id)
    return None if row is None else _read_hardship(row)


async def list_hardships(uow: UnitOfWork, loan: int) -> list[Hardship]:
    """Return the requests about a loan, newest first."""
    rows = await uow.execute(
        f"{_HARDSHIP} WHERE h.loan = :loan ORDER BY h.asked_at DESC, h.id DESC LIMIT :most",
        loan=loan,
        most=limits.HISTORY_MAX,
    )
    return [_read_hardship(row) for row in rows]


async def list_open_hardships(uow: UnitOfWork, *, most: int) -> list[Hardship]:
    """Return requests that wait for a decision, the one that is due first first."""
    rows = await uow.execute(
        f"{_HARDSHIP} WHERE h.state = 'open' ORDER BY h.due_on, h.id LIMIT :most", most=most
    )
    return [_read_hardship(row) for row in rows]


async def insert_hardship(
    uow: UnitOfWork,
    hardship_id: uuid.UUID,
    *,
    loan: Loan,
    cause: Cause,
    count: int,
    due_on: date,
    now: datetime,
) -> None:
    """Write down a request."""
    await uow.execute(
        """INSERT INTO lending.collection_hardships (id, loan, customer_id, cause, count, asked_at,
                                                     due_on)
           VALUES (:id, :loan, :customer_id, :cause, :count, :now, :due_on)""",
        id=hardship_id,
        loan=loan.number,
        customer_id=loan.customer_id,
        cause=cause.value,
        count=count,
        due_on=due_on,
        now=now,
    )


async def refuse_hardship(
    uow: UnitOfWork,
    hardship_id: uuid.UUID,
    *,
    staff_id: uuid.UUID,
    reason_zh: str,
    reason_en: str,
    now: datetime,
) -> None:
    """Write down that a request that is locked is refused."""
    await uow.execute(
        """UPDATE lending.collection_hardships
              SET state = 'refused', decided_at = :now, staff_id = :staff_id,
                  reason_zh = :reason_zh, reason_en = :reason_en
            WHERE id = :id""",
        id=hardship_id,
        staff_id=staff_id,
        reason_zh=reason_zh,
        reason_en=reason_en,
        now=now,
    )


async def grant_hardship(
    uow: UnitOfWork, hardship_id: uuid.UUID, *, event_id: uuid.UUID, now: datetime
) -> None:
    """Write down that a request that is locked led to a change of its loan."""
    await uow.execute(
        """UPDATE lending.collection_hardships
              SET state = 'granted', decided_at = :now, event_id = :event_id WHERE id = :id""",
        id=hardship_id,
        event_id=event_id,
        now=now,
    )


async def find_complaint(uow: UnitOfWork, complaint_id: uuid.UUID) -> Complaint | None:
    """Return a complaint, or None."""
    row = await uow.fetch_one(f"{_COMPLAINT} WHERE id = :id", id=complaint_id)
    return None if row is None else _read_complaint(row)


async def list_complaints(uow: UnitOfWork, customer_id: uuid.UUID) -> list[Complaint]:
    """Return a debtor's complaints, newest first."""
    rows = await uow.execute(
        f"{_COMPLAINT} WHERE customer_id = :id ORDER BY made_at DESC, id DESC LIMIT :most",
        id=customer_id,
        most=limits.HISTORY_MAX,
    )
    return [_read_complaint(row) for row in rows]


async def list_open_complaints(uow: UnitOfWork, *, most: int) -> list[Complaint]:
    """Return complaints that wait for an answer, the one that is due first first."""
    rows = await uow.execute(
        f"{_COMPLAINT} WHERE answered_at IS NULL ORDER BY due_on, id LIMIT :most", most=most
    )
    return [_read_complaint(row) for row in rows]


async def insert_complaint(uow: UnitOfWork, complaint: Complaint) -> None:
    """Write down a complaint."""
    await uow.execute(
        """INSERT INTO lending.collection_complaints (id, customer_id, about, words, made_at,
                                                      due_on)
           VALUES (:id, :customer_id, :about, :words, :made_at, :due_on)""",
        id=complaint.id,
        customer_id=complaint.customer_id,
        about=complaint.about.value,
        words=complaint.words,
        made_at=complaint.made_at,
        due_on=complaint.due_on,
    )


async def answer_complaint(
    uow: UnitOfWork,
    complaint_id: uuid.UUID,
    *,
    staff_id: uuid.UUID,
    is_upheld: bool,
    answer_zh: str,
    answer_en: str,
    now: datetime,
) -> None:
    """Write down the answer to a complaint whose debtor is locked."""
    await uow.execute(
        """UPDATE lending.collection_complaints
              SET answered_at = :now, staff_id = :staff_id, is_upheld = :is_upheld,
                  answer_zh = :answer_zh, answer_en = :answer_en
            WHERE id = :id""",
        id=complaint_id,
        staff_id=staff_id,
        is_upheld=is_upheld,
        answer_zh=answer_zh,
        answer_en=answer_en,
        now=now,
    )


async def has_contacted(uow: UnitOfWork, staff_id: uuid.UUID, customer_id: uuid.UUID) -> bool:
    """Say whether a member of staff ever contacted a debtor."""
    has: bool = await uow.fetch_value(
        """SELECT EXISTS (SELECT FROM lending.collection_contacts
                           WHERE customer_id = :customer_id AND staff_id = :staff_id)""",
        customer_id=customer_id,
        staff_id=staff_id,
    )
    return has


def _read_promise(row: Row[Any]) -> Promise:
    return Promise(**{**row._asdict(), "state": PromiseState(row.state)})


def _read_hardship(row: Row[Any]) -> Hardship:
    return Hardship(
        **{**row._asdict(), "cause": Cause(row.cause), "state": HardshipState(row.state)}
    )


def _read_complaint(row: Row[Any]) -> Complaint:
    return Complaint(**{**row._asdict(), "about": About(row.about)})
