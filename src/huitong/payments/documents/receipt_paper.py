"""The paper of a receipt: half a page of A4, the same bytes whenever it is made.

Its last line is a comment of PDF that holds what the paper says and a keyed seal over every byte
before it, so that a file by itself shows whether it is as it was made.
"""

import base64
import binascii
import hmac
import re
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from huitong.kernel.clock import SHANGHAI
from huitong.kernel.money import Money
from huitong.kernel.papers import (
    A5_LYING,
    GREY,
    INK,
    LINE,
    TEAL,
    TINT,
    Canvas,
    PdfWriter,
    draw_brand,
    draw_code,
    draw_net,
    draw_seal,
    fit_text,
    group_amount,
)
from huitong.payments.documents import limits
from huitong.payments.documents.capitals import write_capitals
from huitong.payments.documents.errors import PaperChanged, PaperUnreadable
from huitong.payments.documents.receipt_keys import ReceiptKeys
from huitong.payments.documents.texts import (
    HOW_TO_VERIFY,
    SEAL_AROUND,
    SEAL_BELOW,
    Text,
    name_kind,
)
from huitong.payments.documents.types import Named, Receipt, ReceiptFacts, read_facts, write_facts

_TAIL: Final = re.compile(
    rb"%huitong-receipt ([1-9][0-9]{0,8}) ([A-Za-z0-9+/=]{1,16384}) ([0-9a-f]{64})\n\Z"
)
_LEFT, _RIGHT, _TOP = 36.0, 559.28, 92.0
_ROW: Final = 25.0
_LABEL: Final = 86.0
_CAPITALS_CURRENCY: Final = "CNY"


def draw_receipt(keys: ReceiptKeys, receipt: Receipt) -> bytes:
    """Return the paper of a receipt as PDF, sealed with the key that its code was made with."""
    facts = receipt.facts
    writer = PdfWriter(title=f"{Text.RECEIPT.zh} {facts.number}", moment=facts.recorded_at)
    canvas = Canvas(A5_LYING, writer.subset)
    draw_net(canvas, A5_LYING[0] / 2, 215, 118)
    _draw_head(canvas, facts)
    _draw_table(canvas, facts)
    _draw_foot(canvas, receipt)
    body = writer.begin() + writer.add_page(canvas) + writer.end()
    said = base64.b64encode(write_facts(facts)).decode()
    body += f"%huitong-receipt {receipt.key_number} {said} ".encode()
    return body + f"{keys.make_seal(receipt.key_number, body)}\n".encode()


def check_paper(keys: ReceiptKeys, paper: bytes) -> Receipt:
    """Return what a file says if it is, to the byte, a receipt that this home has made.

    Needs the home's keys only. Raises PaperUnreadable for anything else, and PaperChanged for a
    receipt of which a byte is another, or that a home with other keys has made.
    """
    found = _TAIL.search(paper[-limits.PAPER_TAIL_BYTES :])
    if found is None or len(paper) > limits.PAPER_BYTES_MAX:
        raise PaperUnreadable("the file has no seal of ours at its end", field="file")
    number, seal = int(found[1]), found[3].decode()
    try:
        expected = keys.make_seal(number, paper[: -len(seal) - 1])
        code_of = keys.make_code
        if not hmac.compare_digest(expected, seal):
            raise PaperChanged("its bytes are not those that we made", field="file")
        said = base64.b64decode(found[2], validate=True)
        facts = read_facts(said)
    except KeyError:
        raise PaperChanged("it names a key that this home does not have", field="file") from None
    except (binascii.Error, msgspec.DecodeError):
        raise PaperChanged("what it says cannot be read", field="file") from None
    return Receipt(facts=facts, key_number=number, code=code_of(number, said))


def _draw_head(canvas: Canvas, facts: ReceiptFacts) -> None:
    draw_brand(canvas, _LEFT, 30)
    middle = canvas.width / 2
    canvas.text(middle, 50, Text.RECEIPT.zh, size=21, align="centre", is_bold=True)
    canvas.text(middle, 63, Text.RECEIPT.en, size=7.5, colour=GREY, align="centre")
    side = Text.DEBIT if facts.is_debit else Text.CREDIT
    canvas.text(_RIGHT, 44, side.zh, size=11, colour=TEAL, align="right", is_bold=True)
    canvas.text(_RIGHT, 56, side.en, size=7.5, colour=GREY, align="right")
    canvas.line((_LEFT, 70), (_RIGHT, 70), colour=TEAL, width=1.2)
    canvas.line((_LEFT, 72.5), (_RIGHT, 72.5), colour=TEAL, width=0.4)
    canvas.text(_LEFT, 85, f"{Text.NUMBER.both}  {group_number(facts.number)}", size=8.5)
    canvas.text(_RIGHT, 85, f"{Text.BOOKED_ON.both}  {facts.effective_on}", size=8.5, align="right")


