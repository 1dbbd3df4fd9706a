"""Files of channels in the database."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.reconciliation.types import ChannelFile, FileFormat, FileState

_FILE: Final = """
    SELECT id, number, channel, day, format, digest, line_count, loaded, state, matched, tolerated,
           received_at, matched_at
      FROM payments.recon_files
"""
_ADD_FILE: Final = """
    INSERT INTO payments.recon_files (id, channel, day, format, digest, size, line_count, state,
                                      received_at, stored_at)
    VALUES (:id, :channel, :day, :format, :digest, :size, :line_count, 'loading', :now, :now)
    ON CONFLICT DO NOTHING
"""
_ABANDON: Final = """
    UPDATE payments.recon_files SET state = 'abandoned'
     WHERE channel = :channel AND day = :day AND state = 'loading' AND digest <> :digest
       AND coalesce(stored_at, received_at) < :before
    RETURNING digest
"""
_TAKE_UP: Final = """
    UPDATE payments.recon_files f SET state = 'loading', stored_at = :now
     WHERE digest = :digest AND state = 'abandoned'
       AND NOT EXISTS (SELECT FROM payments.recon_files o
                        WHERE o.channel = f.channel AND o.day = f.day
                          AND o.state NOT IN ('refused', 'abandoned'))
    RETURNING id
"""


async def has_channel(uow: UnitOfWork, name: str) -> bool:
    """Return whether there is a channel of that name."""
    row = await uow.fetch_one("SELECT 1 FROM payments.channels WHERE name = :name", name=name)
    return row is not None


async def find_file(
    uow: UnitOfWork,
    *,
    digest: bytes | None = None,
    channel: str | None = None,
    day: date | None = None,
    file_id: uuid.UUID | None = None,
    is_locked: bool = False,
) -> ChannelFile | None:
    """Return the file of these bytes, of this id, or of a channel's day; None if there is none."""
    values: dict[str, object]
    if digest is not None:
        where, values = "digest = :digest", {"digest": digest}
    elif file_id is not None:
        where, values = "id = :id", {"id": file_id}
    else:
        where = "channel = :channel AND day = :day AND state NOT IN ('refused', 'abandoned')"
        values = {"channel": channel, "day": day}
    row = await uow.fetch_one(
        f"{_FILE} WHERE {where}{' FOR UPDATE' if is_locked else ''}", **values
    )
    return None if row is None else _read_file(row)


async def find_days_matched(uow: UnitOfWork, channel: str, days: Iterable[date]) -> set[date]:
    """Return those of the days whose file of a channel is matched."""
    rows = await uow.execute(
        "SELECT day FROM payments.recon_files WHERE channel = :channel AND state = 'matched' "
        "AND day = ANY(CAST(:days AS date[]))",
        channel=channel,
        days=list(days),
    )
    return {row.day for row in rows}


async def find_loaded(uow: UnitOfWork) -> ChannelFile | None:
    """Return the oldest file that is loaded and not matched, or None."""
    row = await uow.fetch_one(f"{_FILE} WHERE state = 'loaded' ORDER BY received_at LIMIT 1")
    return None if row is None else _read_file(row)


async def list_files(uow: UnitOfWork, *, before: date | None, limit: int) -> list[ChannelFile]:
    """Return files, the latest day first."""
    rows = await uow.execute(
        f"{_FILE} WHERE CAST(:before AS date) IS NULL OR day < :before "
        "ORDER BY day DESC, channel LIMIT :limit",
        before=before,
        limit=limit,
    )
    return [_read_file(row) for row in rows]


async def list_files_of_day(uow: UnitOfWork, day: date, channel: str | None) -> list[ChannelFile]:
    """Return the files of a day, of one channel or of all."""
    rows = await uow.execute(
        f"{_FILE} WHERE day = :day AND (CAST(:channel AS text) IS NULL OR channel = :channel) "
        "ORDER BY channel",
        day=day,
        channel=channel,
    )
    return [_read_file(row) for row in rows]


async def add_file(
    uow: UnitOfWork,
    *,
    file_id: uuid.UUID,
    channel: str,
    day: date,
    file_format: FileFormat,
    digest: bytes,
    size: int,
    line_count: int,
    now: datetime,
) -> None:
    """Write a file down; nothing happens if its bytes or its channel's day are there already."""
    await uow.execute(
        _ADD_FILE,
        id=file_id,
        channel=channel,
        day=day,
        format=file_format.value,
        digest=digest,
        size=size,
        line_count=line_count,
        now=now,
    )


async def lock_day(uow: UnitOfWork, channel: str, day: date) -> None:
    """Let nobody else bring a file of a channel's day until this transaction ends."""
    await uow.execute(
        "SELECT pg_advisory_xact_lock(hashtext('payments.recon_files'), "
        "hashtext(CAST(:channel AS text) || CAST(:day AS date)))",
        channel=channel,
        day=day,
    )


async def abandon_file(
    uow: UnitOfWork, *, channel: str, day: date, digest: bytes, before: datetime
) -> bytes | None:
    """Give up a day's file with another digest that nothing was stored of since an instant.

    Its digest is returned, None if there is none. What is stored of it is kept.
    """
    row = await uow.fetch_one(_ABANDON, channel=channel, day=day, digest=digest, before=before)
    return None if row is None else bytes(row.digest)


async def take_up_file(uow: UnitOfWork, *, digest: bytes, now: datetime) -> None:
    """Let a file that was given up go on, unless another one has its day."""
    await uow.execute(_TAKE_UP, digest=digest, now=now)


async def set_loaded(uow: UnitOfWork, file: ChannelFile, loaded: int, *, now: datetime) -> None:
    """Write how many lines of a file are stored; with the last one it is loaded."""
    await uow.execute(
        "UPDATE payments.recon_files SET loaded = :loaded, stored_at = :now, "
        "state = CASE WHEN :loaded = line_count THEN 'loaded' ELSE state END WHERE id = :id",
        id=file.id,
        loaded=loaded,
        now=now,
    )


async def refuse_file(uow: UnitOfWork, file: ChannelFile) -> ChannelFile:
    """Give a file up, and its lines; the channel's day is free for another one."""
    await uow.execute(
        "UPDATE payments.recon_ranges SET content = NULL WHERE file_number = :number",
        number=file.number,
    )
    await uow.execute(
        "UPDATE payments.recon_files SET state = 'refused' WHERE id = :id", id=file.id
    )
    return replace(file, state=FileState.REFUSED)


async def set_matched(
    uow: UnitOfWork, file: ChannelFile, *, matched: int, tolerated: int, now: datetime
) -> None:
    """Write that a file is matched, and how many of its lines agree."""
    await uow.execute(
        "UPDATE payments.recon_files SET state = 'matched', matched = :matched, "
        "tolerated = :tolerated, matched_at = greatest(received_at, :now) WHERE id = :id",
        id=file.id,
        matched=matched,
        tolerated=tolerated,
        now=now,
    )


def _read_file(row: Row[Any]) -> ChannelFile:
    return ChannelFile(
        id=row.id,
        number=row.number,
        channel=row.channel,
        day=row.day,
        format=FileFormat(row.format),
        digest=bytes(row.digest),
        line_count=row.line_count,
        loaded=row.loaded,
        state=FileState(row.state),
        matched=row.matched,
        tolerated=row.tolerated,
        received_at=row.received_at,
        matched_at=row.matched_at,
    )
