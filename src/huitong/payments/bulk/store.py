"""Files of payments in the database: all SQL of this sub-room, in sets."""

import hashlib
import io
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import starmap
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.bulk.types import (
    BulkFile,
    DueLine,
    FileLine,
    FileState,
    Line,
    LineState,
    Problem,
    ProblemCode,
    Purpose,
)

# A look is a tenth of what making a member by its value takes, a hundred thousand times.
_LINE_STATES: Final = {int(state): state for state in LineState}
_PROBLEM_CODES: Final = {code.value: code for code in ProblemCode}
#: A quote in a text of CSV.
_QUOTE: Final = '"'
_QUOTED: Final = '""'

_ADD_FILE: Final = """
    INSERT INTO payments.bulk_files (id, merchant_id, payer_account_id, digest, lines_digest,
                                     purpose, currency, line_count, total, state, repeat_reason,
                                     submitted_by, submitted_at, message_id, message_name,
                                     batch_id)
    VALUES (:id, :merchant_id, :payer_account_id, :digest, :lines_digest, :purpose, :currency,
            :line_count, :total, :state, :repeat_reason, :submitted_by, :submitted_at, :message_id,
            :message_name, :batch_id)
    ON CONFLICT DO NOTHING
    RETURNING id
"""
_FIND_REPEATED: Final = """
    SELECT id FROM payments.bulk_files
     WHERE merchant_id = :merchant_id AND digest = :digest AND state NOT IN ('invalid', 'rejected')
     ORDER BY id LIMIT 1
"""
_FILES: Final = """
    SELECT id, merchant_id, payer_account_id, digest, lines_digest, purpose, currency, line_count,
           total, state, submitted_by, submitted_at, decided_by, decided_at, pay_id, next_number,
           paid_count, paid, failed_count, failed, stop_reason, done_at, message_id, message_name,
           batch_id
      FROM payments.bulk_files
"""
_LIST_FILES: Final = f"""
    {_FILES}
     WHERE merchant_id = :merchant_id AND (CAST(:before AS uuid) IS NULL OR id < :before)
     ORDER BY id DESC LIMIT :count
"""
_SUBMITTED_NTH: Final = """
    SELECT submitted_at FROM payments.bulk_files WHERE merchant_id = :merchant_id
     ORDER BY id DESC OFFSET :before LIMIT 1
"""
_TAKE_NEXT: Final = f"""
    {_FILES} WHERE state IN ('approved', 'paying')
     ORDER BY decided_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_FIND_PAYING: Final = f"{_FILES} WHERE state = 'paying' ORDER BY decided_at LIMIT 1"
_IS_ANY_WAITING: Final = """
    SELECT EXISTS (SELECT FROM payments.bulk_files WHERE state IN ('approved', 'paying'))
"""
# A line that did not fail is paid once its file's place is past it (decision 0054).
_LINES: Final = """
    SELECT l.number, l.reference, l.account_id, l.amount, l.note,
           CASE WHEN l.state = 0 AND l.number < f.next_number THEN 1 ELSE l.state END, l.reason
      FROM payments.bulk_lines l JOIN payments.bulk_files f ON f.id = l.file_id
     WHERE l.file_id = $1 AND l.number >= $2 ORDER BY l.number LIMIT $3
"""
_DUE: Final = """
    SELECT number, account_id, amount FROM payments.bulk_lines
     WHERE file_id = $1 AND number >= $2 ORDER BY number LIMIT $3
"""
_LARGEST: Final = """
    SELECT number, account_id, amount FROM payments.bulk_lines
     WHERE file_id = $1 ORDER BY amount DESC, number LIMIT 1
"""
_CONTENT: Final = """
    SELECT number, reference, account_id, amount FROM payments.bulk_lines
     WHERE file_id = $1 ORDER BY number
"""
_FAILED: Final = """
    SELECT number, reference, account_id, amount, note, state, reason FROM payments.bulk_lines
     WHERE file_id = $1 AND number >= $2 AND state = 2 ORDER BY number LIMIT $3
"""
_PROBLEMS: Final = """
    SELECT position, number, code, field FROM payments.bulk_problems
     WHERE file_id = :file_id AND position > :after ORDER BY position LIMIT :count
"""
_FAIL_LINES: Final = """
    UPDATE payments.bulk_lines l SET state = 2, reason = n.reason
      FROM unnest($2::int[], $3::text[]) n(number, reason)
     WHERE l.file_id = $1 AND l.number = n.number
"""
_DECIDE: Final = """
    UPDATE payments.bulk_files
       SET state = :state, decided_by = :decided_by, pay_id = :pay_id,
           decided_at = greatest(:now, submitted_at)
     WHERE id = :id
