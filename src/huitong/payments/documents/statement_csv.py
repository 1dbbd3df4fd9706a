"""Statements as CSV (RFC 4180), in the character set that a reader's spreadsheet wants."""

import codecs
import csv
import io
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel.clock import SHANGHAI
from huitong.ledger import Side
from huitong.payments.bulk import escape_cell
from huitong.payments.documents.statements import AccountStatement, Pieces, Row, Totals
from huitong.payments.documents.texts import Text, name_kind

_TITLES: Final = (
    Text.LINE,
    Text.BOOKED_ON,
    Text.DONE_AT,
    Text.SUMMARY,
    Text.COUNTERPARTY,
    Text.OTHER_ACCOUNT,
    Text.OUT,
    Text.IN,
    Text.BALANCE,
    Text.NOTE,
    Text.ENTRY,
)
_ZONE: Final = ZoneInfo(SHANGHAI)


class StatementCharset(StrEnum):
    """How the text of a CSV statement is encoded."""

    UTF_8 = "utf-8"
    #: With a byte order mark, by which spreadsheets know UTF-8.
    UTF_8_BOM = "utf-8-bom"
    GB18030 = "gb18030"

    @property
    def codec(self) -> str:
        """What the standard library calls it."""
        return "gb18030" if self is StatementCharset.GB18030 else "utf-8"


async def write_csv(
    statement: AccountStatement,
    pieces: Pieces,
    *,
    charset: StatementCharset = StatementCharset.UTF_8_BOM,
) -> AsyncIterator[bytes]:
    """Yield a statement as CSV: titles, the opening balance, the lines, totals and closing balance.

    Amounts are plain numbers; texts of people cannot be taken for formulas.
    """
    span, totals = statement.span, Totals.zero(statement.account.currency)
    opening = ["", str(statement.first_on), "", Text.OPENING.both, "", "", "", ""]
    head = _rows([[each.both for each in _TITLES], [*opening, span.opening.format(), "", ""]])
    mark = codecs.BOM_UTF8 if charset is StatementCharset.UTF_8_BOM else b""
    yield mark + head.encode(charset.codec)
    async for piece in pieces:
        for row in piece:
            totals.add(row.line)
        yield _rows(_show(row) for row in piece).encode(charset.codec)
    totals.prove(span)
    closing = ["", str(statement.last_on), "", Text.CLOSING.both, "", ""]
    sums = [totals.debits.format(), totals.credits.format(), span.closing.format()]
    yield _rows([[*closing, *sums, "", ""]]).encode(charset.codec)


def _show(row: Row) -> list[str]:
    line = row.line
    amount = line.amount.format()
    is_debit = line.side is Side.DEBIT
    return [
        str(line.line),
        str(line.effective_on),
        f"{line.recorded_at.astimezone(_ZONE):%Y-%m-%d %H:%M:%S}",
        " ".join(name_kind(line.code)),
        escape_cell(row.other.name),
        escape_cell(row.other.account),
        amount if is_debit else "",
        "" if is_debit else amount,
        line.balance_after.format(),
        escape_cell(row.note),
        f"tr_{line.transfer_id.hex}",
    ]


def _rows(rows: object) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\r\n").writerows(rows)  # type: ignore[arg-type]
    return target.getvalue()
