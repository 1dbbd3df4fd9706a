"""The typeface of papers, and the part of it that a paper embeds: only the glyphs that it shows."""

import threading
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, Final

from fontTools.fontBuilder import FontBuilder
from fontTools.misc.psCharStrings import T2CharString
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.ttLib import TTFont
from noto_cjk_sans_otc import FONT_PATH

#: The face of the collection that draws Chinese as it is written on the mainland.
_FACE: Final = 2
_NOTDEF: Final = ".notdef"
UNITS: Final = 1_000
#: Characters whose widths are remembered.
_REMEMBERED_MAX: Final = 65_536
ASCENT: Final = 880
DESCENT: Final = -120
CAP_HEIGHT: Final = 733


class Typeface:
    """Outlines and widths of a font that stays open, read glyph by glyph as they are needed."""

    def __init__(self) -> None:
        font = TTFont(str(FONT_PATH), fontNumber=_FACE, lazy=True)
        self._names: dict[int, str] = font.getBestCmap()
        self._metrics: dict[str, tuple[int, int]] = font["hmtx"].metrics
        self._glyphs: Any = font.getGlyphSet()
        self._outlines: dict[str, bytes] = {}
        # The font's file is read where a thread stands in it; papers are drawn in several.
        self._lock = threading.Lock()

    def find_name(self, character: str) -> str:
        """Return the name of a character's glyph, or of the sign for what the font lacks."""
        return self._names.get(ord(character), _NOTDEF)

    def measure(self, name: str) -> int:
        """Return how wide a glyph is, in thousandths of its size."""
        return self._metrics[name][0]

    def draw(self, name: str) -> T2CharString:
        """Return a glyph's outline as a charstring of its own, without subroutines."""
        outline = self._outlines.get(name)
        if outline is None:
            with self._lock:
                pen = T2CharStringPen(self.measure(name), self._glyphs)
                self._glyphs[name].draw(pen)
                drawn = pen.getCharString()
                drawn.compile()
                outline = self._outlines[name] = bytes(drawn.bytecode)
        return T2CharString(bytecode=outline)


@cache
def load_typeface() -> Typeface:
    """Return the typeface of this process; the first call reads the font's tables."""
    return Typeface()


def measure_text(text: str, size: float) -> float:
    """Return how wide a text is in points."""
    return sum(map(_measure, text)) * size / UNITS


@lru_cache(maxsize=_REMEMBERED_MAX)
def _measure(character: str) -> int:
    face = load_typeface()
    return face.measure(face.find_name(character))


class Subset:
    """The characters that one paper shows, numbered in the order of their first use from 1."""

    def __init__(self) -> None:
        self._face = load_typeface()
        self._numbers: dict[str, int] = {}
        self._signs: dict[str, str] = {}

    def encode(self, text: str) -> str:
        """Return a text as the hexadecimal numbers of its characters, four digits each."""
        signs = self._signs
        try:
            return "".join([signs[character] for character in text])
        except KeyError:
            for character in text:
                if character not in signs:
                    number = self._numbers[character] = len(self._numbers) + 1
                    signs[character] = f"{number:04X}"
        return "".join([signs[character] for character in text])

    def write_widths(self) -> str:
        """Return the widths of all characters, in order from number 1."""
        widths = (self._face.measure(self._face.find_name(each)) for each in self._numbers)
        return " ".join(str(each) for each in widths)

    def write_program(self) -> bytes:
        """Return a font program (CFF) with the characters' outlines; glyphs are numbers."""
        outlines = {_NOTDEF: self._face.draw(_NOTDEF)}
        for character, number in self._numbers.items():
            outlines[f"g{number}"] = self._face.draw(self._face.find_name(character))
        builder = FontBuilder(UNITS, isTTF=False)
        builder.setupGlyphOrder(list(outlines))
        builder.setupCFF("HuitongPaper", {"FullName": "HuitongPaper"}, outlines, {})
        program: bytes = builder.font["CFF "].compile(builder.font)
        return program

    def write_meanings(self) -> bytes:
        """Return the map from numbers to characters, by which readers copy and search text."""
        lines = [
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
            "/CMapName /HuitongPaper def /CMapType 2 def",
            "1 begincodespacerange <0000> <FFFF> endcodespacerange",
        ]
        pairs = [
            f"<{number:04X}> <{character.encode('utf-16-be').hex().upper()}>"
            for character, number in self._numbers.items()
        ]
        # A block may have a hundred pairs.
        for block in _blocks(pairs, 100):
            lines += [f"{len(block)} beginbfchar", *block, "endbfchar"]
        lines.append("endcmap CMapName currentdict /CMap defineresource pop end end")
        return "\n".join(lines).encode()


def _blocks(items: list[str], size: int) -> Iterable[list[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
