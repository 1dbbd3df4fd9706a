"""How a contract is laid out: its terms and costs, the schedule by pages, clauses and the seal."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from huitong.kernel.clock import SHANGHAI
from huitong.kernel.ids import CUSTOMER, LOAN, show_id
from huitong.kernel.money import Money
from huitong.kernel.papers import (
    A4,
    GREY,
    INSTITUTION,
    LINE,
    TEAL,
    TINT,
    WHITE,
    Align,
    Canvas,
    Subset,
    draw_brand,
    draw_net,
    draw_seal,
    fit_text,
    group_amount,
    wrap_text,
)
from huitong.lending.contracts import limits
from huitong.lending.contracts.texts import (
    CLAUSES,
    COSTS,
    METHODS,
    ROLES,
    SEAL_AROUND,
    SEAL_BELOW,
    Text,
)
from huitong.lending.contracts.types import SignedContract
from huitong.lending.products import RATE_SCALE

_LEFT, _RIGHT = 36.0, 559.28
_TOP: Final = 92.0
_ROW: Final = 18.0
_LABEL: Final = 176.0
_LINE: Final = 11.0
_SIZE: Final = 8.5
_GAP: Final = 10.0
#: Where tables must end, and what the clauses with the seal take.
_BOTTOM: Final = 800.0
_CLOSING: Final = 100.0
_ZONE: Final = ZoneInfo(SHANGHAI)
_COLUMNS: Final[tuple[tuple[Text, float, Align], ...]] = (
    (Text.NUMBER, 70, "right"),
    (Text.DUE_ON, 100, "left"),
    (Text.PRINCIPAL, 300, "right"),
    (Text.INTEREST, 430, "right"),
    (Text.TOTAL, 553, "right"),
)


@dataclass(frozen=True, slots=True)
class _Row:
    """A label and its value, in as many lines as that takes."""

    label: str
    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        return _ROW + (len(self.lines) - 1) * _LINE


def _row(label: Text | str, value: str) -> _Row:
    width = _RIGHT - _LEFT - _LABEL - 12
    lines = wrap_text(value, width, _SIZE, lines_max=limits.VALUE_LINES_MAX)
    return _Row(label.both if isinstance(label, Text) else label, tuple(lines) or ("",))


def draw_pages(signed: SignedContract, borrower: str, subset: Subset) -> list[Canvas]:
    """Return the pages: terms, costs and signature first, then the schedule."""
    tables = (_list_terms(signed, borrower), _list_costs(signed), _list_signature(signed))
    fronts = _draw_fronts(tables, signed, subset)
    lines = signed.content["cost_statement"]["instalments"]
    currency = signed.content["cost_statement"]["currency"]
    for start in range(0, len(lines), limits.LINES_A_PAGE):
        canvas = Canvas(A4, subset)
        _draw_schedule(canvas, start, lines[start : start + limits.LINES_A_PAGE], currency)
        fronts.append(canvas)
    for place, canvas in enumerate(fronts, start=1):
        _draw_frame(canvas, signed, place, len(fronts))
    return fronts


def _draw_fronts(
    tables: Sequence[Sequence[_Row]], signed: SignedContract, subset: Subset
) -> list[Canvas]:
    """Return as many pages as the tables take; the clauses and the seal are on the last one."""
    pages = [Canvas(A4, subset)]
    draw_net(pages[0], pages[0].width / 2, 320, 150)
    top = _TOP
    for table in tables:
        begin = top
        for row in table:
            if top + row.height > _BOTTOM:
                _draw_outline(pages[-1], begin, top)
                pages.append(Canvas(A4, subset))
                begin = top = _TOP
            _draw_row(pages[-1], top, row)
            top += row.height
        _draw_outline(pages[-1], begin, top)
        top += _GAP
    if top + _CLOSING > _BOTTOM:
        pages.append(Canvas(A4, subset))
        top = _TOP
    _draw_closing(pages[-1], top, signed)
    return pages


def _draw_frame(canvas: Canvas, signed: SignedContract, page: int, pages: int) -> None:
    draw_brand(canvas, _LEFT, 34)
    canvas.text(_RIGHT, 53, Text.CONTRACT.zh, size=20, align="right", is_bold=True)
    canvas.text(_RIGHT, 65, Text.CONTRACT.en, size=7.5, colour=GREY, align="right")
    canvas.line((_LEFT, 74), (_RIGHT, 74), colour=TEAL, width=1.2)
    canvas.line((_LEFT, 810), (_RIGHT, 810), colour=LINE)
    foot = f"SHA-256 {signed.digest.hex()}"
    canvas.text(_LEFT, 822, foot, size=6.5, colour=GREY)
    numbered = f"{Text.PAGE.zh}   {Text.PAGE.en}".format(page=page, pages=pages)
    canvas.text(_RIGHT, 822, numbered, size=6.5, colour=GREY, align="right")


def _draw_closing(canvas: Canvas, top: float, signed: SignedContract) -> None:
    for place, clause in enumerate(CLAUSES):
        canvas.text(_LEFT, top + 8 + 13 * place, clause, size=8 if place % 2 == 0 else 7)
    draw_seal(
        canvas,
        _RIGHT - 66,
        top + 30,
        54,
        around=SEAL_AROUND,
        below=SEAL_BELOW,
        small=f"{signed.signed_at.astimezone(_ZONE):%Y.%m.%d}",
    )


def _draw_row(canvas: Canvas, top: float, row: _Row) -> None:
    canvas.box(_LEFT, top, _LABEL, row.height, fill=TINT)
    canvas.line((_LEFT, top), (_RIGHT, top))
    canvas.text(_LEFT + 6, top + 12, fit_text(row.label, _LABEL - 8, 7.5), size=7.5, colour=GREY)
    for place, line in enumerate(row.lines):
        canvas.text(_LEFT + _LABEL + 8, top + 12 + place * _LINE, line, size=_SIZE)


def _draw_outline(canvas: Canvas, top: float, bottom: float) -> None:
    canvas.box(_LEFT, top, _RIGHT - _LEFT, bottom - top, stroke=TEAL, line_width=0.9)


def _list_terms(signed: SignedContract, borrower: str) -> list[_Row]:
    content = signed.content
    terms, cost = content["terms"], content["cost_statement"]
    currency = cost["currency"]
    parties = [
        f"{show_id(CUSTOMER, uuid.UUID(who))}  {ROLES.get(role, role)}"
        for who, role in content["parties"]
    ]
    collateral = [
        f"{kind}  {what}  {_amount(value, currency)}" for kind, what, value in content["collateral"]
    ]
    return [
        _row(Text.LENDER, " ".join(INSTITUTION)),
        _row(Text.BORROWER, f"{borrower}  {show_id(CUSTOMER, signed.customer_id)}"),
        *(_row(Text.PARTIES, each) for each in parties or [Text.NONE.both]),
        *(_row(Text.COLLATERAL, each) for each in collateral or [Text.NONE.both]),
        _row(Text.APPLICATION, content["application"]),
        _row(Text.LOAN, show_id(LOAN, signed.loan_id)),
        _row(Text.PRODUCT, f"{cost['product']}  v{cost['version']}"),
        _row(Text.PRINCIPAL, _amount(terms["principal"], currency)),
        _row(Text.USE, terms["use"]),
        _row(Text.RATE, _percent(Decimal(terms["rate"]) / RATE_SCALE)),
        _row(Text.METHOD, METHODS.get(terms["method"], terms["method"])),
        _row(Text.COUNT, str(terms["count"])),
        _row(Text.LENT_ON, cost["lent_on"]),
    ]


def _list_costs(signed: SignedContract) -> list[_Row]:
    cost = signed.content["cost_statement"]
    rows = []
    for item in cost["items"]:
        rate = _percent(Decimal(item["rate"]) / RATE_SCALE)
        amount = "" if item["amount"] is None else f"{_amount(item['amount'], cost['currency'])}  "
        rows.append(_row(COSTS.get(item["kind"], item["kind"]), f"{amount}{rate}"))
    return [
        *rows,
        _row(Text.TOTAL_COST, _amount(cost["total_cost"], cost["currency"])),
        _row(Text.NOMINAL, _percent(Decimal(cost["nominal_rate"]))),
        _row(Text.EFFECTIVE, _percent(Decimal(cost["effective_rate"]))),
    ]


def _list_signature(signed: SignedContract) -> list[_Row]:
    at = f"{signed.signed_at.astimezone(_ZONE):%Y-%m-%d %H:%M:%S} (UTC+8)"
    return [
        _row(Text.DIGEST, signed.digest.hex()),
        _row(Text.SIGNED_AT, at),
        _row(Text.PROOF, signed.proof),
    ]


def _draw_schedule(canvas: Canvas, start: int, block: Sequence[Any], currency: str) -> None:
    canvas.text(_LEFT, _TOP + 8, Text.SCHEDULE.both, size=11, is_bold=True)
    top = _TOP + 18
    canvas.box(_LEFT, top, _RIGHT - _LEFT, _ROW, fill=TEAL)
    for label, x, align in _COLUMNS:
        canvas.text(x, top + 12, label.both, size=7.5, colour=WHITE, align=align)
    for place, (due, principal, interest) in enumerate(block, start=1):
        at = top + place * _ROW
        if place % 2 == 0:
            canvas.box(_LEFT, at, _RIGHT - _LEFT, _ROW, fill=TINT)
        amounts = (principal, interest, principal + interest)
        cells = (str(start + place), due, *(_figures(each, currency) for each in amounts))
        for (_, x, align), cell in zip(_COLUMNS, cells, strict=True):
            canvas.text(x, at + 12, cell, size=8.5, align=align)
    height = (len(block) + 1) * _ROW
    canvas.box(_LEFT, top, _RIGHT - _LEFT, height, stroke=TEAL, line_width=0.9)


def _figures(minor: int, currency: str) -> str:
    return group_amount(Money(minor, currency))


def _amount(minor: int, currency: str) -> str:
    return f"{currency} {_figures(minor, currency)}"


def _percent(ratio: Decimal) -> str:
    return f"{(ratio * 100).quantize(Decimal('0.01'))} %"
