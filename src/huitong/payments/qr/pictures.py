"""Codes drawn as pictures: SVG for screens and print, PNG for everything else.

Symbology: ISO/IEC 18004, error correction level M (about 15 % of a sticker may be dirty), with the
quiet zone of four modules that the standard asks for. The same text and size give the same bytes.
"""

from io import BytesIO
from typing import Final

import segno

from huitong.kernel.errors import InvalidField
from huitong.payments.qr.types import Picture

QUIET_ZONE_MODULES: Final = 4
MODULE_PIXELS_DEFAULT: Final = 8
MODULE_PIXELS_MAX: Final = 32
# Twice the longest payment payload: room for a checkout link, and a symbol that phones still read.
PICTURE_TEXT_BYTES_MAX: Final = 1_024


def draw_svg(text: str, *, module_pixels: int = MODULE_PIXELS_DEFAULT) -> Picture:
    """Return `text` as an SVG document, one dark path on white.

    `module_pixels` is the side of one module, 1 to 32. Raises `InvalidField`.
    """
    return _draw(text, "svg", "image/svg+xml", module_pixels)


def draw_png(text: str, *, module_pixels: int = MODULE_PIXELS_DEFAULT) -> Picture:
    """Return `text` as a black-and-white PNG.

    `module_pixels` is the side of one module, 1 to 32. Raises `InvalidField`.
    """
    return _draw(text, "png", "image/png", module_pixels)


def _draw(text: str, kind: str, media_type: str, module_pixels: int) -> Picture:
    if not 1 <= module_pixels <= MODULE_PIXELS_MAX:
        raise InvalidField(
            f"A module must be 1 to {MODULE_PIXELS_MAX} pixels wide.", field="module_pixels"
        )
    symbol = _make_symbol(text)
    drawn = BytesIO()
    # A light colour is given, because on a dark page a transparent quiet zone is no quiet zone.
    symbol.save(
        drawn,
        kind=kind,
        scale=module_pixels,
        border=QUIET_ZONE_MODULES,
        dark="#000000",
        light="#ffffff",
    )
    side_pixels, _ = symbol.symbol_size(scale=module_pixels, border=QUIET_ZONE_MODULES)
    return Picture(media_type=media_type, content=drawn.getvalue(), side_pixels=int(side_pixels))


def _make_symbol(text: str) -> segno.QRCode:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidField(
            "The text holds half of a surrogate pair, which is not a character.", field="text"
        ) from None
    if not 1 <= size <= PICTURE_TEXT_BYTES_MAX:
        raise InvalidField(
            f"The text must have 1 to {PICTURE_TEXT_BYTES_MAX} bytes, and has {size}.", field="text"
        )
    # Byte mode is forced for Chinese, because the encoder may take UTF-8 bytes for Shift-JIS kanji;
    # ASCII is left to it, so that digits take a third of the room. No level above M by luck of a
    # short text: the size of the modules on a sticker should not depend on that.
    return segno.make(
        text,
        error="m",
        mode=None if text.isascii() else "byte",
        encoding="utf-8",
        micro=False,
        boost_error=False,
    )
