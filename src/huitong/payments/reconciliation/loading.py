"""Taking a channel's file: checked whole, then stored in ranges, each in its own transaction.

Killed anywhere, a file goes on from the first range that is not stored; its bytes are its
identity, so that nobody can go on with another file.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import BinaryIO

from huitong.kernel import audit
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.payments.reconciliation import limits, statements
from huitong.payments.reconciliation.errors import (
    ChannelFileDiffers,
    ChannelFileKnown,
    ChannelFileOfAnotherDay,
    ReconciledChannelNotFound,
)
from huitong.payments.reconciliation.reading import CheckedFile, Head, check_file, read_ranges
from huitong.payments.reconciliation.store import files
from huitong.payments.reconciliation.store.ranges import store_range
from huitong.payments.reconciliation.types import ChannelFile, FileFormat, FileState

#: Is told how many lines of how many are stored.
Progress = Callable[[int, int], None]


def open_file(
    source: BinaryIO, *, channel: str | None = None
) -> tuple[BinaryIO, CheckedFile, FileFormat]:
    """Check a file in either format; return it as CSV with what is known of it.

    A statement (camt.053) names no channel, so that one must be given. Raises what `check_file`
    raises, ChannelFileUnreadable.
    """
    source.seek(0)
    if not source.read(16).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return source, check_file(source), FileFormat.CSV
    source.seek(0)
    lines, digest, size = statements.read_statement(source, channel=channel)
    inner = check_file(lines)
    return lines, CheckedFile(inner.head, digest, size), FileFormat.CAMT_053


async def take_file(
    database: Database,
    source: BinaryIO,
    checked: CheckedFile,
    file_format: FileFormat,
    *,
    caller: Caller = SYSTEM,
    progress: Progress | None = None,
    now: datetime,
) -> ChannelFile:
    """Store a checked file, or go on where an earlier attempt stopped; return it loaded.

    Raises ReconciledChannelNotFound, ChannelFileKnown if the same bytes were matched before,
    ChannelFileOfAnotherDay if they were refused, and ChannelFileDiffers if the channel's day has
    another file.
    """
    file = await database.run(lambda uow: _register(uow, checked, file_format, now), caller)
    for first, count, lines in read_ranges(source, after=file.loaded):

        async def store(
            uow: UnitOfWork, first: int = first, count: int = count, lines: bytes = lines
        ) -> int:
            current = await files.find_file(uow, file_id=file.id, is_locked=True)
            assert current is not None
            if current.state is FileState.ABANDONED:
                raise _refuse_other(current)
            # Somebody else may load the same file at this moment.
            if current.loaded < first:
                await store_range(uow, file, first, count, lines)
                await files.set_loaded(uow, current, first + count - 1, now=now)
            return first + count - 1

        stored = await database.run(store, caller)
        if progress is not None:
            progress(stored, checked.head.line_count)
    async with database.reading(caller) as uow:
        loaded = await files.find_file(uow, file_id=file.id)
    assert loaded is not None
    return loaded


async def store_file(
    uow: UnitOfWork,
    source: BinaryIO,
    checked: CheckedFile,
    file_format: FileFormat,
    *,
    now: datetime,
) -> ChannelFile:
    """Store a checked file whole in this transaction, and return it; the worker matches it.

    Raises what `take_file` raises, and ChannelFileKnown also for a file that somebody is loading.
    """
    file = await _register(uow, checked, file_format, now)
    if file.loaded or file.state is FileState.LOADED:
        raise ChannelFileKnown("this file is being taken already", field="file")
    for first, count, lines in read_ranges(source, after=0):
        await store_range(uow, file, first, count, lines)
        await files.set_loaded(uow, file, first + count - 1, now=now)
    stored = await files.find_file(uow, file_id=file.id)
    assert stored is not None
    return stored


def refuse_file(file: ChannelFile) -> ChannelFileOfAnotherDay:
    """Return the refusal of a file of which next to nothing agrees."""
    return ChannelFileOfAnotherDay(
        f"next to nothing of this file agrees with {file.channel} on {file.day}", field="file"
    )


async def _register(
    uow: UnitOfWork, checked: CheckedFile, file_format: FileFormat, now: datetime
) -> ChannelFile:
    head = checked.head
    if not await files.has_channel(uow, head.channel):
        raise ReconciledChannelNotFound(f"there is no channel {head.channel}", field="channel")
    file_id = uuid7(int(now.timestamp() * 1_000))
    await _free_day(uow, checked, now)
    await files.add_file(
        uow,
        file_id=file_id,
        channel=head.channel,
        day=head.day,
        file_format=file_format,
        digest=checked.digest,
        size=checked.size,
        line_count=head.line_count,
        now=now,
    )
    known = await files.find_file(uow, digest=checked.digest)
    if known is None:
        raise _refuse_other(head)
    if known.state is FileState.ABANDONED:
        raise _refuse_other(head)
    if known.state is FileState.REFUSED:
        raise refuse_file(known)
    if known.state is FileState.MATCHED:
        raise ChannelFileKnown(
            f"this file of {known.channel} for {known.day} was taken before",
            field="file",
            context={"channel": known.channel, "day": known.day.isoformat()},
        )
    if known.id == file_id:
        await audit.record(
            uow,
            action="reconciliation.take_file",
            subject=head.channel,
            details={"day": head.day.isoformat(), "sha256": checked.digest.hex()},
        )
        if head.line_count == 0:
            await files.set_loaded(uow, known, 0, now=now)
            known = await files.find_file(uow, file_id=file_id)
            assert known is not None
    return known


async def _free_day(uow: UnitOfWork, checked: CheckedFile, now: datetime) -> None:
    """Give up another file of the day that stopped half-way, and go on with this one if it had.

    A file stopped if nothing of it was stored for GOES_ON_SECONDS.
    """
    head = checked.head
    await files.lock_day(uow, head.channel, head.day)
    before = now - timedelta(seconds=limits.GOES_ON_SECONDS)
    given_up = await files.abandon_file(
        uow, channel=head.channel, day=head.day, digest=checked.digest, before=before
    )
    if given_up is not None:
        await audit.record(
            uow,
            action="reconciliation.abandon_file",
            subject=head.channel,
            details={"day": head.day.isoformat(), "sha256": given_up.hex()},
        )
    await files.take_up_file(uow, digest=checked.digest, now=now)


def _refuse_other(file: ChannelFile | Head) -> ChannelFileDiffers:
    return ChannelFileDiffers(
        f"{file.channel} has another file for {file.day}",
        field="file",
        context={"channel": file.channel, "day": file.day.isoformat()},
    )
