"""Taking a channel's file: checked whole, then stored in ranges, each in its own transaction.

Killed anywhere, a file goes on from the first range that is not stored; its bytes are its
identity, so that nobody can go on with another file.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO

from huitong.kernel import audit
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.payments.reconciliation import statements
from huitong.payments.reconciliation.errors import (
    ChannelFileDiffers,
    ChannelFileKnown,
    ChannelFileOfAnotherDay,
    ReconciledChannelNotFound,
)
from huitong.payments.reconciliation.reading import CheckedFile, check_file, read_ranges
from huitong.payments.reconciliation.store import files
from huitong.payments.reconciliation.store.lines import store_lines
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
    for first, lines in read_ranges(source, after=file.loaded):
        digest = hashlib.sha256(b"\n".join([*lines, b""])).digest()

        async def store(
            uow: UnitOfWork, first: int = first, lines: list[bytes] = lines, digest: bytes = digest
        ) -> int:
            current = await files.find_file(uow, file_id=file.id, is_locked=True)
            assert current is not None
            # Somebody else may load the same file at this moment.
            if current.loaded < first:
                await store_lines(uow, file, first, lines, digest)
                await files.set_loaded(uow, current, first + len(lines) - 1)
            return first + len(lines) - 1

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
    for first, lines in read_ranges(source, after=0):
        digest = hashlib.sha256(b"\n".join([*lines, b""])).digest()
        await store_lines(uow, file, first, lines, digest)
        await files.set_loaded(uow, file, first + len(lines) - 1)
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
        raise ChannelFileDiffers(
            f"{head.channel} has another file for {head.day}",
            field="file",
            context={"channel": head.channel, "day": head.day.isoformat()},
        )
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
            await files.set_loaded(uow, known, 0)
            known = await files.find_file(uow, file_id=file_id)
            assert known is not None
    return known