"""
_STEP: Final = """
    UPDATE payments.bulk_files
       SET next_number = :next_number, paid_count = paid_count + :paid_count, paid = paid + :paid,
           failed_count = failed_count + :failed_count, failed = failed + :failed
     WHERE id = :id AND next_number = :first
    RETURNING id
"""
_SET_STATE: Final = """
    UPDATE payments.bulk_files SET state = :state, stop_reason = :reason, done_at = :done_at
     WHERE id = :id
"""


async def add_file(uow: UnitOfWork, file: BulkFile, repeat_reason: str | None) -> bool:
    """Add a file; False if the same bytes stand already, and this is not said to be a repeat."""
    rows = await uow.execute(
        _ADD_FILE,
        id=file.id,
        merchant_id=file.merchant_id,
        payer_account_id=file.payer_account_id,
        digest=file.digest,
        lines_digest=file.lines_digest,
        purpose=file.purpose.value,
        currency=file.total.currency,
        line_count=file.line_count,
        total=file.total.minor,
        state=file.state.value,
        repeat_reason=repeat_reason,
        submitted_by=file.submitted_by,
        submitted_at=file.submitted_at,
        message_id=file.message_id,
        message_name=file.message_name,
        batch_id=file.batch_id,
    )
    return bool(rows)


async def add_lines(uow: UnitOfWork, file_id: uuid.UUID, lines: Sequence[Line]) -> None:
    """Add the lines of a file, all at once."""
    # As text: a hundred thousand identifiers one by one take the driver as long as all the rest.
    # Whatever is in quotes is text, though it be empty.
    name = file_id.hex
    text = "".join(
        [
            f"{name},{each.number},{each.account_id},{each.amount},"
            f'"{each.reference.replace(_QUOTE, _QUOTED)}","{each.note.replace(_QUOTE, _QUOTED)}"\n'
            for each in lines
        ]
    )
    await (await uow.driver()).copy_to_table(
        "bulk_lines",
        schema_name="payments",
        columns=["file_id", "number", "account_id", "amount", "reference", "note"],
        source=io.BytesIO(text.encode()),
        format="csv",
    )


async def add_problems(uow: UnitOfWork, file_id: uuid.UUID, problems: Sequence[Problem]) -> None:
    """Add what is wrong with a file, in order."""
    await (await uow.driver()).copy_records_to_table(
        "bulk_problems",
        schema_name="payments",
        columns=["file_id", "position", "number", "code", "field"],
        records=[
            (file_id, position, each.number, each.code.value, each.field)
            for position, each in enumerate(problems, 1)
        ],
    )


async def find_repeated(uow: UnitOfWork, merchant_id: uuid.UUID, digest: bytes) -> uuid.UUID | None:
    """Return the first file of a business with these bytes that is or may be paid."""
    found: uuid.UUID | None = await uow.fetch_value(
        _FIND_REPEATED, merchant_id=merchant_id, digest=digest
    )
    return found


async def find_file(
    uow: UnitOfWork, file_id: uuid.UUID, *, is_locked: bool = False
) -> BulkFile | None:
    """Return a file, locked if it is to be changed."""
    locking = "FOR UPDATE" if is_locked else ""
    row = await uow.fetch_one(f"{_FILES} WHERE id = :id {locking}", id=file_id)
    return None if row is None else _file(row)


async def list_files(
    uow: UnitOfWork, merchant_id: uuid.UUID, before: uuid.UUID | None, count: int
) -> list[BulkFile]:
    """Return files of a business, newest first, older than `before`."""
    rows = await uow.execute(_LIST_FILES, merchant_id=merchant_id, before=before, count=count)
    return [_file(row) for row in rows]


async def find_submitted_nth(uow: UnitOfWork, merchant_id: uuid.UUID, nth: int) -> datetime | None:
    """Return when the nth newest file of a business was submitted, or None if it has fewer."""
    found: datetime | None = await uow.fetch_value(
        _SUBMITTED_NTH, merchant_id=merchant_id, before=nth - 1
    )
    return found


async def take_next(uow: UnitOfWork) -> BulkFile | None:
    """Lock and return the file that has waited longest to be paid and that no other worker has."""
    row = await uow.fetch_one(_TAKE_NEXT)
    return None if row is None else _file(row)


async def find_paying(uow: UnitOfWork) -> BulkFile | None:
    """Return the file that has been paid for the longest time, or None."""
    row = await uow.fetch_one(_FIND_PAYING)
    return None if row is None else _file(row)


async def is_any_waiting(uow: UnitOfWork) -> bool:
    """Whether any file is approved, or being paid."""
    return bool(await uow.fetch_value(_IS_ANY_WAITING))


async def list_lines(
    uow: UnitOfWork, file: BulkFile, first: int, count: int, *, only_failed: bool = False
) -> list[FileLine]:
    """Return lines in order, from the number `first` on."""
    connection = await uow.driver()
    rows = await connection.fetch(_FAILED if only_failed else _LINES, file.id, first, count)
    currency = file.total.currency
    return [
        FileLine(
            number=number,
            reference=reference,
            account_id=account_id,
            amount=Money(amount, currency),
            note=note,
            state=_LINE_STATES[state],
            reason=reason,
        )
        for number, reference, account_id, amount, note, state, reason in rows
    ]


async def list_due(uow: UnitOfWork, file: BulkFile, first: int, count: int) -> list[DueLine]:
    """Return what is to be paid by lines in order, from the number `first` on."""
    rows = await (await uow.driver()).fetch(_DUE, file.id, first, count)
    return list(starmap(DueLine, rows))


async def get_largest(uow: UnitOfWork, file: BulkFile) -> DueLine:
    """Return the line of a sound file that pays the most, the first one of several."""
    return DueLine(*await (await uow.driver()).fetchrow(_LARGEST, file.id))


async def list_problems(
    uow: UnitOfWork, file_id: uuid.UUID, after: int, count: int
) -> list[tuple[int, Problem]]:
    """Return problems with their positions, from after the position `after`."""
    rows = await uow.execute(_PROBLEMS, file_id=file_id, after=after, count=count)
    return [
        (row.position, Problem(row.number, _PROBLEM_CODES[row.code], row.field)) for row in rows
    ]


async def decide_file(
    uow: UnitOfWork,
    file: BulkFile,
    state: FileState,
    *,
    decided_by: uuid.UUID,
    pay_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """Write down who approved or rejected a file."""
    await uow.execute(
        _DECIDE, id=file.id, state=state.value, decided_by=decided_by, pay_id=pay_id, now=now
    )


async def end_lines(
    uow: UnitOfWork, file: BulkFile, lines: Sequence[DueLine], reasons: Sequence[str | None]
) -> None:
    """Write down what became of a batch of lines, and count it: a reason is why one failed.

    The lines of a step stand in a row. Only those that failed are written; the others are paid by
    the file's place being past them.
    """
    failed = [line for line, reason in zip(lines, reasons, strict=True) if reason is not None]
    failed_sum = sum(line.amount for line in failed)
    if failed:
        numbers = [line.number for line in failed]
        why = [reason for reason in reasons if reason is not None]
        done = await (await uow.driver()).execute(_FAIL_LINES, file.id, numbers, why)
        assert done.split()[-1] == str(len(failed)), "a line that is paid is there"
    first, last = lines[0].number, lines[-1].number
    moved = await uow.execute(
        _STEP,
        id=file.id,
        first=first,
        next_number=last + 1,
        paid_count=len(lines) - len(failed),
        paid=sum(line.amount for line in lines) - failed_sum,
        failed_count=len(failed),
        failed=failed_sum,
    )
    assert moved, "a line is decided once"


async def set_state(
    uow: UnitOfWork,
    file: BulkFile,
    state: FileState,
    *,
    reason: str | None = None,
    done_at: datetime | None = None,
) -> None:
    """Take a file one state forward."""
    await uow.execute(_SET_STATE, id=file.id, state=state.value, reason=reason, done_at=done_at)


async def read_content(uow: UnitOfWork, file_id: uuid.UUID) -> tuple[bytes, int, int]:
    """Return the digest of a file's lines as they are stored, their number and their sum."""
    rows = await (await uow.driver()).fetch(_CONTENT, file_id)
    return _digest(rows), len(rows), sum(row[3] for row in rows)


def digest_lines(lines: Sequence[Line]) -> bytes:
    """Return the SHA-256 of what of the lines decides about money."""
    return _digest((line.number, line.reference, line.account_id, line.amount) for line in lines)


def _digest(rows: Iterable[Iterable[Any]]) -> bytes:
    text = "".join(
        [
            f"{number},{reference},{account_id},{amount}\n"
            for number, reference, account_id, amount in rows
        ]
    )
    return hashlib.sha256(text.encode()).digest()


def _file(row: Row[Any]) -> BulkFile:
    return BulkFile(
        id=row.id,
        merchant_id=row.merchant_id,
        payer_account_id=row.payer_account_id,
        digest=bytes(row.digest),
        lines_digest=bytes(row.lines_digest),
        purpose=Purpose(row.purpose),
        line_count=row.line_count,
        total=Money(row.total, row.currency),
        state=FileState(row.state),
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        pay_id=row.pay_id,
        paid_count=row.paid_count,
        paid=Money(row.paid, row.currency),
        failed_count=row.failed_count,
        failed=Money(row.failed, row.currency),
        stop_reason=row.stop_reason,
        done_at=row.done_at,
        message_id=row.message_id,
        message_name=row.message_name,
        batch_id=row.batch_id,
    )
