"""Cases, tasks and contacts in the database."""

import uuid
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.collections.judging_sql import OWED
from huitong.lending.collections.rules import counts_as
from huitong.lending.collections.types import (
    Case,
    Channel,
    Contact,
    Outcome,
    Task,
    TaskState,
)
from huitong.lending.products import Purpose

CASE: Final = """
    SELECT c.number, c.id, c.loan, l.id AS loan_id, c.customer_id, l.currency, c.purpose,
           c.opened_on, c.since_day, c.as_of, c.days, c.owed, c.score, c.segment, c.closed_on,
           c.outcome
      FROM lending.collection_cases c JOIN lending.loans l ON l.number = c.loan
"""
TASK: Final = """
    SELECT t.id, t.loan, l.id AS loan_id, t.customer_id, l.currency, c.id AS case_id, t.segment,
           t.day, t.channel, t.is_automatic, t.about_day, t.on_day, t.state, t.rule, t.assigned_to,
           s.text_zh, s.text_en
      FROM lending.collection_tasks t
      JOIN lending.loans l ON l.number = t.loan
      JOIN lending.collection_steps s ON s.strategy_id = t.strategy_id AND s.segment = t.segment
       AND s.day = t.day AND s.channel = t.channel
      LEFT JOIN lending.collection_cases c ON c.number = t.case_number
"""
CONTACT: Final = """
    SELECT id, task_id, loan, customer_id, channel, day, nth, most, made_at, allowed_until,
           staff_id, text_zh, text_en, outcome, outcome_at
      FROM lending.collection_contacts
"""
_INSERT_CONTACT: Final = """
    INSERT INTO lending.collection_contacts (id, task_id, loan, customer_id, channel, counts_as,
           day, nth, most, allowed_from, allowed_until, made_at, staff_id, text_zh, text_en,
           outcome, outcome_at)
    VALUES (:id, :task_id, :loan, :customer_id, :channel, :counts_as, :day, :nth, :most,
           :allowed_from, :allowed_until, :made_at, :staff_id, :text_zh, :text_en, :outcome,
           :outcome_at)
"""
#: What a step is about: nothing, once that payment is made or another one is the first unpaid.
_OWED: Final = f"""
    SELECT CASE
        WHEN NOT b.is_active THEN 0
        WHEN :before_due AND b.due_day = :about THEN b.next_principal + b.accrues + b.carried
        WHEN :before_due AND b.from_day = :about AND b.since_day > :today
        THEN b.due + b.interest_due
        WHEN NOT :before_due AND b.since_day = :about THEN {OWED}
        ELSE 0 END
      FROM lending.balances b WHERE b.loan = :loan
"""  # noqa: S608 - constants of ours
_PAUSES: Final = """
    SELECT 'complaint' AS what FROM lending.collection_complaints
     WHERE customer_id = :customer_id AND answered_at IS NULL
     UNION SELECT 'hardship' FROM lending.collection_hardships
     WHERE loan = :loan AND state = 'open'
     UNION SELECT 'promise' FROM lending.collection_promises
     WHERE loan = :loan AND state = 'open'
"""
#: The oldest first, of those the one of whom most is owed; nobody works on their own loan, and
#: what is paused waits.
_NEXT: Final = """
    SELECT t.id FROM lending.collection_tasks t
      JOIN lending.collection_cases c ON c.number = t.case_number
     WHERE NOT t.is_automatic AND t.state = 'waiting' AND t.on_day <= :today
       AND c.closed_on IS NULL AND t.customer_id IS DISTINCT FROM CAST(:own AS uuid)
       AND NOT EXISTS (SELECT FROM lending.collection_complaints x
                        WHERE x.customer_id = t.customer_id AND x.answered_at IS NULL)
       AND NOT EXISTS (SELECT FROM lending.collection_hardships x
                        WHERE x.loan = t.loan AND x.state = 'open')
       AND NOT EXISTS (SELECT FROM lending.collection_promises x
                        WHERE x.loan = t.loan AND x.state = 'open')
     ORDER BY t.on_day, c.owed DESC, t.id LIMIT 1
       FOR UPDATE OF t SKIP LOCKED
"""
_AUTOMATIC: Final = f"""
    {TASK} WHERE t.is_automatic AND t.state = 'waiting' AND t.on_day = :today
     ORDER BY t.customer_id, t.id LIMIT :most FOR UPDATE OF t SKIP LOCKED
"""


async def lock_debtor(uow: UnitOfWork, customer_id: uuid.UUID) -> None:
    """Let nobody else contact a debtor, or stop contact, until this transaction ends."""
    await uow.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))",
        key=f"lending.debtor.{customer_id}",
    )


async def order_after(uow: UnitOfWork, customer_id: uuid.UUID, now: datetime) -> datetime:
    """Return an instant that is not before anything that stands of a debtor who is locked.

    Two who ask at once read the clock before either has the lock: who gets it second is later.
    """
    last: datetime | None = await uow.fetch_value(
        """SELECT greatest((SELECT max(made_at) FROM lending.collection_contacts
                             WHERE customer_id = :id AND day >= :day),
                           (SELECT max(greatest(made_at, answered_at))
                              FROM lending.collection_complaints WHERE customer_id = :id))""",
        id=customer_id,
        day=business_day(now),
    )
    return now if last is None else max(now, last)


async def find_task(
    uow: UnitOfWork, task_id: uuid.UUID, *, for_update: bool = False
) -> Task | None:
    """Return a task, locked if it is to be changed; None if there is none."""
    lock = "FOR UPDATE OF t" if for_update else ""
    row = await uow.fetch_one(f"{TASK} WHERE t.id = :id {lock}", id=task_id)
    return None if row is None else read_task(row)


