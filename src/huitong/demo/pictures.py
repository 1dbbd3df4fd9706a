"""Seeing a QR code: the platform's PNG as pixels, as text for a terminal, and read back."""

import importlib
import struct
import zlib
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHUNK_OVERHEAD: Final = 12
_FILTER_NONE: Final = 0
_FILTER_UP: Final = 2
_READER: Final = "zxingcpp"


def decode_png(content: bytes) -> Pixels:
    """Return the rows of a one-bit grey PNG as 0 and 255, the kind of picture that the API draws.

    Raises ValueError for any other picture.
    """
    if not content.startswith(_SIGNATURE):
        raise ValueError("this is not a PNG")
    chunks: dict[bytes, bytes] = {}
    place = len(_SIGNATURE)
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind = content[place + 4 : place + 8]
        chunks[kind] = chunks.get(kind, b"") + content[place + 8 : place + 8 + length]
        place += _CHUNK_OVERHEAD + length
    width, height, depth, colours = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    if (depth, colours) != (1, 0):
        raise ValueError("only black-and-white pictures are read here")
    stride = (width + 7) // 8
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, stride + 1)
    lines = np.empty((height, stride), np.uint8)
    above = np.zeros(stride, np.uint8)
    for number, row in enumerate(rows):
        if row[0] not in (_FILTER_NONE, _FILTER_UP):
            raise ValueError("only the filters None and Up are read here")
        above = row[1:] if row[0] == _FILTER_NONE else row[1:] + above
        lines[number] = above
    bits: Pixels = np.unpackbits(lines, axis=1)[:, :width]
    return np.asarray(bits * 255, np.uint8)


def draw_text(pixels: Pixels) -> str:
    """Return the picture with one character for each module and half a line's height.

    Light modules are drawn, so it shows rightly on a dark terminal, which most are.
    """
    module = _find_module_pixels(pixels)
    small = pixels[module // 2 :: module, module // 2 :: module] > 0
    if small.shape[0] % 2:
        small = np.vstack([small, np.ones((1, small.shape[1]), bool)])
    signs = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    return "\n".join(
        "".join(signs[bool(above), bool(below)] for above, below in zip(top, bottom, strict=True))
        for top, bottom in zip(small[::2], small[1::2], strict=True)
    )


def read_code(pixels: Pixels) -> str | None:
    """Return what an independent reader sees in the picture; None if no reader is installed.

    The reader is a development dependency (zxing-cpp): the demo goes on without it.
    """
    if find_spec(_READER) is None:
        return None
    reader: Any = importlib.import_module(_READER)
    found = reader.read_barcodes(pixels)
    return str(found[0].text) if found else ""


def _find_module_pixels(pixels: Pixels) -> int:
    # A finder pattern begins with seven dark modules, after the light border on its left.
    row = pixels[np.argmax((pixels == 0).any(axis=1))] == 0
    start = int(np.argmax(row))
    return int(np.argmin(row[start:])) // 7
