"""SQL of cases: the rows of cases, their alerts and timelines."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.risk.decisioning.decisions.types import Participant
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action
from huitong.risk.fraud.cases.types import (
    Alert,
    Case,
    CaseState,
    Entry,
    EntryType,
    Outcome,
    Queue,
)

_CASE: Final = """
    SELECT id, state, priority, alerts, opened_at, last_alert_at, assigned_to, assigned_at, outcome,
           closed_at, closed_by, merged_into
      FROM risk.cases c
"""
_ALERT: Final = """
    SELECT decision_id, purpose, action, raised_at, amount, currency, parties, case_id, weight
      FROM risk.alerts
"""
#: What each queue shows, and how its pages go on after the case `after`.
_QUEUES: Final = {
    Queue.PRIORITY: (
        "state = 'open'",
        "(-priority, id) > (SELECT -a.priority, a.id FROM risk.cases a WHERE a.id = :after)",
        "priority DESC, id",
    ),
    Queue.UNASSIGNED: (
        "state = 'open' AND assigned_to IS NULL",
        "(-priority, id) > (SELECT -a.priority, a.id FROM risk.cases a WHERE a.id = :after)",
        "priority DESC, id",
    ),
    Queue.AGE: ("state = 'open'", "id > :after", "id"),
    Queue.MINE: ("state = 'open' AND assigned_to = :staff_id", "id > :after", "id"),
    Queue.CLOSED: ("state = 'closed'", "id < :after", "id DESC"),
}


async def find_case(uow: UnitOfWork, case_id: uuid.UUID, *, is_locked: bool = False) -> Case | None:
    """Return a case with its money, or None; held until the end of the transaction if asked for."""
    row = await uow.fetch_one(
        f"{_CASE} WHERE id = :id {'FOR UPDATE' if is_locked else ''}", id=case_id
    )
    return None if row is None else (await _read_cases(uow, [row]))[0]


async def list_cases(
    uow: UnitOfWork,
    queue: Queue,
    *,
    staff_id: uuid.UUID | None,
    after: uuid.UUID | None,
    count: int,
) -> list[Case]:
    """Return a page of a queue, after a case."""
    shown, later, order = _QUEUES[queue]
    values: dict[str, object] = {"count": count}
    if queue is Queue.MINE:
        values["staff_id"] = staff_id
    if after is not None:
        shown, values["after"] = f"{shown} AND {later}", after
    rows = await uow.execute(f"{_CASE} WHERE {shown} ORDER BY {order} LIMIT :count", **values)
    return await _read_cases(uow, rows)


async def hold_open_cases(uow: UnitOfWork, case_ids: Collection[uuid.UUID]) -> list[Case]:
    """Return those of some cases that are open, oldest first, held until the end."""
    rows = await uow.execute(
        f"{_CASE} WHERE id = ANY(:ids) AND state = 'open' ORDER BY id FOR UPDATE",
        ids=sorted(case_ids),
    )
    return await _read_cases(uow, rows)


async def list_alerts(
    uow: UnitOfWork, case_id: uuid.UUID, *, after: uuid.UUID | None = None, count: int
) -> list[Alert]:
    """Return a page of the alerts of a case, in their order."""
    rows = await uow.execute(
        f"{_ALERT} WHERE case_id = :case_id AND "
        "(CAST(:after AS uuid) IS NULL OR decision_id > :after) ORDER BY decision_id LIMIT :count",
        case_id=case_id,
        after=after,
        count=count,
    )
    return [_read_alert(row) for row in rows]


async def find_alert(uow: UnitOfWork, decision_id: uuid.UUID) -> Alert | None:
    """Return the alert of a decision, or None."""
    row = await uow.fetch_one(f"{_ALERT} WHERE decision_id = :id", id=decision_id)
    return None if row is None else _read_alert(row)


async def take_alerts_to_group(uow: UnitOfWork, *, count: int) -> list[Alert]:
    """Return alerts that are in no case yet, oldest first, held until the end."""
    rows = await uow.execute(
        f"{_ALERT} WHERE case_id IS NULL ORDER BY decision_id LIMIT :count FOR UPDATE", count=count
    )
    return [_read_alert(row) for row in rows]


async def count_ungrouped(uow: UnitOfWork) -> int:
    """Return how many alerts are in no case yet."""
    found = await uow.fetch_value("SELECT count(*) FROM risk.alerts WHERE case_id IS NULL")
    return int(found)


async def put_entry(
    uow: UnitOfWork,
    case_id: uuid.UUID,
    entry_type: EntryType,
    *,
    now: datetime,
    about: str | None = None,
    note: str | None = None,
) -> None:
    """Add a line to a case's timeline."""
    await uow.execute(
        "INSERT INTO risk.case_entries (id, case_id, type, at, actor, about, note) "
        "VALUES (:id, :case_id, :type, :now, :actor, :about, :note)",
        id=uuid7(),
        case_id=case_id,
        type=entry_type.value,
        now=now,
        actor=uow.caller.actor,
        about=about,
        note=note,
    )


