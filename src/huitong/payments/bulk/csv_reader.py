"""Files of payments as CSV (RFC 4180), each payment on a physical line of its own.

A quoted field cannot hold the end of a line: one forgotten quote must not swallow its neighbours.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass

from huitong.kernel import limits
from huitong.payments.bulk.errors import BulkFileUnreadable
from huitong.payments.bulk.reading import check_count, check_titles, read_head
from huitong.payments.bulk.types import Charset, Head, ProblemCode, RawLine

# A character of GB18030 has at most four bytes, as one of UTF-8 has.
_LINE_BYTES_MAX = 4 * limits.BULK_LINE_CHARACTERS_MAX


@dataclass(frozen=True, slots=True)
class CsvReader:
    """Reads CSV in a declared character set."""

    charset: Charset = Charset.UTF_8

    def read(self, content: bytes) -> tuple[Head, Iterator[RawLine]]:
        """See `Reader`."""
        body = content.removeprefix(codecs.BOM_UTF8) if self.charset is Charset.UTF_8 else content
        # No character of either set has the byte of a line feed inside.
        rows = body.split(b"\n")
        while rows and rows[-1] in (b"", b"\r"):
            rows.pop()
        heads = [self._parse(0, row) for row in rows[:2]]
        for row, field in zip(heads, ("head", "titles"), strict=False):
            if row.trouble is not None:
                raise BulkFileUnreadable(row.trouble.en, field=field)
        head = read_head(heads[0].fields if heads else ())
        check_titles(heads[1].fields if len(heads) > 1 else ())
        check_count(len(rows) - 2)
        return head, (self._parse(at, row) for at, row in enumerate(rows[2:], 1))

    def _parse(self, number: int, row: bytes) -> RawLine:
        if len(row) > _LINE_BYTES_MAX:
            return RawLine(number, (), ProblemCode.LINE_TOO_LONG)
        try:
            text = row.decode(self.charset.value).removesuffix("\r")
        except UnicodeDecodeError:
            return RawLine(number, (), ProblemCode.CHARSET_WRONG)
        if len(text) > limits.BULK_LINE_CHARACTERS_MAX:
            return RawLine(number, (), ProblemCode.LINE_TOO_LONG)
        # Said before parsing: the parser takes a carriage return for the end of a row.
        if not text.isprintable() and any(each < " " or each == "\x7f" for each in text):
            return RawLine(number, (), ProblemCode.CONTROL_CHARACTER)
        if '"' not in text:
            return RawLine(number, tuple(text.split(",")))
        try:
            (fields,) = csv.reader([text], strict=True)
        except csv.Error:
            return RawLine(number, (), ProblemCode.QUOTES_WRONG)
        return RawLine(number, tuple(fields))
