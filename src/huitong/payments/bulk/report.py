"""What became of a file of payments as pain.002 of ISO 20022, line by line."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.ids import BULK_FILE, show_id
from huitong.payments.bulk import store
from huitong.payments.bulk.types import BulkFile, FileLine, FileState, LineState, Problem
from huitong.payments.iso20022 import (
    BatchStatus,
    GroupStatus,
    InitiationReport,
    InstructionStatus,
    PieceWriter,
    Reason,
    ReportHeader,
)

_NO_BATCH: Final = "NOTPROVIDED"
_OWN_FORMAT: Final = "huitong-bulk"
_TEXT_MAX: Final = 105
_REJECTED, _PENDING = "RJCT", "PDNG"
_IN_PROCESS, _SETTLED, _PARTLY = "ACSP", "ACSC", "PART"
_STATUSES: Final = {
    FileState.INVALID: _REJECTED,
    FileState.SUBMITTED: _PENDING,
    FileState.REJECTED: _REJECTED,
    FileState.APPROVED: "ACCP",
    FileState.PAYING: _IN_PROCESS,
    FileState.STOPPED: _REJECTED,
}


async def write_report(
    database: Database, caller: Caller, file: BulkFile, *, now: datetime
) -> AsyncIterator[bytes]:
    """Yield a status report: of an invalid file what is wrong, of others what became of each line.

    Lines come in pieces, each read for itself: no connection is kept while somebody downloads.
    """
    writer = PieceWriter(_make_report(file, now), "batches", "instructions")
    yield writer.begin()
    after, count = 0, limits.BULK_BATCH_LINES_MAX
    while True:
        async with database.reading(caller) as uow:
            if file.state is FileState.INVALID:
                problems = await store.list_problems(uow, file.id, after, count)
                last = problems[-1][0] if len(problems) == count else None
                pieces = [_refuse(problem) for _, problem in problems]
            else:
                lines = await store.list_lines(uow, file, after + 1, count)
                last = lines[-1].number if len(lines) == count else None
                pieces = _tell(file, lines)
        yield writer.write(pieces)
        if last is None:
            break
        after = last
    yield writer.end()


def _make_report(file: BulkFile, now: datetime) -> InitiationReport:
    status = _find_status(file)
    group = GroupStatus(
        message_id=file.message_id or file.id.hex,
        message_name=file.message_name or _OWN_FORMAT,
        count=file.line_count,
        control_sum=file.total.to_decimal(),
        status=status,
        reasons=() if file.stop_reason is None else (Reason(proprietary=file.stop_reason),),
    )
    return InitiationReport(
        ReportHeader(message_id=show_id(BULK_FILE, file.id)[:35], created=now),
        group,
        (BatchStatus(id=file.batch_id or _NO_BATCH, status=status),),
    )


def _find_status(file: BulkFile) -> str:
    if file.state is not FileState.DONE:
        return _STATUSES[file.state]
    if not file.failed_count:
        return _SETTLED
    return _PARTLY if file.paid_count else _REJECTED


def _tell(file: BulkFile, lines: Sequence[FileLine]) -> list[InstructionStatus]:
    is_over = file.state in (FileState.REJECTED, FileState.STOPPED)
    waiting = _REJECTED if is_over else _STATUSES.get(file.state, _IN_PROCESS)
    statuses = {
        LineState.WAITING: waiting,
        LineState.PAID: _SETTLED,
        LineState.FAILED: _REJECTED,
    }
    return [
        InstructionStatus(
            status_id=str(line.number),
            end_to_end_id=line.reference,
            status=statuses[line.state],
            reasons=() if line.reason is None else (Reason(proprietary=line.reason),),
        )
        for line in lines
    ]


def _refuse(problem: Problem) -> InstructionStatus:
    texts = (f"{problem.field}: {problem.code.zh}"[:_TEXT_MAX], problem.code.en[:_TEXT_MAX])
    return InstructionStatus(
        status_id=str(problem.number),
        status=_REJECTED,
        reasons=(Reason(proprietary=problem.code.value, texts=texts),),
    )
