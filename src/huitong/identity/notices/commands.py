"""Asking for notices, sending them, and forgetting them."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from huitong.identity.code_senders import CodeSender
from huitong.identity.commands.logins import open_mobile
from huitong.identity.errors import CodeNotDelivered
from huitong.identity.languages import get_language
from huitong.identity.notices import limits, store
from huitong.identity.notices.texts import write_notice
from huitong.identity.notices.types import DueNotice, Notice, NoticeMessage
from huitong.identity.store import logins
from huitong.identity.types import Audience, LoginState, Vault
from huitong.kernel.clock import Clock
from huitong.kernel.database.unit_of_work import Database, UnitOfWork

_SENT: Final = "sent"
_GIVEN_UP: Final = "given_up"
_FIRST: Final = timedelta(seconds=limits.NOTICE_RETRY_SECONDS)
_LONGEST: Final = timedelta(seconds=limits.NOTICE_RETRY_SECONDS_MAX)
_LIFE: Final = timedelta(hours=limits.NOTICE_LIFE_HOURS)


class _Taken(NamedTuple):
    messages: list[tuple[DueNotice, NoticeMessage]]
    hopeless: list[uuid.UUID]


async def ask_notice(
    uow: UnitOfWork, notice: Notice, *, login_id: uuid.UUID, now: datetime
) -> bool:
    """Have the holder of a login told; False if they were already.

    Raises ValueError for a notice whose text names what it lacks.
    """
    write_notice(notice)
    return await store.insert_notice(uow, notice, login_id, now=now)


async def ask_notice_of_subject(
    uow: UnitOfWork, notice: Notice, *, audience: Audience, subject_id: uuid.UUID, now: datetime
) -> bool:
    """Have somebody told; False if they were already, or have no login that is open."""
    login = await logins.find_login_of_subject(uow, audience, subject_id)
    return login is not None and await ask_notice(uow, notice, login_id=login.id, now=now)


async def send_notices(database: Database, vault: Vault, sender: CodeSender, clock: Clock) -> int:
    """Send what is due, and return how many notices were taken.

    A notice that could not be sent is tried again after 15 s, 30 s, … an hour, and given up after a
    day, twelve tries, or when it lapses. Sent twice it is one message: the gateway knows it by its
    id.
    """
    now = clock.now()
    taken = await database.run(lambda uow: _take(uow, vault, now=now))
    in_flight = asyncio.Semaphore(limits.NOTICES_IN_FLIGHT_MAX)

    async def send(message: NoticeMessage) -> bool:
        async with in_flight:
            try:
                await sender.send(message)
            except CodeNotDelivered:
                return False
        return True

    sent = await asyncio.gather(*(send(message) for _, message in taken.messages))
    done = [
        due.notice.id for (due, _), is_sent in zip(taken.messages, sent, strict=True) if is_sent
    ]
    given_up = [
        due.notice.id
        for (due, _), is_sent in zip(taken.messages, sent, strict=True)
        if not is_sent and due.tries >= limits.NOTICE_TRIES_MAX
    ]
    await database.run(lambda uow: _end(uow, done, [*taken.hopeless, *given_up], clock.now()))
    return len(taken.messages) + len(taken.hopeless)


async def prune_notices(uow: UnitOfWork, *, count: int, now: datetime) -> int:
    """Delete notices that ended thirty days ago; returns how many, at most `count`."""
    before = now - timedelta(days=limits.NOTICES_KEEP_DAYS)
    return await store.prune(uow, before=before, count=count)


async def _take(uow: UnitOfWork, vault: Vault, *, now: datetime) -> _Taken:
    taken = _Taken([], [])
    found = await store.take_due(
        uow, count=limits.NOTICES_AT_ONCE_MAX, first=_FIRST, longest=_LONGEST, now=now
    )
    for due in found:
        login = await logins.find_login(uow, due.login_id)
        lapses_at = due.notice.lapses_at or due.asked_at + _LIFE
        is_late = now >= lapses_at or now - due.asked_at > _LIFE
        if is_late or login is None or login.state is LoginState.CLOSED:
            taken.hopeless.append(due.notice.id)
            continue
        mobile = await open_mobile(uow, vault=vault, login=login)
        language = await get_language(uow, login.subject_id)
        text = write_notice(due.notice, language=language)
        taken.messages.append((due, NoticeMessage(id=due.notice.id, mobile=mobile, text=text)))
    return taken


async def _end(
    uow: UnitOfWork, sent: Sequence[uuid.UUID], given_up: Sequence[uuid.UUID], now: datetime
) -> None:
    await store.end_notices(uow, sent, _SENT, now=now)
    await store.end_notices(uow, given_up, _GIVEN_UP, now=now)
