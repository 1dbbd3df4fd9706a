"""Files of payments as pain.001 of ISO 20022: one batch, of one debtor's account, in renminbi.

A wrong value of one instruction is a problem of its line, like one of a CSV file; a message that is
wrong in its structure, or hostile, is no file of payments.
"""

import io
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from huitong.kernel.clock import business_day
from huitong.kernel.currencies import exponent_of
from huitong.kernel.ids import ACCOUNT
from huitong.kernel.money import Money
from huitong.payments.bulk.checking import read_amount
from huitong.payments.bulk.errors import BulkFileUnreadable
from huitong.payments.bulk.reading import check_count
from huitong.payments.bulk.types import Head, ProblemCode, Purpose, RawLine
from huitong.payments.iso20022 import (
    INSTRUCTIONS,
    Account,
    Batch,
    Flawed,
    InitiationHeader,
    Instruction,
    InvalidMessage,
    Reader,
)

_KIND: Final = "pain.001."
_CURRENCY: Final = "CNY"
_TRANSFER: Final = "TRF"
#: Salary payment, of the list of category purposes of ISO 20022.
_SALARY: Final = "SALA"
_AMOUNT_ENDS: Final = "Amt/InstdAmt"


class Pain001Reader:
    """Reads pain.001, with no more than one instruction in memory."""

    def read(self, content: bytes) -> tuple[Head, Iterator[RawLine]]:
        """See `bulk.Reader`."""
        source = Reader(io.BytesIO(content), is_lenient=True)
        parts = _read_parts(source)
        header = batch = None
        for _, part in parts:
            if isinstance(part, InitiationHeader):
                header = part
            elif isinstance(part, Batch):
                batch = part
                break
        if not source.name.startswith(_KIND):
            raise BulkFileUnreadable(f"the message is {source.name}, not pain.001", field="file")
        assert header is not None
        assert batch is not None
        return _make_head(source.name, header, batch), _read_lines(parts)


def _read_parts(source: Reader) -> Iterator[tuple[str, Any]]:
    try:
        yield from source.read_parts()
    except InvalidMessage as refusal:
        raise BulkFileUnreadable(refusal.detail, field=refusal.field or "file") from refusal


def _make_head(name: str, header: InitiationHeader, batch: Batch) -> Head:
    if header.control_sum is None:
        raise BulkFileUnreadable("the control sum is needed", field="GrpHdr/CtrlSum")
    if batch.method != _TRANSFER:
        raise BulkFileUnreadable(f"the method must be {_TRANSFER}", field="PmtInf/PmtMtd")
    for said, true, field in (
        (batch.count, header.count, "PmtInf/NbOfTxs"),
        (batch.control_sum, header.control_sum, "PmtInf/CtrlSum"),
    ):
        if said is not None and said != true:
            raise BulkFileUnreadable("is not what the header says", field=field)
    check_count(header.count)
    kind = batch.payment_type.category if batch.payment_type is not None else None
    is_payroll = kind is not None and kind.code == _SALARY
    return Head(
        purpose=Purpose.PAYROLL if is_payroll else Purpose.SUPPLIERS,
        currency=_CURRENCY,
        line_count=header.count,
        total=Money.parse(f"{header.control_sum:f}", _CURRENCY, field="GrpHdr/CtrlSum"),
        payer=_show(batch.debtor_account),
        execution_on=_execution_day(batch),
        message_id=header.message_id,
        message_name=name,
        batch_id=batch.id,
    )


def _read_lines(parts: Iterator[tuple[str, Any]]) -> Iterator[RawLine]:
    for number, (field, part) in enumerate(parts, 1):
        if field != INSTRUCTIONS:
            raise BulkFileUnreadable("a file of payments has one batch", field="PmtInf")
        check_count(number)
        yield _read_line(number, part)


def _read_line(number: int, part: Instruction | Flawed) -> RawLine:
    instruction, amount, currency = part, "", _CURRENCY
    if isinstance(part, Flawed):
        instruction = part.instruction
        for flaw in part.flaws:
            if not flaw.path.endswith(_AMOUNT_ENDS):
                return RawLine(number, (), ProblemCode.ELEMENT_WRONG)
            # As it stood: what is wrong with an amount is said as for any other file.
            amount = flaw.text.strip()
            if not isinstance(read_amount(amount, exponent_of(_CURRENCY)), ProblemCode):
                # Nothing is wrong with the number, so it is with what it counts.
                return RawLine(number, (), ProblemCode.CURRENCY_WRONG)
    assert isinstance(instruction, Instruction)
    if instruction.amount is not None:
        amount, currency = instruction.amount.format(), instruction.amount.currency
    creditor, account = instruction.creditor, instruction.creditor_account
    notes = () if instruction.remittance is None else instruction.remittance.lines
    fields = (
        instruction.end_to_end_id,
        "" if account is None else _show(account),
        "" if creditor is None else creditor.name or "",
        amount,
        currency,
        " ".join(notes),
    )
    return RawLine(number, fields)


def _show(account: Account) -> str:
    """Return an account's number as it is shown here; a file may leave the prefix out."""
    number = account.iban or (account.other.id if account.other is not None else "")
    return f"{ACCOUNT}_{number}" if number.isdigit() else number


def _execution_day(batch: Batch) -> date | None:
    if batch.execution_time is not None:
        return business_day(batch.execution_time)
    return batch.execution_date
