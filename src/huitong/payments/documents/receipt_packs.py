"""A day's receipts of an account in one ZIP, made part by part."""

import asyncio
import zipfile
from collections.abc import AsyncIterator
from datetime import date
from typing import IO, Final, cast

from huitong import ledger
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.ledger import Account, Period, StatementLine
from huitong.payments.documents import limits
from huitong.payments.documents.errors import NoReceiptsLeft
from huitong.payments.documents.receipt_keys import ReceiptKeys
from huitong.payments.documents.receipt_paper import draw_receipt
from huitong.payments.documents.receipts import make_receipt
from huitong.payments.documents.types import Receipt
from huitong.privacy import Vault

# The same receipts are the same bytes: a ZIP would have the time of its making otherwise.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


async def list_day(
    uow: UnitOfWork, account: Account, day: date, part: int
) -> tuple[StatementLine, ...]:
    """Return the lines that a part of a day's receipts is for, in order; parts count from 1.

    Raises NoReceiptsLeft, and InvalidField for a part that is not positive.
    """
    if part < 1:
        raise InvalidField("parts count from 1", field="part")
    span = await ledger.find_span(uow, account.id, Period.of_days(day, day))
    first = span.first + (part - 1) * limits.RECEIPTS_PER_PART_MAX
    last = min(span.last, first + limits.RECEIPTS_PER_PART_MAX - 1)
    if account.owner_id is None or last < first:
        raise NoReceiptsLeft(f"no receipts of {day} are in part {part}")
    return await ledger.list_lines(uow, account.id, first=first, last=last)


async def pack_receipts(
    database: Database,
    caller: Caller,
    vault: Vault,
    keys: ReceiptKeys,
    *,
    account: Account,
    lines: tuple[StatementLine, ...],
) -> AsyncIterator[bytes]:
    """Yield a ZIP of the receipts of lines, a piece at a time; no more than a few are in memory."""
    target = _Target()
    archive = zipfile.ZipFile(cast("IO[bytes]", target), "w", zipfile.ZIP_STORED)
    for start in range(0, len(lines), limits.RECEIPTS_AT_ONCE_MAX):
        some = lines[start : start + limits.RECEIPTS_AT_ONCE_MAX]

        async def make(uow: UnitOfWork, some: tuple[StatementLine, ...] = some) -> list[Receipt]:
            return [
                await make_receipt(uow, vault, keys, account=account, transfer_id=line.transfer_id)
                for line in some
            ]

        for receipt in await database.run(make, caller):
            paper = await asyncio.to_thread(draw_receipt, keys, receipt)
            entry = zipfile.ZipInfo(f"{receipt.facts.number}.pdf", date_time=_EPOCH)
            archive.writestr(entry, paper)
            yield target.take()
    archive.close()
    yield target.take()


class _Target:
    """A file that only grows, and whose bytes are taken away as they come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._place = 0

    def write(self, content: bytes) -> int:
        """Take bytes."""
        self._parts.append(bytes(content))
        self._place += len(content)
        return len(content)

    def tell(self) -> int:
        """Return how many bytes came so far."""
        return self._place

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def close(self) -> None:
        """Do nothing: what was written is taken all the same."""

    def take(self) -> bytes:
        """Return what came since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
