"""Files of payments as they travel."""

from typing import Annotated, Final

from fastapi import Path
from pydantic import Field

from huitong import identity, ledger, payments
from huitong.api.schemas.common import (
    AccountId,
    Body,
    CustomerId,
    Instant,
    MerchantId,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.kernel import ids
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import show_id

#: The act of approving a file, for which its approver proves one more factor.
APPROVE: Final = "payments.approve_file"
_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
Sha256 = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="The SHA-256 of the file's bytes.",
        examples=[_DIGEST],
    ),
]
FilePath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.BULK_FILE),
        description="The file's id.",
        examples=[example_id(ids.BULK_FILE)],
    ),
]


class PartView(View):
    """How many lines, and their sum."""

    lines: int
    amount: MoneyView


class BulkFileView(View):
    """A file of payments, and how far it is."""

    id: str = Field(pattern=id_pattern(ids.BULK_FILE), examples=[example_id(ids.BULK_FILE)])
    merchant: MerchantId
    payer: AccountId
    sha256: Sha256
    purpose: payments.bulk.Purpose
    lines: int
    total: MoneyView
    state: payments.bulk.FileState
    submitted_by: CustomerId
    submitted_at: Instant
    decided_by: CustomerId | None
    decided_at: Instant | None
    paid: PartView
    failed: PartView = Field(description="Lines that could not be paid; their money is given back.")
    stop_reason: str | None
    done_at: Instant | None


class ProblemView(View):
    """One thing that is wrong with one line; line 0 is the head."""

    line: int
    field: str
    code: str
    zh: str
    en: str


class FailedLineView(View):
    """A line that was not paid, and why."""

    line: int
    reference: str
    account: AccountId
    amount: MoneyView
    reason: str | None


class DecideOnFile(Body):
    """What was seen and is decided about: the digest of its bytes."""

    sha256: Sha256


class ApproveFile(DecideOnFile):
    """An approval, with the proof that is good for exactly this file."""

    step_up: str | None = Field(
        default=None,
        pattern=id_pattern(ids.STEP_UP),
        description=f"A proved step-up for the act `{APPROVE}` with the file's total, its payer, "
        "and its SHA-256 as the payee.",
        examples=[example_id(ids.STEP_UP)],
    )


def read_digest(body: DecideOnFile) -> bytes:
    """Return the digest's bytes."""
    return bytes.fromhex(body.sha256)


def make_act(file: payments.bulk.BulkFile) -> identity.Act:
    """Return what an approver proves a factor for: this content, this sum, this payer."""
    return identity.Act(
        kind=APPROVE,
        amount=file.total,
        payer=ledger.show_account(file.payer_account_id),
        payee=file.digest.hex(),
    )


def read_charset(named: str | None) -> payments.bulk.Charset:
    """Return the charset that a Content-Type declares, UTF-8 if none; raises InvalidField."""
    if named is None:
        return payments.bulk.Charset.UTF_8
    try:
        return payments.bulk.Charset(named.lower())
    except ValueError:
        raise InvalidField("charset must be utf-8 or gb18030", field="Content-Type") from None


def show_file(file: payments.bulk.BulkFile) -> BulkFileView:
    """Return a file as a view."""
    decided_by = file.decided_by
    return BulkFileView(
        id=show_id(ids.BULK_FILE, file.id),
        merchant=show_id(ids.MERCHANT, file.merchant_id),
        payer=ledger.show_account(file.payer_account_id),
        sha256=file.digest.hex(),
        purpose=file.purpose,
        lines=file.line_count,
        total=show_money(file.total),
        state=file.state,
        submitted_by=show_id(ids.CUSTOMER, file.submitted_by),
        submitted_at=file.submitted_at,
        decided_by=None if decided_by is None else show_id(ids.CUSTOMER, decided_by),
        decided_at=file.decided_at,
        paid=PartView(lines=file.paid_count, amount=show_money(file.paid)),
        failed=PartView(lines=file.failed_count, amount=show_money(file.failed)),
        stop_reason=file.stop_reason,
        done_at=file.done_at,
    )


def show_problem(problem: payments.bulk.Problem) -> ProblemView:
    """Return what is wrong with a line as a view."""
    code = problem.code
    return ProblemView(
        line=problem.number, field=problem.field, code=code.value, zh=code.zh, en=code.en
    )


def show_failed(line: payments.bulk.FileLine) -> FailedLineView:
    """Return a line that failed as a view."""
    return FailedLineView(
        line=line.number,
        reference=line.reference,
        account=ledger.show_account(line.account_id),
        amount=show_money(line.amount),
        reason=line.reason,
    )
