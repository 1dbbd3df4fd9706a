"""What is read of collections."""

import uuid
from collections.abc import Collection
from datetime import date
from enum import StrEnum

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import COLLECTION_CASE, show_id
from huitong.lending.collections import limits, request_store, store
from huitong.lending.collections.errors import CollectionNotFound
from huitong.lending.collections.types import (
    Case,
    Complaint,
    Contact,
    Hardship,
    History,
    Task,
)
from huitong.lending.loans import Loan


class TaskQueue(StrEnum):
    """Tasks that nobody has, or a member's own."""

    WAITING = "waiting"
    OWN = "own"


async def get_case(uow: UnitOfWork, case_id: uuid.UUID) -> Case:
    """Return a case; raises CollectionNotFound."""
    row = await uow.fetch_one(f"{store.CASE} WHERE c.id = :id", id=case_id)
    if row is None:
        shown = show_id(COLLECTION_CASE, case_id)
        raise CollectionNotFound(f"there is no case {shown}", context={"id": shown})
    return store.read_case(row)


async def list_cases(uow: UnitOfWork, *, after: int = 0, limit: int) -> list[Case]:
    """Return open cases in the order in which they were opened, after a number."""
    rows = await uow.execute(
        f"""{store.CASE} WHERE c.closed_on IS NULL AND c.number > :after
             ORDER BY c.number LIMIT :limit""",
        after=after,
        limit=limit,
    )
    return [store.read_case(row) for row in rows]


async def list_tasks(
    uow: UnitOfWork, queue: TaskQueue, *, staff_id: uuid.UUID, on: date
) -> list[Task]:
    """Return tasks of staff until a day, the oldest first, at most `limits.PAGE_MAX`."""
    whose = (
        "t.state = 'waiting'"
        if queue is TaskQueue.WAITING
        else "t.state = 'taken' AND t.assigned_to = :staff_id"
    )
    values = {} if queue is TaskQueue.WAITING else {"staff_id": staff_id}
    rows = await uow.execute(
        f"""{store.TASK} WHERE NOT t.is_automatic AND t.on_day <= :on AND {whose}
             ORDER BY t.on_day, t.id LIMIT :most""",
        on=on,
        most=limits.PAGE_MAX,
        **values,
    )
    return [store.read_task(row) for row in rows]


async def get_contact(uow: UnitOfWork, contact_id: uuid.UUID) -> Contact:
    """Return a contact; raises CollectionNotFound."""
    found = await store.find_contact(uow, contact_id)
    if found is None:
        raise CollectionNotFound("there is no such contact", field="contact")
    return found


async def get_history(uow: UnitOfWork, loan: Loan) -> History:
    """Return what was done about a loan and what its borrower asked for, newest first.

    Each kind at most `limits.HISTORY_MAX`.
    """
    values = {"loan": loan.number, "most": limits.HISTORY_MAX}
    cases = await uow.execute(
        f"{store.CASE} WHERE c.loan = :loan ORDER BY c.number DESC LIMIT :most", **values
    )
    contacts = await uow.execute(
        f"{store.CONTACT} WHERE loan = :loan ORDER BY made_at DESC, id DESC LIMIT :most", **values
    )
    return History(
        cases=tuple(store.read_case(row) for row in cases),
        contacts=tuple(store.read_contact(row) for row in contacts),
        promises=tuple(await request_store.list_promises(uow, loan.number)),
        hardships=tuple(await request_store.list_hardships(uow, loan.number)),
    )


async def list_complaints(uow: UnitOfWork, customer_id: uuid.UUID) -> list[Complaint]:
    """Return a debtor's complaints, newest first."""
    return await request_store.list_complaints(uow, customer_id)


async def list_open_complaints(uow: UnitOfWork) -> list[Complaint]:
    """Return complaints that wait for an answer, the one that is due first first."""
    return await request_store.list_open_complaints(uow, most=limits.PAGE_MAX)


async def list_open_hardships(uow: UnitOfWork) -> list[Hardship]:
    """Return requests that wait for a decision, the one that is due first first."""
    return await request_store.list_open_hardships(uow, most=limits.PAGE_MAX)


async def find_people_in_collection(
    uow: UnitOfWork, people: Collection[uuid.UUID], *, staff_id: uuid.UUID
) -> frozenset[uuid.UUID]:
    """Return those of some people on whom there is work: one's own tasks, requests, complaints."""
    rows = await uow.execute(
        """SELECT customer_id FROM lending.collection_tasks
            WHERE customer_id = ANY(:people) AND state = 'taken' AND assigned_to = :staff_id
            UNION SELECT customer_id FROM lending.collection_hardships
            WHERE customer_id = ANY(:people) AND state = 'open'
            UNION SELECT customer_id FROM lending.collection_complaints
            WHERE customer_id = ANY(:people) AND answered_at IS NULL""",
        people=list(people),
        staff_id=staff_id,
    )
    return frozenset(row.customer_id for row in rows)
