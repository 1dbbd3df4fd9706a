"""Submitting a file, and the decision of a second person about it."""

import asyncio
import unicodedata
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from huitong import customers, ledger
from huitong.kernel import audit, limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import BULK_FILE, CUSTOMER, MERCHANT, show_id
from huitong.kernel.money import Money
from huitong.ledger import AccountState
from huitong.payments.bulk import store
from huitong.payments.bulk.checking import check_lines
from huitong.payments.bulk.errors import (
    BulkFileChanged,
    BulkFileNotFound,
    BulkFileNotWaiting,
    BulkFileRepeated,
    BulkNotAllowed,
)
from huitong.payments.bulk.postings import find_transit_account, hold_funds
from huitong.payments.bulk.reading import Reader, identify
from huitong.payments.bulk.types import (
    BulkFile,
    BusinessUser,
    FileState,
    Line,
    Problem,
    ProblemCode,
    Role,
)
from huitong.payments.commands.moving import check_text, make_transfer_id
from huitong.payments.errors import make_refusal
from huitong.privacy import Vault

_CANNOT_RECEIVE: Final = {
    AccountState.FROZEN: ProblemCode.ACCOUNT_FROZEN,
    AccountState.CLOSED: ProblemCode.ACCOUNT_CLOSED,
}


async def name_business_user(uow: UnitOfWork, user: BusinessUser, *, now: datetime) -> None:
    """Let a customer act for a business in a role, up to an amount for each file.

    Naming again changes the limit. Raises NotFound, CustomerIsClosed, and InvalidField for an
    amount that is not positive or not in the business's currency.
    """
    merchant = await customers.get_merchant(uow, user.merchant_id)
    await customers.get_open_customer(uow, user.customer_id)
    if not user.amount_max.is_positive or user.amount_max.currency != merchant.currency:
        raise InvalidField(
            f"amount_max must be above zero, in {merchant.currency}", field="amount_max"
        )
    await store.name_user(uow, user, now)
    await _record(uow, "name_business_user", user.merchant_id, user.customer_id, user.role)


async def end_business_user(
    uow: UnitOfWork,
    *,
    merchant_id: uuid.UUID,
    customer_id: uuid.UUID,
    role: Role,
    now: datetime,
) -> None:
    """Take a role from a user; who has none changes nothing."""
    if await store.end_user(uow, merchant_id, customer_id, role, now):
        await _record(uow, "end_business_user", merchant_id, customer_id, role)


async def check_submitter(
    uow: UnitOfWork, *, merchant_id: uuid.UUID, customer_id: uuid.UUID
) -> None:
    """Refuse who may not submit files of a business; raises BulkNotAllowed."""
    if not await store.has_role(uow, merchant_id, customer_id, Role.SUBMITTER):
        raise _no_role(Role.SUBMITTER)


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
    digest = identify(content)
    repeat_reason = check_text(repeat_reason, limits.BULK_REASON_LENGTH_MAX, field="repeat_reason")
    user = await _get_user(uow, merchant_id, submitted_by, Role.SUBMITTER)
    merchant = await customers.get_merchant(uow, merchant_id)
    await _refuse_repeated(uow, merchant_id, digest, repeat_reason)
    # Beside the loop, on which others wait: a large file takes more than a second.
    checked = await asyncio.to_thread(lambda: check_lines(*reader.read(content)))
    head = checked.head
    if head.currency != merchant.currency:
        checked.problems.append(Problem(0, ProblemCode.CURRENCY_WRONG, "currency"))
    _check_amount(user, head.total)
    checked.problems += await _check_payees(uow, vault, merchant.account_id, checked.lines)
    checked.problems.sort(key=lambda each: each.number)
    is_valid = not checked.problems
    file = BulkFile(
        id=file_id,
        merchant_id=merchant_id,
        payer_account_id=merchant.account_id,
        digest=digest,
        lines_digest=store.digest_lines(checked.lines),
        purpose=head.purpose,
        line_count=head.line_count,
        total=head.total,
        state=FileState.SUBMITTED if is_valid else FileState.INVALID,
        submitted_by=submitted_by,
        submitted_at=now,
        paid=Money.zero(head.currency),
        failed=Money.zero(head.currency),
    )
    if not await store.add_file(uow, file, repeat_reason):
        # Somebody submitted the same bytes at the same moment, and has committed.
        await _refuse_repeated(uow, merchant_id, digest, None)
        raise BulkFileRepeated("there is a file with this id already", field="id")
    if is_valid:
        await store.add_lines(uow, file_id, checked.lines)
    else:
        await store.add_problems(uow, file_id, checked.problems)
    await audit.record(
        uow,
        action="payments.submit_bulk_file",
        subject=show_id(BULK_FILE, file_id),
        details={"sha256": digest.hex(), "state": file.state.value, "lines": file.line_count},
    )
    return file


