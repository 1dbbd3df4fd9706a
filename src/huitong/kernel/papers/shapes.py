"""What all papers share: the colours of the house, its mark, amounts with their thousands apart."""

from typing import Final

from huitong.kernel.money import Money
from huitong.kernel.papers.canvas import GREY, Canvas, Colour

TEAL: Final[Colour] = (0.03, 0.33, 0.42)
TINT: Final[Colour] = (0.955, 0.97, 0.98)
WHITE: Final[Colour] = (1, 1, 1)
#: The house's name, in Chinese and English.
INSTITUTION: Final = ("汇通", "Huitong")
_THOUSAND: Final = 3


def draw_brand(canvas: Canvas, x: float, y: float) -> None:
    """Draw the mark and the name of the house; the mark's top left corner is at a place."""
    name_zh, name_en = INSTITUTION
    first, second = tuple(name_zh)
    canvas.box(x, y, 30, 30, fill=TEAL)
    canvas.text(x + 15, y + 13.5, first, size=12, colour=WHITE, align="centre", is_bold=True)
    canvas.text(x + 15, y + 26, second, size=12, colour=WHITE, align="centre", is_bold=True)
    canvas.text(x + 38, y + 16, name_zh, size=15, colour=TEAL, is_bold=True)
    canvas.text(x + 38, y + 28, name_en, size=8, colour=GREY)


def group_amount(amount: Money) -> str:
    """Return an amount with its thousands apart: `1,234,567.80`."""
    whole, point, part = amount.format().partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    groups: list[str] = []
    while len(digits) > _THOUSAND:
        groups.insert(0, digits[-_THOUSAND:])
        digits = digits[:-_THOUSAND]
    return sign + ",".join([digits, *groups]) + point + part
