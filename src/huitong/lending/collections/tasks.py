"""Commands: agents' tasks taken from the queue, handed over and given back."""

import uuid
from datetime import datetime

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import LimitExceeded
from huitong.kernel.ids import COLLECTION_TASK, STAFF, show_id
from huitong.lending.collections import limits, store
from huitong.lending.collections.errors import AlreadyEnded, CollectionNotFound, TaskTaken
from huitong.lending.collections.types import Task


async def take_next_task(
    uow: UnitOfWork, *, staff_id: uuid.UUID, own: uuid.UUID | None, now: datetime
) -> Task | None:
    """Take the task that is to be done next, and return it; None if none waits.

    The oldest comes first, of those the one of whom most is owed; what is paused is passed over,
    and so is the member's own loan (`own` is their record as a customer). Two who ask at once get
    two. Raises LimitExceeded for somebody who has too many.
    """
    await _check_room(uow, staff_id)
    task_id = await store.find_next(uow, own=own, today=business_day(now))
    return None if task_id is None else await _give(uow, task_id, staff_id)


async def assign_task(
    uow: UnitOfWork, task_id: uuid.UUID, *, staff_id: uuid.UUID, to: uuid.UUID
) -> Task:
    """Take a task that nobody has, or give it or one's own to a colleague.

    Raises CollectionNotFound, TaskTaken, AlreadyEnded, LimitExceeded.
    """
    task = await get_task(uow, task_id, for_update=True)
    _check_open(task)
    if task.assigned_to not in (None, staff_id):
        raise TaskTaken("another member of staff has the task", field="task")
    if task.assigned_to == to:
        return task
    await _check_room(uow, to)
    return await _give(uow, task_id, to)


async def release_task(uow: UnitOfWork, task_id: uuid.UUID, *, staff_id: uuid.UUID) -> Task:
    """Give a task of one's own back, for anybody to take.

    Raises CollectionNotFound, TaskTaken, AlreadyEnded.
    """
    task = await get_task(uow, task_id, for_update=True)
    _check_open(task)
    if task.assigned_to != staff_id:
        raise TaskTaken("the task is not yours", field="task")
    return await _give(uow, task_id, None)


async def get_task(uow: UnitOfWork, task_id: uuid.UUID, *, for_update: bool = False) -> Task:
    """Return a task of staff; raises CollectionNotFound."""
    task = await store.find_task(uow, task_id, for_update=for_update)
    if task is None or task.is_automatic:
        shown = show_id(COLLECTION_TASK, task_id)
        raise CollectionNotFound(f"there is no task {shown}", context={"id": shown})
    return task


async def _give(uow: UnitOfWork, task_id: uuid.UUID, to: uuid.UUID | None) -> Task:
    await store.set_assigned(uow, task_id, to)
    details = {"to": None if to is None else show_id(STAFF, to)}
    subject = show_id(COLLECTION_TASK, task_id)
    await audit.record(
        uow, action="lending.assign_collection_task", subject=subject, details=details
    )
    return await get_task(uow, task_id)


async def _check_room(uow: UnitOfWork, staff_id: uuid.UUID) -> None:
    most = limits.TASKS_OF_STAFF_MAX
    if await store.count_taken(uow, staff_id) >= most:
        raise LimitExceeded(f"nobody has more than {most} tasks at once")


def _check_open(task: Task) -> None:
    if not task.is_open:
        raise AlreadyEnded(f"the task is {task.state.value}", field="task")
