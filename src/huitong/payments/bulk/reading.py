"""From the bytes of a file to its head and rows, whatever its format; nothing is believed yet."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from huitong.kernel import limits
from huitong.kernel.currencies import get_currency
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.payments.bulk.errors import BulkFileTooLarge, BulkFileUnreadable
from huitong.payments.bulk.types import Head, Purpose, RawLine

#: The first cell of every file, and the version of the format.
MARKER: Final = "huitong-bulk"
VERSION: Final = "1"
#: The second row of every file, and what each field of a line is called.
TITLES: Final = ("reference", "account", "name", "amount", "currency", "note")
_HEAD_FIELDS: Final = 6
_COUNT_SHAPE: Final = re.compile("[1-9][0-9]{0,8}")


class Reader(Protocol):
    """A format of files of payments."""

    def read(self, content: bytes) -> tuple[Head, Iterable[RawLine]]:
        """Return the head and the rows of a file, in their order.

        Raises BulkFileUnreadable, also while rows are read, and BulkFileTooLarge.
        """
        ...


def identify(content: bytes) -> bytes:
    """Return the digest that is a file's identity; raises for one that is empty or too large."""
    if not content:
        raise BulkFileUnreadable("the file is empty", field="file")
    if len(content) > limits.BULK_FILE_BYTES_MAX:
        raise BulkFileTooLarge(
            f"a file has at most {limits.BULK_FILE_BYTES_MAX} bytes", field="file"
        )
    return hashlib.sha256(content).digest()


def read_head(fields: Sequence[str]) -> Head:
    """Return the head that the first row is: marker, version, purpose, currency, count, total.

    Worked: `huitong-bulk,1,payroll,CNY,2,300.00`. Raises BulkFileUnreadable naming the part.
    """
    cells = [field.strip() for field in fields]
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) != _HEAD_FIELDS or cells[:2] != [MARKER, VERSION]:
        raise BulkFileUnreadable(
            f"the first row must be {MARKER},{VERSION},PURPOSE,CURRENCY,LINES,TOTAL", field="head"
        )
    _, _, purpose, currency, count, total = cells
    if purpose not in list(Purpose):
        raise BulkFileUnreadable(
            f"the purpose is one of {', '.join(Purpose)}", field="head.purpose"
        )
    if _COUNT_SHAPE.fullmatch(count) is None:
        raise BulkFileUnreadable("the number of lines is a whole number", field="head.lines")
    if int(count) > limits.BULK_LINES_MAX:
        raise BulkFileTooLarge(
            f"a file has at most {limits.BULK_LINES_MAX} lines", field="head.lines"
        )
    try:
        get_currency(currency)
        amount = Money.parse(total, currency, field="head.total")
    except Refusal as refusal:
        raise BulkFileUnreadable(refusal.detail, field=refusal.field or "head") from refusal
    return Head(purpose=Purpose(purpose), currency=currency, line_count=int(count), total=amount)


def check_titles(fields: Sequence[str]) -> None:
    """Raise BulkFileUnreadable unless the second row is TITLES."""
    cells = [field.strip() for field in fields]
    while cells and not cells[-1]:
        cells.pop()
    if tuple(cells) != TITLES:
        raise BulkFileUnreadable(f"the second row must be {','.join(TITLES)}", field="titles")


def check_count(number: int) -> None:
    """Raise BulkFileTooLarge for a line beyond the last that a file may have."""
    if number > limits.BULK_LINES_MAX:
        raise BulkFileTooLarge(f"a file has at most {limits.BULK_LINES_MAX} lines", field="file")
