"""Commands: debtors contacted by workers and by staff, within the rules and never otherwise.

Whoever contacts a debtor, or stops contact, holds the debtor's lock: what two agents count is what
stands. Only the borrower of a loan is ever contacted; there is no way to name anybody else.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import COLLECTION_CONTACT, show_id, uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.lending.collections import limits, store
from huitong.lending.collections.errors import (
    AlreadyEnded,
    CollectionIdReused,
    CollectionNotFound,
    ContactRefused,
    DebtorUnreachable,
    NotOverdue,
    TaskTaken,
)
from huitong.lending.collections.rules import (
    CAPS,
    PAUSES,
    QUIET,
    Window,
    counts_as,
    find_window,
)
from huitong.lending.collections.tasks import get_task
from huitong.lending.collections.types import (
    BEFORE_DUE,
    Channel,
    Contact,
    Outcome,
    Task,
    TaskState,
)

_MARGIN: Final = timedelta(seconds=limits.SENDING_SECONDS)
_MESSAGES: Final = frozenset({Channel.APP, Channel.SMS})
#: After these the task is open still, for another try.
_TRY_AGAIN: Final = frozenset({Outcome.NO_ANSWER, Outcome.OTHER_PERSON})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be sent to a debtor, once for each id, before it lapses."""

    id: uuid.UUID
    customer_id: uuid.UUID
    texts: Mapping[str, str] = field(repr=False)
    asked_at: datetime
    lapses_at: datetime


#: Has a debtor told by text message; False if they have no login.
Tell = Callable[[UnitOfWork, Message], Awaitable[bool]]


async def carry_out_steps(uow: UnitOfWork, *, tell: Tell, rulebook: Rulebook, now: datetime) -> int:
    """Take today's steps that go by themselves, and return how many were taken.

    What a rule forbids is refused with its name, what was paid meanwhile is needless. Each step is
    written with what it sends, so it is taken once whatever is killed. In quiet hours none is.
    """
    window = find_window(rulebook, now)
    if window is None or now >= window.until - _MARGIN:
        return 0
    tasks = await store.take_automatic(
        uow, today=business_day(now), most=limits.AUTOMATIC_AT_ONCE_MAX
    )
    for task in tasks:
        rule, state = None, TaskState.DONE
        try:
            await _reach(uow, task, uuid7(), None, tell=tell, rulebook=rulebook, now=now)
        except ContactRefused as refusal:
            rule, state = str(refusal.context["rule"]), TaskState.REFUSED
        except NotOverdue:
            state = TaskState.NEEDLESS
        except DebtorUnreachable:
            state = TaskState.UNREACHABLE
        await store.end_task(uow, task.id, state, rule=rule, now=now)
    return len(tasks)


async def begin_contact(
    uow: UnitOfWork,
    task_id: uuid.UUID,
    *,
    contact_id: uuid.UUID,
    staff_id: uuid.UUID,
    tell: Tell,
    rulebook: Rulebook,
    now: datetime,
) -> Contact:
    """Count an attempt of a member of staff before it is made, or refuse it with the rule.

    The same id again returns the first answer. Messages go out by themselves and end the task.
    Raises CollectionNotFound, TaskTaken, AlreadyEnded, ContactRefused, NotOverdue,
    DebtorUnreachable, CollectionIdReused.
    """
    task = await get_task(uow, task_id)
    await store.lock_debtor(uow, task.customer_id)
    known = await store.find_contact(uow, contact_id)
    if known is not None:
        if (known.task_id, known.staff_id) != (task_id, staff_id):
            raise CollectionIdReused("the id is that of another contact", field="contact")
        return known
    task = await lock_own_task(uow, task_id, staff_id)
    contact = await _reach(uow, task, contact_id, staff_id, tell=tell, rulebook=rulebook, now=now)
    if contact.outcome is not None:
        await store.end_task(uow, task.id, TaskState.DONE, now=now)
    await _record(uow, "lending.contact_debtor", contact)
    return contact


async def end_contact(
    uow: UnitOfWork,
    contact_id: uuid.UUID,
    outcome: Outcome,
    *,
    staff_id: uuid.UUID,
    now: datetime,
) -> Contact:
    """Say how an attempt of one's own ended, once; the task ends unless nobody was reached.

    Raises CollectionNotFound, TaskTaken for another's, AlreadyEnded, InvalidField.
    """
    if outcome is Outcome.SENT:
        raise InvalidField("is what messages end with", field="outcome")
    found = await _get_contact(uow, contact_id)
    if found.staff_id != staff_id:
        raise TaskTaken("another member of staff made this contact", field="contact")
    await store.lock_debtor(uow, found.customer_id)
    task = await store.find_task(uow, found.task_id, for_update=True)
    assert task is not None, "a contact has a task"
    now = max(now, found.made_at)
    if not await store.set_outcome(uow, contact_id, outcome, now=now):
        again = await _get_contact(uow, contact_id)
        if again.outcome is outcome:
            return again
        raise AlreadyEnded("it was said how the contact ended", field="contact")
    if outcome not in _TRY_AGAIN and task.is_open:
        await store.end_task(uow, task.id, TaskState.DONE, now=now)
    contact = await _get_contact(uow, contact_id)
    await _record(uow, "lending.end_contact", contact)
    return contact