async def approve_bulk_file(
    uow: UnitOfWork,
    *,
    file_id: uuid.UUID,
    approved_by: uuid.UUID,
    digest: bytes,
    now: datetime,
) -> BulkFile:
    """Approve a file with exactly these bytes, and reserve the money of all its lines.

    Raises BulkFileNotFound, BulkNotAllowed for whoever submitted it or has too low a limit,
    BulkFileNotWaiting, BulkFileChanged, and what the ledger refuses, such as InsufficientFunds.
    """
    file = await _get_waiting(uow, file_id, approved_by, digest)
    pay_id = make_transfer_id(now)
    transit = await find_transit_account(uow, file.total.currency)
    hold = hold_funds(file, pay_id, transit, business_day(now))
    (outcome,) = await ledger.post_entries(uow, [hold], now=now)
    if not outcome.is_posted:
        raise make_refusal(outcome)
    await store.decide_file(
        uow, file, FileState.APPROVED, decided_by=approved_by, pay_id=pay_id, now=now
    )
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
    if file is None or not await store.is_user(uow, file.merchant_id, approver_id):
        raise _not_found(file_id)
    user = await _get_user(uow, file.merchant_id, approver_id, Role.APPROVER)
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


async def _get_user(
    uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID, role: Role
) -> BusinessUser:
    user = await store.find_user(uow, merchant_id, customer_id, role)
    if user is None:
        raise _no_role(role)
    return user


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
    parties = await customers.find_parties(await uow.driver(), account_ids)
    states = await ledger.find_states(uow, account_ids)
    names = await customers.find_holder_names(uow, vault, account_ids)
    problems = []
    for line in lines:
        state = states.get(line.account_id)
        if state is None or line.account_id not in parties:
            problems.append(Problem(line.number, ProblemCode.ACCOUNT_UNKNOWN, "account"))
            continue
        if not _is_same(names.get(line.account_id, ""), line.name):
            problems.append(Problem(line.number, ProblemCode.NAME_DIFFERS, "name"))
            continue
        if line.account_id == payer_account_id:
            problems.append(Problem(line.number, ProblemCode.ACCOUNT_OWN, "account"))
        code = _CANNOT_RECEIVE.get(state)
        if code is not None:
            problems.append(Problem(line.number, code, "account"))
    return problems


def _is_same(held: str, given: str) -> bool:
    return held == given or _fold(held) == _fold(given)


def _fold(name: str) -> str:
    """Return what of a name is compared: wide letters, case and spaces do not matter."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _no_role(role: Role) -> BulkNotAllowed:
    return BulkNotAllowed(f"this person is no {role.value} of the business")


def _not_found(file_id: uuid.UUID) -> BulkFileNotFound:
    return BulkFileNotFound(f"there is no file {show_id(BULK_FILE, file_id)}")


async def _record(
    uow: UnitOfWork, verb: str, merchant_id: uuid.UUID, customer_id: uuid.UUID, role: Role
) -> None:
    details = {"customer": show_id(CUSTOMER, customer_id), "role": role.value}
    await audit.record(
        uow, action=f"payments.{verb}", subject=show_id(MERCHANT, merchant_id), details=details
    )


async def _record_decision(
    uow: UnitOfWork, verb: str, file: BulkFile, decided_by: uuid.UUID
) -> None:
    details = {"by": show_id(CUSTOMER, decided_by), "sha256": file.digest.hex()}
    await audit.record(
        uow, action=f"payments.{verb}", subject=show_id(BULK_FILE, file.id), details=details
    )
