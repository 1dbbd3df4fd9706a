"""What one can read of clearing."""

import uuid

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.clearing import store
from huitong.payments.clearing.types import (
    BilateralPosition,
    ClearingPayment,
    Participant,
    Position,
    Window,
)
from huitong.payments.clearing.windows import get_window


async def list_participants(uow: UnitOfWork) -> list[Participant]:
    """Return all participants by their bank codes."""
    return await store.list_participants(uow)


async def list_windows(uow: UnitOfWork, *, before: int | None = None, limit: int) -> list[Window]:
    """Return windows with a number below `before`, newest first."""
    return await store.list_windows(uow, before=before, limit=limit)


async def find_open_window(uow: UnitOfWork) -> Window | None:
    """Return the open window, or None before the first one."""
    return await store.find_window(uow, is_open=True)


async def list_positions(uow: UnitOfWork, window_id: uuid.UUID) -> list[Position]:
    """Return the multilateral positions of a window by participant; raises WindowNotFound."""
    await get_window(uow, window_id)
    return await store.list_positions(uow, window_id)


async def list_bilateral(uow: UnitOfWork, window_id: uuid.UUID) -> list[BilateralPosition]:
    """Return the bilateral positions of a window; raises WindowNotFound."""
    await get_window(uow, window_id)
    return await store.list_bilateral(uow, window_id)


async def list_queued(uow: UnitOfWork, *, is_gross: bool, limit: int) -> list[ClearingPayment]:
    """Return the first gross or net payments that wait, in order of hand-in."""
    return await store.list_queued(uow, is_gross=is_gross, limit=limit)
