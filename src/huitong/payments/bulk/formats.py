"""Which reader a file needs: what it begins with says so, not its name."""

import codecs

from huitong.payments.bulk.csv_reader import CsvReader
from huitong.payments.bulk.pain001_reader import Pain001Reader
from huitong.payments.bulk.reading import Reader
from huitong.payments.bulk.types import Charset
from huitong.payments.bulk.xlsx_reader import SIGNATURE, XlsxReader

#: So far in, a message has begun.
_BEGINNING = 1_024


def find_reader(content: bytes, charset: Charset = Charset.UTF_8) -> Reader:
    """Return the reader of a file; `charset` is what its sender declares, for CSV."""
    if content.startswith(SIGNATURE):
        return XlsxReader()
    # No CSV file of payments begins so: its first cell is the marker.
    if content[:_BEGINNING].removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<"):
        return Pain001Reader()
    return CsvReader(charset)
