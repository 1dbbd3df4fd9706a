"""What a business sees of its files: progress, bad lines by page, and bad lines as CSV."""

import csv
import io
import uuid
from collections.abc import Iterable
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.ledger import Page
from huitong.payments.bulk import store, user_store
from huitong.payments.bulk.checking import FORMULA_SIGNS
from huitong.payments.bulk.commands import get_file
from huitong.payments.bulk.errors import BulkFileNotFound, BulkNotAllowed
from huitong.payments.bulk.types import BulkFile, FileLine, Problem

_TITLES: Final = ("line", "field", "code", "zh", "en")


async def get_bulk_file(uow: UnitOfWork, file_id: uuid.UUID, *, customer_id: uuid.UUID) -> BulkFile:
    """Return a file of a business that the customer acts for, with how far it is.

    Raises BulkFileNotFound, also for a file of others: whether it exists is not theirs to know.
    """
    file = await get_file(uow, file_id)
    if not await user_store.is_user(uow, file.merchant_id, customer_id):
        raise BulkFileNotFound("there is no such file of yours")
    return file


async def list_bulk_files(
    uow: UnitOfWork,
    *,
    merchant_id: uuid.UUID,
    customer_id: uuid.UUID,
    before: uuid.UUID | None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[BulkFile]:
    """Return files of a business, newest first; raises BulkNotAllowed for whoever is not of it."""
    if not await user_store.is_user(uow, merchant_id, customer_id):
        raise BulkNotAllowed("this person does not act for the business")
    return await store.list_files(uow, merchant_id, before, _check_limit(limit))


async def list_problems(
    uow: UnitOfWork,
    file: BulkFile,
    *,
    cursor: str | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> Page[Problem]:
    """Return a page of what is wrong with a file, in the order of its lines."""
    after = _read_cursor(cursor)
    found = await store.list_problems(uow, file.id, after, _check_limit(limit) + 1)
    items = tuple(problem for _, problem in found[:limit])
    return Page(items, str(found[limit - 1][0]) if len(found) > limit else None)


async def list_failed_lines(
    uow: UnitOfWork,
    file: BulkFile,
    *,
    cursor: str | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> Page[FileLine]:
    """Return a page of the lines that could not be paid, and why, in order."""
    after = _read_cursor(cursor)
    found = await store.list_lines(uow, file, after + 1, _check_limit(limit) + 1, only_failed=True)
    items = tuple(found[:limit])
    return Page(items, str(items[-1].number) if len(found) > limit else None)


async def write_problems_after(
    uow: UnitOfWork, file: BulkFile, position: int, *, count: int = limits.BULK_BATCH_LINES_MAX
) -> tuple[str, int | None]:
    """Return a part of the CSV of a file's problems, and the position after which the next begins.

    The first part, from position 0, has the titles; None says that there is no other.
    """
    found = await store.list_problems(uow, file.id, position, count)
    text = write_problems((each for _, each in found), has_titles=position == 0)
    return text, found[-1][0] if len(found) == count else None


def write_problems(problems: Iterable[Problem], *, has_titles: bool = True) -> str:
    """Return problems as CSV with a byte order mark, which spreadsheets need to see UTF-8."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    if has_titles:
        target.write("\ufeff")
        writer.writerow(_TITLES)
    for each in problems:
        cells = (str(each.number), each.field, each.code.value, each.code.zh, each.code.en)
        writer.writerow([escape_cell(cell) for cell in cells])
    return target.getvalue()


def escape_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV Injection)."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def _read_cursor(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= len(str(2**31)) - 1):
        raise InvalidField("this is no cursor of ours", field="cursor")
    return int(cursor)


def _check_limit(limit: int) -> int:
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"limit must be 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    return limit
