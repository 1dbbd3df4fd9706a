"""Statements as PDF: as many pages as it takes, each with the balances at its top and its foot."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel.clock import SHANGHAI
from huitong.kernel.money import Money
from huitong.kernel.papers import (
    A4,
    GREY,
    LINE,
    TEAL,
    TINT,
    WHITE,
    Align,
    Canvas,
    PdfWriter,
    draw_brand,
    draw_seal,
    fit_text,
    group_amount,
)
from huitong.ledger import Side
from huitong.payments.documents.statements import AccountStatement, Pieces, Row, Totals
from huitong.payments.documents.texts import SEAL_AROUND, STATEMENT_SEAL_BELOW, Text, name_kind

ROWS_A_PAGE: Final = 30
_LEFT, _RIGHT = 36.0, 559.28
_TOP: Final = 152.0
_ROW: Final = 18.6
_ZONE: Final = ZoneInfo(SHANGHAI)
# Where each column begins, how wide it is, and to which side its text leans.
_COLUMNS: Final[tuple[tuple[Text, float, float, Align], ...]] = (
    (Text.LINE, 36, 40, "right"),
    (Text.BOOKED_ON, 80, 52, "left"),
    (Text.SUMMARY, 136, 82, "left"),
    (Text.COUNTERPARTY, 222, 122, "left"),
    (Text.OUT, 346, 68, "right"),
    (Text.IN, 416, 68, "right"),
    (Text.BALANCE, 486, 73, "right"),
)


async def write_pdf(statement: AccountStatement, pieces: Pieces) -> AsyncIterator[bytes]:
    """Yield a statement as PDF, some pages at a time, which are drawn beside the loop."""
    book = _Book(statement)
    yield book.writer.begin()
    waiting: list[Row] = []
    async for piece in pieces:
        waiting += piece
        whole = len(waiting) - len(waiting) % ROWS_A_PAGE
        if whole:
            yield await asyncio.to_thread(book.draw_pages, waiting[:whole])
            waiting = waiting[whole:]
    yield await asyncio.to_thread(book.finish, waiting)


class _Book:
    """The pages of one statement, drawn one after another."""

    def __init__(self, statement: AccountStatement) -> None:
        self._statement = statement
        self._balance = statement.span.opening
        self._totals = Totals.zero(statement.account.currency)
        self._page = 0
        self._pages = max(1, math.ceil(statement.span.count / ROWS_A_PAGE))
        self.writer = PdfWriter(
            title=f"{Text.STATEMENT.zh} {statement.first_on} – {statement.last_on}",
            moment=statement.made_at,
        )

    def draw_pages(self, rows: Sequence[Row]) -> bytes:
        """Return the next pages, each full but perhaps the last."""
        pages = []
        for start in range(0, len(rows), ROWS_A_PAGE):
            canvas = Canvas(A4, self.writer.subset)
            self._draw_page(canvas, rows[start : start + ROWS_A_PAGE])
            pages.append(self.writer.add_page(canvas))
        return b"".join(pages)

    def finish(self, rows: Sequence[Row]) -> bytes:
        """Return the last page, unless it was full, and the end of the document."""
        last = b""
        if rows:
            last = self.draw_pages(rows)
        elif not self._page:
            canvas = Canvas(A4, self.writer.subset)
            self._draw_page(canvas, rows)
            last = self.writer.add_page(canvas)
        self._totals.prove(self._statement.span)
        return last + self.writer.end()

    def _draw_page(self, canvas: Canvas, rows: Sequence[Row]) -> None:
        self._page += 1
        self._draw_head(canvas)
        _draw_titles(canvas)
        is_first = self._page == 1
        opening = Text.OPENING if is_first else Text.CARRIED
        _draw_balance(canvas, _TOP + 24, opening, self._balance)
        top = _TOP + 24 + _ROW
        for place, row in enumerate(rows):
            if place % 2:
                canvas.box(_LEFT, top + place * _ROW, _RIGHT - _LEFT, _ROW, fill=TINT)
            _draw_row(canvas, top + place * _ROW, row)
            self._totals.add(row.line)
            self._balance = row.line.balance_after
        if not rows:
            canvas.text(canvas.width / 2, top + 24, Text.NOTHING.both, colour=GREY, align="centre")
        is_last = self._page == self._pages
        bottom = top + (max(len(rows), 2) if is_last else ROWS_A_PAGE) * _ROW
        _draw_balance(canvas, bottom, Text.CLOSING if is_last else Text.CARRY, self._balance)
        canvas.box(_LEFT, _TOP, _RIGHT - _LEFT, bottom + _ROW - _TOP, stroke=TEAL, line_width=0.9)
        if is_last:
            self._draw_totals(canvas, bottom + _ROW)
        page = {"page": self._page, "pages": self._pages}
        foot = f"{Text.PAGE.zh.format(**page)}   {Text.PAGE.en.format(**page)}"
        canvas.text(canvas.width / 2, 824, foot, size=7, colour=GREY, align="centre")

    def _draw_head(self, canvas: Canvas) -> None:
        about = self._statement
        draw_brand(canvas, _LEFT, 34)
        canvas.text(_RIGHT, 53, Text.STATEMENT.zh, size=20, align="right", is_bold=True)
        canvas.text(_RIGHT, 65, Text.STATEMENT.en, size=7.5, colour=GREY, align="right")
        canvas.line((_LEFT, 74), (_RIGHT, 74), colour=TEAL, width=1.2)
        canvas.line((_LEFT, 76.5), (_RIGHT, 76.5), colour=TEAL, width=0.4)
        middle = (_LEFT + _RIGHT) / 2 + 20
        cells = (
            (_LEFT, 94, Text.NAME, about.holder.name),
            (middle, 94, Text.PERIOD, f"{about.first_on} – {about.last_on}"),
            (_LEFT, 112, Text.ACCOUNT, about.holder.account),
            (middle, 112, Text.CURRENCY, about.account.currency),
            (_LEFT, 130, Text.SERVICER, Text.INSTITUTION.both),
            (middle, 130, Text.MADE_AT, f"{about.made_at.astimezone(_ZONE):%Y-%m-%d %H:%M:%S}"),
        )
        for x, y, label, value in cells:
            canvas.text(x, y, label.zh, size=8, colour=GREY)
            canvas.text(x + 36, y, label.en, size=6.5, colour=GREY)
            canvas.text(x + 84, y, fit_text(value, middle - _LEFT - 92, 9), size=9)

    def _draw_totals(self, canvas: Canvas, top: float) -> None:
        for x, label, amount in (
            (_LEFT + 8, Text.DEBITS, self._totals.debits),
            (_LEFT + 190, Text.CREDITS, self._totals.credits),
        ):
            canvas.text(x, top + 15, label.both, size=7.5, colour=GREY)
            canvas.text(x + 88, top + 15, group_amount(amount), size=8.5, is_bold=True)
        draw_seal(
            canvas,
            440,
            top + 8,
            40,
            around=SEAL_AROUND,
            below=STATEMENT_SEAL_BELOW,
            small=f"{self._statement.made_at.astimezone(_ZONE):%Y.%m.%d}",
        )


def _draw_titles(canvas: Canvas) -> None:
    canvas.box(_LEFT, _TOP, _RIGHT - _LEFT, 24, fill=TEAL)
    for label, x, width, align in _COLUMNS:
        place = x + width - 3 if align == "right" else x
        canvas.text(place, _TOP + 10.5, label.zh, size=7.5, colour=WHITE, align=align)
        canvas.text(place, _TOP + 19.5, label.en, size=5.8, colour=WHITE, align=align)


def _draw_balance(canvas: Canvas, top: float, label: Text, balance: Money) -> None:
    canvas.line((_LEFT, top), (_RIGHT, top), colour=LINE)
    canvas.line((_LEFT, top + _ROW), (_RIGHT, top + _ROW), colour=LINE)
    canvas.text(136, top + 12.5, label.both, size=8, is_bold=True)
    canvas.text(_RIGHT - 3, top + 12.5, group_amount(balance), align="right", is_bold=True)


def _draw_row(canvas: Canvas, top: float, row: Row) -> None:
    line, base, small = row.line, top + 8.6, top + 15.6
    kind_zh, kind_en = name_kind(line.code)
    amount = group_amount(line.amount)
    out, into = (amount, "") if line.side is Side.DEBIT else ("", amount)
    canvas.text(73, base, str(line.line), size=7, colour=GREY, align="right")
    canvas.text(80, base, str(line.effective_on), size=7.5)
    canvas.text(80, small, f"{line.recorded_at.astimezone(_ZONE):%H:%M:%S}", size=6, colour=GREY)
    canvas.text(136, base, fit_text(kind_zh, 82, 7.5), size=7.5)
    canvas.text(136, small, fit_text(kind_en, 82, 6), size=6, colour=GREY)
    canvas.text(222, base, fit_text(row.other.name, 126, 7.5), size=7.5)
    below = f"{row.other.account}  {row.note}" if row.note else row.other.account
    canvas.text(222, small, fit_text(below, 126, 6), size=6, colour=GREY)
    for text, x in ((out, 411), (into, 481), (group_amount(line.balance_after), 556)):
        if text:
            canvas.text(x, top + 11.5, text, size=8, align="right")
