"""Papers as PDF: pages that are drawn, their typeface, seals and codes, and the writer.

Owns how papers of the house look, not what they say: receipts, statements and contracts are laid
out by their rooms.
"""

from huitong.kernel.papers.canvas import (
    A4,
    A5_LYING,
    GREY,
    INK,
    LINE,
    Align,
    Canvas,
    Colour,
    fit_text,
    wrap_text,
)
from huitong.kernel.papers.fonts import Subset
from huitong.kernel.papers.pdf import PdfWriter
from huitong.kernel.papers.seal import RED, draw_code, draw_net, draw_seal
from huitong.kernel.papers.shapes import (
    INSTITUTION,
    TEAL,
    TINT,
    WHITE,
    draw_brand,
    group_amount,
)

__all__ = [
    "A4",
    "A5_LYING",
    "GREY",
    "INK",
    "INSTITUTION",
    "LINE",
    "RED",
    "TEAL",
    "TINT",
    "WHITE",
    "Align",
    "Canvas",
    "Colour",
    "PdfWriter",
    "Subset",
    "draw_brand",
    "draw_code",
    "draw_net",
    "draw_seal",
    "fit_text",
    "group_amount",
    "wrap_text",
]
