"""Which reader a file needs: what it begins with says so, not its name."""

from huitong.payments.bulk.csv_reader import CsvReader
from huitong.payments.bulk.reading import Reader
from huitong.payments.bulk.types import Charset
from huitong.payments.bulk.xlsx_reader import SIGNATURE, XlsxReader


def find_reader(content: bytes, charset: Charset = Charset.UTF_8) -> Reader:
    """Return the reader of a file; `charset` is what its sender declares, for CSV."""
    return XlsxReader() if content.startswith(SIGNATURE) else CsvReader(charset)
