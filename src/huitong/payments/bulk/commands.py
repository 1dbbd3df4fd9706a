"""Submitting a file, and the decision of a second person about it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Final, TypeAlias

from huitong import customers, ledger
from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import BULK_FILE, CUSTOMER, show_id
from huitong.kernel.money import Money
from huitong.ledger import AccountState
from huitong.payments.bulk import store, user_store
from huitong.payments.bulk.checking import Checked, check_lines
from huitong.payments.bulk.errors import (
    BulkFileChanged,
    BulkFileNotFound,
    BulkFileNotWaiting,
    BulkFileRepeated,
    BulkNotAllowed,
)
from huitong.payments.bulk.events import (
    BulkFileApproved,
    BulkFileRejected,
    BulkFileSubmitted,
)
from huitong.payments.bulk.postings import find_transit_account, hold_funds
from huitong.payments.bulk.reading import Reader, identify
from huitong.payments.bulk.types import (
    BulkFile,
    BusinessUser,
    DueLine,
    FileState,
    Head,
    Line,
    Problem,
    ProblemCode,
    Role,
)
from huitong.payments.bulk.users import get_user
from huitong.payments.commands.moving import check_text, make_transfer_id
from huitong.payments.errors import make_refusal
from huitong.privacy import Vault

#: What a file counts against beside the money: given the file, its largest line and the time.
CountFile: TypeAlias = Callable[
    [UnitOfWork, BulkFile, DueLine, datetime], Awaitable[Sequence[ledger.MeterUse]]
]

_CANNOT_RECEIVE: Final = {
    AccountState.FROZEN: ProblemCode.ACCOUNT_FROZEN,
    AccountState.CLOSED: ProblemCode.ACCOUNT_CLOSED,
}


async def submit_bulk_file(
    uow: UnitOfWork,
    vault: Vault,
    reader: Reader,
    *,
    file_id: uuid.UUID,
    merchant_id: uuid.UUID,
    submitted_by: uuid.UUID,
    content: bytes,
    repeat_reason: str | None = None,
    now: datetime,
) -> BulkFile:
    """Check a whole file and keep it: as SUBMITTED, or as INVALID with all that is wrong.

    `repeat_reason` says why bytes that were submitted before are meant to be paid again. Raises
    BulkNotAllowed, BulkFileUnreadable, BulkFileTooLarge, BulkFileRepeated with the first one's id,
    InvalidField.
    """
    digest = await asyncio.to_thread(identify, content)
    repeat_reason = check_text(repeat_reason, limits.BULK_REASON_LENGTH_MAX, field="repeat_reason")
    user = await get_user(uow, merchant_id, submitted_by, Role.SUBMITTER)
    merchant = await customers.get_merchant(uow, merchant_id)
    await _refuse_repeated(uow, merchant_id, digest, repeat_reason)
    # Beside the loop, on which others wait: a large file takes more than a second.
    checked = await asyncio.to_thread(lambda: check_lines(*reader.read(content)))
    head = checked.head
    checked.problems += _check_head(head, merchant, business_day(now))
    _check_amount(user, head.total)
    checked.problems += await _check_payees(uow, vault, merchant.account_id, checked.lines)
    lines_digest = await asyncio.to_thread(_order, checked)
    is_valid = not checked.problems
    file = BulkFile(
        id=file_id,
        merchant_id=merchant_id,
        payer_account_id=merchant.account_id,
        digest=digest,
        lines_digest=lines_digest,
        purpose=head.purpose,
        line_count=head.line_count,
        total=head.total,
        state=FileState.SUBMITTED if is_valid else FileState.INVALID,
        submitted_by=submitted_by,
        submitted_at=now,
        paid=Money.zero(head.currency),
        failed=Money.zero(head.currency),
        message_id=head.message_id,
        message_name=head.message_name,
        batch_id=head.batch_id,
    )
    if not await store.add_file(uow, file, repeat_reason):
        # Somebody submitted the same bytes at the same moment, and has committed.
        await _refuse_repeated(uow, merchant_id, digest, None)
        raise BulkFileRepeated("there is a file with this id already", field="id")
    if is_valid:
        await store.add_lines(uow, file_id, checked.lines)
        await outbox.append(uow, [_submitted_event(file)])
    else:
        await store.add_problems(uow, file_id, checked.problems)
    await audit.record(
        uow,
        action="payments.submit_bulk_file",
        subject=show_id(BULK_FILE, file_id),
        details={"sha256": digest.hex(), "state": file.state.value, "lines": file.line_count},
    )
    return file


def _check_head(head: Head, merchant: customers.Merchant, today: date) -> list[Problem]:
    """Return what is wrong with what a file says of itself, for this business on this day."""
    problems = []
    if head.currency != merchant.currency:
        problems.append(Problem(0, ProblemCode.CURRENCY_WRONG, "currency"))
    if head.payer is not None and head.payer != ledger.show_account(merchant.account_id):
        problems.append(Problem(0, ProblemCode.PAYER_WRONG, "payer"))
    if head.execution_on is not None and head.execution_on > today:
        problems.append(Problem(0, ProblemCode.EXECUTION_LATER, "execution"))
    return problems


async def approve_bulk_file(
    uow: UnitOfWork,
    count: CountFile,
    *,
    file_id: uuid.UUID,
    approved_by: uuid.UUID,
    digest: bytes,
    now: datetime,
) -> BulkFile:
    """Approve a file with exactly these bytes, and reserve the money of all its lines.

    `count` says what the total counts against in the same entry, `corporate.count_file`; what it
    raises passes. Raises DayLimitExceeded, TotalLimitExceeded, BulkFileNotFound, BulkNotAllowed for
    whoever submitted it or has too low a limit, BulkFileNotWaiting, BulkFileChanged, and what else
    the ledger refuses, such as InsufficientFunds.
    """
    file = await _get_waiting(uow, file_id, approved_by, digest)
    pay_id = make_transfer_id(now)
    transit = await find_transit_account(uow, file.total.currency)
    uses = await count(uow, file, await store.get_largest(uow, file), now)
    hold = hold_funds(file, pay_id, transit, uses, business_day(now))
    (outcome,) = await ledger.post_entries(uow, [hold], now=now)
    if not outcome.is_posted:
        raise make_refusal(outcome)
    await store.decide_file(
        uow, file, FileState.APPROVED, decided_by=approved_by, pay_id=pay_id, now=now
    )
    event = BulkFileApproved(
        file_id=file.id, merchant_id=file.merchant_id, total=file.total, approved_at=now
    )
    await outbox.append(uow, [event])
    await _record_decision(uow, "approve_bulk_file", file, approved_by)
    return await get_file(uow, file_id)


async def reject_bulk_file(
    uow: UnitOfWork,
    *,
    file_id: uuid.UUID,
    rejected_by: uuid.UUID,
    digest: bytes,
    now: datetime,
) -> BulkFile:
    """Reject a file, for ever; the same bytes may be submitted anew. Raises as approving does."""
    file = await _get_waiting(uow, file_id, rejected_by, digest)
    await store.decide_file(
        uow, file, FileState.REJECTED, decided_by=rejected_by, pay_id=None, now=now
    )
    event = BulkFileRejected(file_id=file.id, merchant_id=file.merchant_id, rejected_at=now)
    await outbox.append(uow, [event])
    await _record_decision(uow, "reject_bulk_file", file, rejected_by)
    return await get_file(uow, file_id)


async def get_file(uow: UnitOfWork, file_id: uuid.UUID) -> BulkFile:
    """Return a file; raises BulkFileNotFound."""
    file = await store.find_file(uow, file_id)
    if file is None:
        raise _not_found(file_id)
    return file


async def _get_waiting(
    uow: UnitOfWork, file_id: uuid.UUID, approver_id: uuid.UUID, digest: bytes
) -> BulkFile:
    file = await store.find_file(uow, file_id, is_locked=True)
    if file is None or not await user_store.is_user(uow, file.merchant_id, approver_id):
        raise _not_found(file_id)
    user = await get_user(uow, file.merchant_id, approver_id, Role.APPROVER)
    if approver_id == file.submitted_by:
        raise BulkNotAllowed("whoever submitted a file does not decide about it")
    _check_amount(user, file.total)
    if file.state is not FileState.SUBMITTED:
        raise BulkFileNotWaiting(
            f"the file is {file.state.value}", context={"state": file.state.value}
        )
    if digest != file.digest:
        raise BulkFileChanged("the digest is not that of the file as submitted", field="digest")
    return file


def _check_amount(user: BusinessUser, total: Money) -> None:
    # A head in another currency is a problem of the file, and such a file is never paid.
    if total.currency == user.amount_max.currency and total.minor > user.amount_max.minor:
        raise BulkNotAllowed(
            f"this {user.role.value} may do so up to {user.amount_max}", field="total"
        )


async def _refuse_repeated(
    uow: UnitOfWork, merchant_id: uuid.UUID, digest: bytes, repeat_reason: str | None
) -> None:
    first = await store.find_repeated(uow, merchant_id, digest)
    if first is not None and repeat_reason is None:
        shown = show_id(BULK_FILE, first)
        raise BulkFileRepeated(
            f"the same file was submitted as {shown}; say why if it is meant to be paid again",
            field="file",
            context={"first": shown},
        )


async def _check_payees(
    uow: UnitOfWork, vault: Vault, payer_account_id: int, lines: Sequence[Line]
) -> list[Problem]:
    """Return what is wrong with the payees' accounts and names, in a few queries for all."""
    account_ids = sorted({line.account_id for line in lines})
    states = await ledger.find_states(uow, account_ids)
    named = await customers.match_holder_names(
        uow, vault, [(line.account_id, line.name) for line in lines]
    )
    return await asyncio.to_thread(_compare_payees, payer_account_id, lines, states, named)


