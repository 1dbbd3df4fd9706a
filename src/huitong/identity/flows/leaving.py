"""Ending sessions and unbinding devices: committed first, then forgotten by this process."""

import uuid
from datetime import datetime

from huitong.identity.commands import sessions as commands
from huitong.identity.desk import Desk
from huitong.identity.types import Session
from huitong.kernel.database.unit_of_work import Caller


async def log_out(desk: Desk, *, session: Session, caller: Caller, now: datetime) -> None:
    """End this session."""
    await desk.database.run(lambda uow: commands.log_out(uow, session=session, now=now), caller)
    desk.sessions.forget(session.id)


async def end_session(
    desk: Desk, *, session: Session, session_id: uuid.UUID, caller: Caller, now: datetime
) -> None:
    """End one session of the login. Raises SessionNotFound, and SessionReduced for another one."""
    ended = await desk.database.run(
        lambda uow: commands.revoke_session(uow, session=session, session_id=session_id, now=now),
        caller,
    )
    desk.sessions.forget(*ended)


async def end_other_sessions(desk: Desk, *, session: Session, caller: Caller, now: datetime) -> int:
    """End every session of the login but this one; returns how many there were.

    Raises SessionReduced.
    """
    ended = await desk.database.run(
        lambda uow: commands.revoke_other_sessions(uow, session=session, now=now), caller
    )
    desk.sessions.forget(*ended)
    return len(ended)


async def unbind_device(
    desk: Desk, *, session: Session, device_id: uuid.UUID, caller: Caller, now: datetime
) -> None:
    """Unbind a device and end its sessions. Raises DeviceNotFound, SessionReduced."""
    ended = await desk.database.run(
        lambda uow: commands.revoke_device(uow, session=session, device_id=device_id, now=now),
        caller,
    )
    desk.sessions.forget(*ended)