async def has_entry(
    uow: UnitOfWork, case_id: uuid.UUID, entry_type: EntryType, *, about: str
) -> bool:
    """Say whether a case's timeline has such a line about something."""
    found = await uow.fetch_value(
        "SELECT true FROM risk.case_entries "
        "WHERE case_id = :case_id AND type = :type AND about = :about LIMIT 1",
        case_id=case_id,
        type=entry_type.value,
        about=about,
    )
    return found is True


async def list_entries(
    uow: UnitOfWork, case_id: uuid.UUID, *, before: uuid.UUID, count: int
) -> list[Entry]:
    """Return a page of a case's timeline, newest first."""
    rows = await uow.execute(
        "SELECT id, type, at, actor, about, note FROM risk.case_entries "
        "WHERE case_id = :case_id AND id < :before ORDER BY id DESC LIMIT :count",
        case_id=case_id,
        before=before,
        count=count,
    )
    return [
        Entry(
            id=row.id,
            type=EntryType(row.type),
            at=row.at,
            actor=row.actor,
            about=row.about,
            note=row.note,
        )
        for row in rows
    ]


async def _read_cases(uow: UnitOfWork, rows: Sequence[Row[Any]]) -> list[Case]:
    """Return cases with their money, which is summed in whole minor units."""
    sums = await uow.execute(
        "SELECT case_id, currency, CAST(sum(amount) AS text) AS amount FROM risk.alerts "
        "WHERE case_id = ANY(:ids) AND amount IS NOT NULL GROUP BY case_id, currency "
        "ORDER BY currency",
        ids=[row.id for row in rows],
    )
    at_risk: dict[uuid.UUID, list[Money]] = {}
    for each in sums:
        at_risk.setdefault(each.case_id, []).append(Money(int(each.amount), each.currency))
    return [_read_case(row, tuple(at_risk.get(row.id, ()))) for row in rows]


def _read_case(row: Row[Any], at_risk: tuple[Money, ...]) -> Case:
    return Case(
        id=row.id,
        state=CaseState(row.state),
        priority=row.priority,
        alerts=row.alerts,
        opened_at=row.opened_at,
        last_alert_at=row.last_alert_at,
        assigned_to=row.assigned_to,
        assigned_at=row.assigned_at,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        merged_into=row.merged_into,
        at_risk=at_risk,
    )


def _read_alert(row: Row[Any]) -> Alert:
    return Alert(
        decision_id=row.decision_id,
        purpose=Purpose(row.purpose),
        action=Action(row.action),
        raised_at=row.raised_at,
        amount=None if row.amount is None else Money(row.amount, row.currency),
        participants=tuple(Participant.read(code) for code in row.parties),
        case_id=row.case_id,
        weight=row.weight,
    )
