"""Rules between the fields of a record, and between a message's header and what it announces."""

from decimal import Decimal

from msgspec import Struct

from huitong.payments.iso20022.bank_codes import is_bank_code
from huitong.payments.iso20022.types import (
    Agent,
    BankTransfer,
    Batch,
    InitiationHeader,
    Instruction,
    Return,
    SettlementHeader,
    Transfer,
)


def find_problem(value: Struct) -> tuple[str, str] | None:
    """Return (path below the record, what is wrong) for a record that contradicts itself."""
    if type(value) is Agent:
        if value.clearing_system == "CNAPS" and not is_bank_code(value.member or ""):
            return (
                "FinInstnId/ClrSysMmbId/MmbId",
                "is not a CNAPS code: 12 digits, the last a check",
            )
    elif type(value) is Batch and value.instructions:
        total = sum(map(sum_of, value.instructions), Decimal(0))
        return find_batch_problem(value, len(value.instructions), total)
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
        elif isinstance(part, Instruction):
            self._count += 1
            self._numbers += sum_of(part)
        elif isinstance(part, Batch):
            # None where they follow one by one.
            for each in part.instructions:
                self.add(each)

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


def find_batch_problem(batch: Batch, count: int, total: Decimal) -> tuple[str, str] | None:
    """Return (path below the batch, what is wrong) if it says another count or sum."""
    if batch.count is not None and batch.count != count:
        return "NbOfTxs", f"says {batch.count}, but there are {count}"
    if batch.control_sum is not None and batch.control_sum != total:
        return "CtrlSum", f"says {batch.control_sum}, but it is {total}"
    return None


def sum_of(instruction: Instruction) -> Decimal:
    """Return the number that counts for control sums, whatever its currency."""
    amount = instruction.equivalent if instruction.amount is None else instruction.amount
    return Decimal(0) if amount is None else Decimal(amount.format())