async def take_automatic(uow: UnitOfWork, *, today: date, most: int) -> list[Task]:
    """Return, locked, steps of today that go by themselves, by debtor."""
    rows = await uow.execute(_AUTOMATIC, today=today, most=most)
    return [read_task(row) for row in rows]


async def find_next(uow: UnitOfWork, *, own: uuid.UUID | None, today: date) -> uuid.UUID | None:
    """Return, locked, the id of the task to do next, or None."""
    found: uuid.UUID | None = await uow.fetch_value(_NEXT, own=own, today=today)
    return found


async def count_taken(uow: UnitOfWork, staff_id: uuid.UUID) -> int:
    """Return how many tasks a member of staff has."""
    count: int = await uow.fetch_value(
        """SELECT count(*) FROM lending.collection_tasks
            WHERE NOT is_automatic AND state = 'taken' AND assigned_to = :id""",
        id=staff_id,
    )
    return count


async def set_assigned(uow: UnitOfWork, task_id: uuid.UUID, to: uuid.UUID | None) -> None:
    """Give a task that is locked to somebody, or back to the queue."""
    await uow.execute(
        """UPDATE lending.collection_tasks SET assigned_to = CAST(:to AS uuid),
                  state = CASE WHEN CAST(:to AS uuid) IS NULL THEN 'waiting' ELSE 'taken' END
            WHERE id = :id""",
        id=task_id,
        to=to,
    )


async def end_task(
    uow: UnitOfWork, task_id: uuid.UUID, state: TaskState, *, rule: str | None = None, now: datetime
) -> None:
    """Say what became of a task that is locked."""
    await uow.execute(
        """UPDATE lending.collection_tasks SET state = :state, rule = :rule, ended_at = :now
            WHERE id = :id""",
        id=task_id,
        state=state.value,
        rule=rule,
        now=now,
    )


async def find_owed(uow: UnitOfWork, task: Task, *, is_before_due: bool, today: date) -> int:
    """Return what is to be paid of what a task is about, in minor units; 0 if nothing is."""
    owed: int = await uow.fetch_value(
        _OWED, before_due=is_before_due, about=task.about_day, today=today, loan=task.loan
    )
    return owed


async def list_pauses(uow: UnitOfWork, customer_id: uuid.UUID, loan: int) -> list[str]:
    """Return what is open and may stop contact about a loan: complaint, hardship, promise."""
    rows = await uow.execute(_PAUSES, customer_id=customer_id, loan=loan)
    return sorted(row.what for row in rows)


async def count_contacts(uow: UnitOfWork, customer_id: uuid.UUID, day: date, kind: str) -> int:
    """Return how often a debtor was contacted on a day, over all loans and agents."""
    count: int = await uow.fetch_value(
        """SELECT count(*) FROM lending.collection_contacts
            WHERE customer_id = :id AND day = :day AND counts_as = :kind""",
        id=customer_id,
        day=day,
        kind=kind,
    )
    return count


async def insert_contact(uow: UnitOfWork, contact: Contact, *, allowed_from: datetime) -> None:
    """Write down a contact; the debtor is locked."""
    await uow.execute(
        _INSERT_CONTACT,
        **{name: getattr(contact, name) for name in Contact.__dataclass_fields__}
        | {
            "channel": contact.channel.value,
            "outcome": None if contact.outcome is None else contact.outcome.value,
            "counts_as": counts_as(contact.channel),
            "allowed_from": allowed_from,
        },
    )


async def find_contact(uow: UnitOfWork, contact_id: uuid.UUID) -> Contact | None:
    """Return a contact, or None."""
    row = await uow.fetch_one(f"{CONTACT} WHERE id = :id", id=contact_id)
    return None if row is None else read_contact(row)


async def set_outcome(
    uow: UnitOfWork, contact_id: uuid.UUID, outcome: Outcome, *, now: datetime
) -> bool:
    """Say how a contact ended; False if that was said."""
    row = await uow.fetch_one(
        """UPDATE lending.collection_contacts SET outcome = :outcome, outcome_at = :now
            WHERE id = :id AND outcome IS NULL RETURNING id""",
        id=contact_id,
        outcome=outcome.value,
        now=now,
    )
    return row is not None


async def find_open_case(uow: UnitOfWork, loan: int) -> Case | None:
    """Return the open case of a loan, held against being closed; None if it has none."""
    row = await uow.fetch_one(
        f"{CASE} WHERE c.loan = :loan AND c.closed_on IS NULL FOR UPDATE OF c", loan=loan
    )
    return None if row is None else read_case(row)


async def find_overdue(uow: UnitOfWork, loan: int, *, today: date) -> int:
    """Return what is to be paid now of a loan that is overdue, in minor units; 0 if it is not."""
    owed: int | None = await uow.fetch_value(
        f"""SELECT {OWED} FROM lending.balances b
             WHERE b.loan = :loan AND b.is_active AND b.since_day < :today""",  # noqa: S608 - ours
        loan=loan,
        today=today,
    )
    return owed or 0


def read_case(row: Row[Any]) -> Case:
    """Return a row of `CASE` as a case."""
    return Case(**{**row._asdict(), "purpose": Purpose(row.purpose)})


def read_task(row: Row[Any]) -> Task:
    """Return a row of `TASK` as a task."""
    values = row._asdict()
    return Task(**{**values, "channel": Channel(row.channel), "state": TaskState(row.state)})


def read_contact(row: Row[Any]) -> Contact:
    """Return a row of `CONTACT` as a contact."""
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return Contact(**{**row._asdict(), "channel": Channel(row.channel), "outcome": outcome})