def _compare_payees(
    payer_account_id: int,
    lines: Sequence[Line],
    states: Mapping[int, AccountState],
    named: Sequence[bool | None],
) -> list[Problem]:
    problems = []
    for line, is_holder in zip(lines, named, strict=True):
        state = states.get(line.account_id)
        if state is None or is_holder is None:
            problems.append(Problem(line.number, ProblemCode.ACCOUNT_UNKNOWN, "account"))
            continue
        if not is_holder:
            problems.append(Problem(line.number, ProblemCode.NAME_DIFFERS, "name"))
            continue
        if line.account_id == payer_account_id:
            problems.append(Problem(line.number, ProblemCode.ACCOUNT_OWN, "account"))
        code = _CANNOT_RECEIVE.get(state)
        if code is not None:
            problems.append(Problem(line.number, code, "account"))
    return problems


def _order(checked: Checked) -> bytes:
    """Put what is wrong in the order of the lines; returns the digest of the sound ones."""
    checked.problems.sort(key=lambda each: each.number)
    return store.digest_lines(checked.lines)


def _submitted_event(file: BulkFile) -> BulkFileSubmitted:
    return BulkFileSubmitted(
        file_id=file.id,
        merchant_id=file.merchant_id,
        purpose=file.purpose,
        line_count=file.line_count,
        total=file.total,
        submitted_at=file.submitted_at,
    )


def _not_found(file_id: uuid.UUID) -> BulkFileNotFound:
    return BulkFileNotFound(f"there is no file {show_id(BULK_FILE, file_id)}")


async def _record_decision(
    uow: UnitOfWork, verb: str, file: BulkFile, decided_by: uuid.UUID
) -> None:
    details = {"by": show_id(CUSTOMER, decided_by), "sha256": file.digest.hex()}
    await audit.record(
        uow, action=f"payments.{verb}", subject=show_id(BULK_FILE, file.id), details=details
    )