async def lock_own_task(uow: UnitOfWork, task_id: uuid.UUID, staff_id: uuid.UUID) -> Task:
    """Return a task of one's own, locked; raises TaskTaken, AlreadyEnded."""
    task = await store.find_task(uow, task_id, for_update=True)
    assert task is not None, "tasks are not deleted"
    if not task.is_open:
        raise AlreadyEnded(f"the task is {task.state.value}", field="task")
    if task.assigned_to != staff_id:
        raise TaskTaken("take the task first", field="task")
    return task


def write_texts(task: Task, owed: int, *, on: date) -> tuple[str, str]:
    """Return a step's texts in Chinese and English, with what is owed in minor units.

    1,066.19 CNY is 1066.19 元 and CNY 1066.19; days count from the due day, none before it.
    """
    shown, due = Money(owed, task.currency).to_json(), task.about_day
    days = max(0, (on - due).days)
    unit = {"CNY": "元"}.get(task.currency, task.currency)
    zh = {"amount": f"{shown['amount']} {unit}", "due_on": f"{due.month}月{due.day}日"}
    en = {"amount": f"{shown['currency']} {shown['amount']}", "due_on": f"{due.day} {due:%b %Y}"}
    return task.text_zh.format(**zh, days=days), task.text_en.format(**en, days=days)


async def _reach(
    uow: UnitOfWork,
    task: Task,
    contact_id: uuid.UUID,
    staff_id: uuid.UUID | None,
    *,
    tell: Tell,
    rulebook: Rulebook,
    now: datetime,
) -> Contact:
    """Write down a contact that the rules allow, and send what is a message."""
    await store.lock_debtor(uow, task.customer_id)
    now = await store.order_after(uow, task.customer_id, now)
    today = business_day(now)
    owed = await _find_owed(uow, task, today)
    window = await _check_rules(uow, task, rulebook, today, now)
    nth, most = await _count(uow, task, rulebook, today)
    text_zh, text_en = write_texts(task, owed, on=today)
    is_message = task.channel in _MESSAGES
    contact = Contact(
        id=contact_id,
        task_id=task.id,
        loan=task.loan,
        customer_id=task.customer_id,
        channel=task.channel,
        day=today,
        nth=nth,
        most=most,
        made_at=now,
        allowed_until=window.until,
        staff_id=staff_id,
        text_zh=text_zh,
        text_en=text_en,
        outcome=Outcome.SENT if is_message else None,
        outcome_at=now if is_message else None,
    )
    if task.channel is Channel.SMS:
        await _send(uow, contact, tell)
    await store.insert_contact(uow, contact, allowed_from=window.first_at)
    return contact


async def _find_owed(uow: UnitOfWork, task: Task, today: date) -> int:
    is_before_due = task.segment == BEFORE_DUE
    owed = await store.find_owed(uow, task, is_before_due=is_before_due, today=today)
    if owed == 0:
        raise NotOverdue("nothing is to be paid of it any more", field="task")
    return owed


async def _check_rules(
    uow: UnitOfWork, task: Task, rulebook: Rulebook, today: date, now: datetime
) -> Window:
    window = find_window(rulebook, now)
    if window is None:
        raise _refuse(QUIET, "it is quiet hours")
    for pause in await store.list_pauses(uow, task.customer_id, task.loan):
        if rulebook.flag(PAUSES[pause], today):
            raise _refuse(PAUSES[pause], f"an open {pause} stops contact")
    return window


async def _count(uow: UnitOfWork, task: Task, rulebook: Rulebook, today: date) -> tuple[int, int]:
    kind = counts_as(task.channel)
    most = rulebook.integer(CAPS[kind], today)
    nth = await store.count_contacts(uow, task.customer_id, today, kind) + 1
    if nth > most:
        raise _refuse(CAPS[kind], f"the debtor had {most} today, over all loans and agents")
    return nth, most


async def _send(uow: UnitOfWork, contact: Contact, tell: Tell) -> None:
    lapses_at = contact.allowed_until - _MARGIN
    if contact.made_at >= lapses_at:
        raise _refuse(QUIET, "quiet hours are about to begin")
    message = Message(
        id=contact.id,
        customer_id=contact.customer_id,
        texts={"zh": contact.text_zh, "en": contact.text_en},
        asked_at=contact.made_at,
        lapses_at=lapses_at,
    )
    if not await tell(uow, message):
        raise DebtorUnreachable("the debtor has no login that is open", field="task")


async def _get_contact(uow: UnitOfWork, contact_id: uuid.UUID) -> Contact:
    contact = await store.find_contact(uow, contact_id)
    if contact is None:
        raise CollectionNotFound("there is no such contact", field="contact")
    return contact


async def _record(uow: UnitOfWork, action: str, contact: Contact) -> None:
    details = {
        "channel": contact.channel.value,
        "nth": contact.nth,
        "outcome": None if contact.outcome is None else contact.outcome.value,
    }
    subject = show_id(COLLECTION_CONTACT, contact.id)
    await audit.record(uow, action=action, subject=subject, details=details)


def _refuse(rule: str, why: str) -> ContactRefused:
    return ContactRefused(f"{why} (rule {rule})", field="task", context={"rule": rule})