def _draw_table(canvas: Canvas, facts: ReceiptFacts) -> None:
    middle = (_LEFT + _RIGHT) / 2
    bottom = _TOP + 8 * _ROW
    canvas.box(_LEFT, _TOP, _RIGHT - _LEFT, _ROW * 0.8, fill=TINT)
    for left, side, party in (
        (_LEFT, Text.PAYER, facts.payer),
        (middle, Text.PAYEE, facts.payee),
    ):
        centre = (left + left + middle - _LEFT) / 2
        canvas.text(centre, _TOP + 13.5, side.both, size=9, align="centre", is_bold=True)
        _draw_party(canvas, left, middle - _LEFT, party)
    canvas.line((middle, _TOP), (middle, _TOP + 3.8 * _ROW))
    _draw_amount(canvas, _TOP + 3.8 * _ROW, facts.money)
    kind_zh, kind_en = name_kind(facts.code)
    done_at = f"{facts.recorded_at.astimezone(ZoneInfo(SHANGHAI)):%Y-%m-%d %H:%M:%S}"
    at = _TOP + 5.8 * _ROW
    _draw_cell(canvas, (_LEFT, at), middle - _LEFT, Text.KIND, f"{kind_zh} {kind_en}")
    _draw_cell(canvas, (middle, at), middle - _LEFT, Text.DONE_AT, f"{done_at} (UTC+8)")
    at += _ROW * 0.74
    _draw_cell(canvas, (_LEFT, at), _RIGHT - _LEFT, Text.ENTRY, facts.transfer)
    at += _ROW * 0.74
    purpose = facts.purpose or Text.NO_PURPOSE.zh
    _draw_cell(canvas, (_LEFT, at), _RIGHT - _LEFT, Text.PURPOSE, purpose)
    canvas.box(_LEFT, _TOP, _RIGHT - _LEFT, bottom - _TOP, stroke=TEAL, line_width=0.9)


def _draw_party(canvas: Canvas, left: float, width: float, party: Named) -> None:
    rows = (
        (Text.NAME, party.name),
        (Text.ACCOUNT, party.account),
        (Text.SERVICER, Text.INSTITUTION.both),
    )
    for place, (label, value) in enumerate(rows):
        _draw_cell(canvas, (left, _TOP + (0.8 + place) * _ROW), width, label, value, height=_ROW)


def _draw_cell(
    canvas: Canvas,
    place: tuple[float, float],
    width: float,
    label: Text,
    value: str,
    *,
    height: float = _ROW * 0.74,
) -> None:
    left, top = place
    canvas.line(place, (left + width, top))
    canvas.line((left + _LABEL, top), (left + _LABEL, top + height))
    base = top + height / 2 + 3.2
    canvas.text(left + 6, base, label.zh, size=8, colour=GREY)
    canvas.text(left + _LABEL - 5, base, label.en, size=6, colour=GREY, align="right")
    canvas.text(left + _LABEL + 7, base, fit_text(value, width - _LABEL - 12, 9), size=9)


def _draw_amount(canvas: Canvas, top: float, amount: Money) -> None:
    height = 2 * _ROW
    canvas.box(_LEFT, top, _RIGHT - _LEFT, height, fill=TINT)
    canvas.line((_LEFT, top), (_RIGHT, top))
    canvas.line((_LEFT + _LABEL, top), (_LEFT + _LABEL, top + height))
    canvas.text(_LEFT + 6, top + 28, Text.AMOUNT.zh, size=10, is_bold=True)
    canvas.text(_LEFT + _LABEL - 5, top + 28, Text.AMOUNT.en, size=6.5, colour=GREY, align="right")
    x = _LEFT + _LABEL + 7
    sign = "¥" if amount.currency == _CAPITALS_CURRENCY else ""
    shown = f"{amount.currency} {sign}{group_amount(amount)}"
    canvas.text(x, top + 20, Text.IN_FIGURES.zh, size=7, colour=GREY)
    canvas.text(x + 32, top + 21, shown, size=15, is_bold=True)
    if amount.currency == _CAPITALS_CURRENCY:
        canvas.text(x, top + 41, Text.IN_WORDS.zh, size=7, colour=GREY)
        words = fit_text(write_capitals(amount), _RIGHT - x - 40, 10.5)
        canvas.text(x + 32, top + 41.5, words, size=10.5)


def _draw_foot(canvas: Canvas, receipt: Receipt) -> None:
    top = _TOP + 8 * _ROW + 12
    code = f"HUITONG-RECEIPT {receipt.facts.number} {receipt.code}"
    draw_code(canvas, _LEFT, top, 66, code)
    x = _LEFT + 78
    canvas.text(x, top + 10, Text.CODE.both, size=8, colour=GREY)
    canvas.text(x, top + 28, receipt.code, size=15, is_bold=True)
    for place, line in enumerate(HOW_TO_VERIFY):
        canvas.text(x, top + 46 + 11 * place, line, size=7 - place * 0.5, colour=GREY)
    draw_seal(
        canvas,
        _RIGHT - 62,
        _TOP + 8 * _ROW + 30,
        52,
        around=SEAL_AROUND,
        below=SEAL_BELOW,
        small=f"{receipt.facts.effective_on:%Y.%m.%d}",
    )
    canvas.line((_LEFT, 396), (_RIGHT, 396), colour=LINE)
    canvas.text(
        canvas.width / 2,
        408,
        f"{Text.INSTITUTION.both} · {Text.RECEIPT.both.title()} · {receipt.facts.number}",
        size=6.5,
        colour=INK,
        align="centre",
    )


def group_number(number: str) -> str:
    """Return a receipt's number as people read it: `20261126 1234 5678 9012 90`."""
    rest = number[8:]
    return " ".join([number[:8], *(rest[at : at + 4] for at in range(0, len(rest), 4))])


def read_paper(path: Path) -> bytes:
    """Return the bytes of a file; raises PaperUnreadable for one larger than receipts are."""
    with path.open("rb") as source:
        paper = source.read(limits.PAPER_BYTES_MAX + 1)
    if len(paper) > limits.PAPER_BYTES_MAX:
        raise PaperUnreadable("the file is larger than a receipt", field="file")
    return paper
