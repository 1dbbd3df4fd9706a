"""Lines of files as they were read, a range in a row, for as long as they are worked with."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.reconciliation import columns
from huitong.payments.reconciliation.reading import read_line
from huitong.payments.reconciliation.types import ChannelFile, FileLine

_ADD: Final = """
    INSERT INTO payments.recon_ranges (file_number, first_line, line_count, digest, content)
    VALUES ($1, $2, $3, $4, $5)
"""
_READ: Final = """
    SELECT digest, content FROM payments.recon_ranges WHERE file_number = $1 AND first_line = $2
"""
_PRUNE: Final = """
    UPDATE payments.recon_ranges SET content = NULL
     WHERE (file_number, first_line) IN (
           SELECT r.file_number, r.first_line
             FROM payments.recon_ranges r JOIN payments.recon_files f ON f.number = r.file_number
            WHERE r.content IS NOT NULL AND f.matched_at < :before LIMIT :count)
    RETURNING first_line
"""


async def store_range(
    uow: UnitOfWork, file: ChannelFile, first: int, count: int, lines: bytes
) -> None:
    """Store `count` checked lines from number `first` on, and their SHA-256."""
    driver = await uow.driver()
    digest = hashlib.sha256(lines).digest()
    await driver.execute(_ADD, file.number, first, count, digest, lines)


async def load_columns(uow: UnitOfWork, file: ChannelFile) -> columns.Columns:
    """Return all lines of a file as columns, in order.

    They are parsed in another thread, so that the rest of the process goes on.
    """
    parts = [
        await asyncio.to_thread(columns.parse, content)
        async for _, _, content in _read_ranges(uow, file)
    ]
    lines = columns.join(parts)
    assert len(lines) == file.line_count, "a file has not the lines that its head says"
    return lines


async def load_lines(uow: UnitOfWork, file: ChannelFile, numbers: list[int]) -> list[FileLine]:
    """Return lines of a file by their numbers, which are sorted."""
    found: list[FileLine] = []
    async for first, count, content in _read_ranges(uow, file):
        wanted = numbers[len(found) :]
        if not wanted:
            break
        if wanted[0] < first + count:
            rows = content.split(b"\n")
            found += [
                read_line(number, rows[number - first])
                for number in wanted
                if number < first + count
            ]
    return found


async def prune(uow: UnitOfWork, *, before: datetime, count: int) -> int:
    """Forget the lines of up to `count` ranges of files matched before an instant; return how many.

    Their digests are kept.
    """
    return len(await uow.execute(_PRUNE, before=before, count=count))


async def _read_ranges(uow: UnitOfWork, file: ChannelFile) -> AsyncIterator[tuple[int, int, bytes]]:
    """Yield each range's first number, count and lines; they are what they were when stored."""
    driver = await uow.driver()
    heads = await driver.fetch(
        "SELECT first_line, line_count FROM payments.recon_ranges "
        "WHERE file_number = $1 ORDER BY first_line",
        file.number,
    )
    for head in heads:
        row = await driver.fetchrow(_READ, file.number, head["first_line"])
        assert row is not None
        assert row["content"] is not None, "the lines are forgotten"
        assert hashlib.sha256(row["content"]).digest() == row["digest"], "the lines have changed"
        yield head["first_line"], head["line_count"], row["content"]
