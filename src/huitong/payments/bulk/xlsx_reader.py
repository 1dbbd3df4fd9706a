"""Files of payments as Excel workbooks (ECMA-376): the first sheet, streamed row by row.

A workbook is a ZIP archive of XML. What it unpacks to is looked at before anything is unpacked.
"""

import io
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError

from huitong.kernel import limits
from huitong.payments.bulk.errors import BulkFileTooLarge, BulkFileUnreadable
from huitong.payments.bulk.reading import TITLES, check_count, check_titles, read_head
from huitong.payments.bulk.types import Head, ProblemCode, RawLine

#: What every ZIP archive begins with.
SIGNATURE: Final = b"PK\x03\x04"
# One column more than a line has, so that a cell too many is seen.
_COLUMNS: Final = len(TITLES) + 1
# A spreadsheet keeps fifteen significant digits of a number; more were lost before we saw it.
_DIGITS_MAX: Final = 15
_BROKEN: Final = (
    zipfile.BadZipFile,
    ParseError,
    DefusedXmlException,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    NotImplementedError,
    OSError,
)


class XlsxReader:
    """Reads the first sheet of a workbook; formulas are seen as such and never computed."""

    def read(self, content: bytes) -> tuple[Head, Iterator[RawLine]]:
        """See `Reader`."""
        rows = _stream(content)
        head = read_head(next(rows, ()))
        check_titles(next(rows, ()))
        return head, _number(rows)


def _number(rows: Iterator[tuple[str, ...]]) -> Iterator[RawLine]:
    """Number the rows, without the empty ones that a sheet may end with."""
    empty = 0
    number = 0
    for fields in rows:
        if not any(fields):
            empty += 1
            check_count(number + empty)
            continue
        # Empty rows that others follow are lines: somebody took something out.
        for _ in range(empty):
            number += 1
            yield RawLine(number, (), ProblemCode.FIELDS_WRONG)
        empty = 0
        number += 1
        check_count(number)
        is_too_long = sum(map(len, fields)) > limits.BULK_LINE_CHARACTERS_MAX
        if is_too_long:
            yield RawLine(number, (), ProblemCode.LINE_TOO_LONG)
        else:
            yield RawLine(number, fields[:-1] if not fields[-1] else fields)


def _stream(content: bytes) -> Iterator[tuple[str, ...]]:
    # Here, because every process would pay for loading it, and few ever read a workbook.
    import openpyxl  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    _check_archive(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            for row in sheet.iter_rows(max_col=_COLUMNS, values_only=True):
                fields = tuple(_show(value) for value in row)
                yield fields + ("",) * (_COLUMNS - len(fields))
        finally:
            book.close()
    except (*_BROKEN, InvalidFileException) as error:
        raise BulkFileUnreadable("the workbook is damaged", field="file") from error


def _check_archive(content: bytes) -> None:
    """Refuse an archive that unpacks to too much; its parts are never read beyond what they say."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise BulkFileUnreadable("the workbook is damaged", field="file") from error
    if len(parts) > limits.BULK_WORKBOOK_PARTS_MAX:
        raise BulkFileTooLarge("the workbook has too many parts", field="file")
    unpacked = sum(part.file_size for part in parts)
    is_bomb = unpacked > limits.BULK_UNPACKED_RATIO_MAX * len(content)
    if is_bomb or unpacked > limits.BULK_UNPACKED_BYTES_MAX:
        raise BulkFileTooLarge("the workbook unpacks to too much", field="file")


def _show(value: Any) -> str:
    """Return the text that a cell shows in plain digits, without computing with it.

    A number comes as the shortest text that means it; 0.1 is "0.1".
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = Decimal(repr(value))
        if number.is_finite() and len(number.normalize().as_tuple().digits) <= _DIGITS_MAX:
            return format(number.normalize(), "f")
    return str(value)
