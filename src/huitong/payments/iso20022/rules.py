"""Rules between the fields of a record, and between a message's header and what it announces."""

from decimal import Decimal

from msgspec import Struct

from huitong.payments.iso20022.types import (
    Agent,
    BankTransfer,
    Batch,
    InitiationHeader,
    Return,
    SettlementHeader,
    Transfer,
)

_BODY_LENGTH = 11


def find_problem(value: Struct) -> tuple[str, str] | None:
    """Return (path below the record, what is wrong) for a record that contradicts itself."""
    if type(value) is Agent:
        if value.clearing_system == "CNAPS" and not _is_bank_code(value.member or ""):
            return (
                "FinInstnId/ClrSysMmbId/MmbId",
                "is not a CNAPS code: 12 digits, the last a check",
            )
    elif type(value) is Batch:
        return _find_batch_problem(value)
    return None


class Totals:
    """Counts and sums the parts of a message and compares them with its header."""

    def __init__(self) -> None:
        self._header: SettlementHeader | InitiationHeader | None = None
        self._count = 0
        self._numbers = Decimal(0)
        self._minor = 0
        self._currencies: set[str] = set()

    def add(self, part: Struct) -> None:
        """Take the next part; what has no header with a count is not counted."""
        if isinstance(part, SettlementHeader | InitiationHeader):
            self._header = part
        elif isinstance(part, Transfer | BankTransfer | Return):
            self._count += 1
            self._numbers += Decimal(part.amount.format())
            self._minor += part.amount.minor
            self._currencies.add(part.amount.currency)
        elif isinstance(part, Batch):
            self._count += len(part.instructions)
            self._numbers += _sum_of(part)

    def find_problem(self) -> tuple[str, str] | None:
        """Return (path below the root, what is wrong) if the header says something else."""
        header = self._header
        # A return of a whole group names the group and lists no transaction.
        if header is None or (self._count == 0 and isinstance(header, SettlementHeader)):
            return None
        if header.count != self._count:
            return "GrpHdr/NbOfTxs", f"says {header.count}, but there are {self._count}"
        if header.control_sum is not None and header.control_sum != self._numbers:
            return "GrpHdr/CtrlSum", f"says {header.control_sum}, but it is {self._numbers}"
        total = header.total if isinstance(header, SettlementHeader) else None
        if total is not None and (
            self._currencies != {total.currency} or total.minor != self._minor
        ):
            return "GrpHdr/TtlIntrBkSttlmAmt", "is not the sum of the amounts"
        return None


def _find_batch_problem(batch: Batch) -> tuple[str, str] | None:
    there = len(batch.instructions)
    if batch.count is not None and batch.count != there:
        return "NbOfTxs", f"says {batch.count}, but there are {there}"
    if batch.control_sum is not None and batch.control_sum != _sum_of(batch):
        return "CtrlSum", f"says {batch.control_sum}, but it is {_sum_of(batch)}"
    return None


def _sum_of(batch: Batch) -> Decimal:
    amounts = (
        each.equivalent if each.amount is None else each.amount for each in batch.instructions
    )
    return sum((Decimal(each.format()) for each in amounts if each is not None), Decimal(0))


def _is_bank_code(text: str) -> bool:
    """Tell whether `text` has 12 digits, the last being ISO 7064 MOD 11,10 of the others."""
    if len(text) != _BODY_LENGTH + 1 or not text.isascii() or not text.isdigit():
        return False
    product = 10
    for digit in text[:_BODY_LENGTH]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (product + int(text[_BODY_LENGTH])) % 10 == 1
