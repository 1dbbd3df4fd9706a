"""Uploaded pictures: judged by content and size before anything is decoded, then made small."""

import io
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huitong.customers.evidence.findings import Checked, Finding, FindingCode
from huitong.kernel import limits

#: Rows by columns by red, green, blue.
Pixels = NDArray[np.uint8]

_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_JPEG: Final = b"\xff\xd8\xff"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_RIFF: Final = b"RIFF"
_WEBP: Final = b"WEBP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the header of a picture says: its format and its sides in pixels."""

    format: str
    width: int
    height: int


def check_upload(content: bytes, *, field: str = "picture") -> Finding | None:
    """Return what is wrong with an upload as far as its length and first bytes tell, or None.

    This is all that a process with other people's data does with it; see `check_picture`.
    """
    if not content:
        return Finding(code=FindingCode.PICTURE_MISSING, field=field)
    if len(content) > limits.PICTURE_BYTES_MAX:
        return Finding(code=FindingCode.PICTURE_TOO_LARGE, field=field)
    is_webp = content[:4] == _RIFF and content[8:12] == _WEBP
    if not (content.startswith((_JPEG, _PNG)) or is_webp):
        return Finding(code=FindingCode.PICTURE_TYPE_REFUSED, field=field)
    return None


def check_picture(content: bytes, *, field: str = "picture") -> Checked[Picture]:
    """Judge a picture by its header, without decoding it: type, sides and number of pixels.

    The name and the media type that came with it are not asked for: only the content counts.
    """
    finding = check_upload(content, field=field)
    if finding is not None:
        return Checked(facts=None, findings=(finding,))
    opened = _open(content)
    if isinstance(opened, FindingCode):
        return _refuse(opened, field)
    width, height = opened.size
    if max(width, height) > limits.PICTURE_SIDE_PIXELS_MAX:
        return _refuse(FindingCode.PICTURE_TOO_LARGE, field)
    # A bomb is a small file of very many pixels: what counts is what it would be in memory.
    if width * height > limits.PICTURE_PIXELS_MAX:
        return _refuse(FindingCode.PICTURE_TOO_LARGE, field)
    if min(width, height) < limits.PICTURE_SIDE_PIXELS_MIN:
        return _refuse(FindingCode.PICTURE_TOO_SMALL, field)
    return Checked(facts=Picture(format=str(opened.format).lower(), width=width, height=height))


def decode_picture(content: bytes, *, side_max: int, field: str = "picture") -> Checked[Pixels]:
    """Return the pixels of a picture, scaled down so that no side is longer than `side_max`.

    Metadata is ignored, also the orientation that a camera notes there: whoever reads the pixels
    finds out by itself which way is up. Transparency is laid on white.
    """
    checked = check_picture(content, field=field)
    if checked.facts is None:
        return Checked(facts=None, findings=checked.findings)
    try:
        opened = _open(content)
        if isinstance(opened, FindingCode):
            return _refuse(opened, field)
        # A JPEG can be decoded at a half, a quarter or an eighth, in that much less memory.
        opened.draft("RGB", (side_max, side_max))
        return Checked(facts=_flatten(opened, side_max))
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError):
        return _refuse(FindingCode.PICTURE_DAMAGED, field)


def _open(content: bytes) -> Any:
    """Return the picture with its header read, or why there is none."""
    pillow = import_module("PIL.Image")
    try:
        return pillow.open(io.BytesIO(content), formats=_FORMATS)
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning):
        # Far more pixels than our own limit; the warning is raised where warnings are errors.
        return FindingCode.PICTURE_TOO_LARGE
    except (OSError, SyntaxError, ValueError, EOFError):
        return FindingCode.PICTURE_DAMAGED


def _flatten(picture: Any, side_max: int) -> Pixels:
    pillow = import_module("PIL.Image")
    if picture.mode not in ("RGB", "L", "CMYK", "YCbCr"):
        picture = picture.convert("RGBA")
        white = pillow.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = pillow.alpha_composite(white, picture)
    picture = picture.convert("RGB")
    return scale_down(np.asarray(picture, dtype=np.uint8), side_max=side_max)


def scale_down(pixels: Pixels, *, side_max: int) -> Pixels:
    """Return the picture with no side longer than `side_max`, in its proportions."""
    pillow = import_module("PIL.Image")
    picture = pillow.fromarray(pixels)
    picture.thumbnail((side_max, side_max), pillow.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(picture, dtype=np.uint8))


def _refuse(code: FindingCode, field: str) -> Checked[Any]:
    return Checked(facts=None, findings=(Finding(code=code, field=field),))
