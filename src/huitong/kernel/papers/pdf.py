"""Writes a PDF page by page: what was given back is gone, so a paper may have any length.

Object 1 is the catalogue, 2 the tree of pages, 3 the resources that all pages share, 4 the facts
about the document, 5 to 9 the typeface; pages follow, two objects each. Whatever depends on all
pages is written last, which the format allows. Nothing depends on when it is written.
"""

import codecs
import hashlib
import zlib
from datetime import UTC, datetime
from typing import Final

from huitong.kernel.papers.canvas import Canvas
from huitong.kernel.papers.fonts import ASCENT, CAP_HEIGHT, DESCENT, Subset

_CATALOGUE, _TREE, _RESOURCES, _FACTS = 1, 2, 3, 4
_FONT, _FACE, _DESCRIPTOR, _PROGRAM, _MEANINGS = 5, 6, 7, 8, 9
_FIRST_PAGE: Final = 10
_LEVEL: Final = 6
_HEAD: Final = b"%PDF-1.7\n%\xe6\xb1\x87\xe9\x80\x9a\n"
_FACE_NAME: Final = "HTPAPR+HuitongPaper"


class PdfWriter:
    """Gives back the bytes of a document in their order: `begin`, `add_page` …, `end`.

    `moment` is shown as the document's time: what it is about, not when it was made.
    """

    def __init__(self, *, title: str, moment: datetime) -> None:
        self.subset = Subset()
        self._title = title
        self._moment = moment
        self._offsets: dict[int, int] = {}
        self._pages: list[int] = []
        self._place = 0
        self._digest = hashlib.sha256()

    def begin(self) -> bytes:
        """Return the first bytes of the document."""
        return self._note(_HEAD)

    def add_page(self, canvas: Canvas) -> bytes:
        """Return the bytes of the next page."""
        number = _FIRST_PAGE + 2 * len(self._pages)
        self._pages.append(number)
        page = (
            f"<< /Type /Page /Parent {_TREE} 0 R /Resources {_RESOURCES} 0 R "
            f"/MediaBox [0 0 {canvas.width:.2f} {canvas.height:.2f}] /Contents {number + 1} 0 R >>"
        )
        return self._write(number, page.encode()) + self._write_stream(number + 1, canvas.operators)

    def end(self) -> bytes:
        """Return the rest: what all pages share, the tree of pages, and where everything is."""
        kids = " ".join(f"{page} 0 R" for page in self._pages)
        parts = [
            self._write(
                _CATALOGUE,
                f"<< /Type /Catalog /Pages {_TREE} 0 R /Lang (zh-CN) "
                "/ViewerPreferences << /DisplayDocTitle true >> >>".encode(),
            ),
            self._write(
                _TREE, f"<< /Type /Pages /Count {len(self._pages)} /Kids [{kids}] >>".encode()
            ),
            self._write(
                _RESOURCES,
                f"<< /Font << /F1 {_FONT} 0 R >> "
                "/ExtGState << /G1 << /ca 0.82 /CA 0.82 /BM /Multiply >> >> >>".encode(),
            ),
            self._write(
                _FACTS,
                f"<< /Title {_text(self._title)} /Creator (Huitong) "
                f"/CreationDate {_date(self._moment)} >>".encode(),
            ),
            *self._write_typeface(),
        ]
        return b"".join(parts) + self._write_table()

    def _write_typeface(self) -> list[bytes]:
        program = self.subset.write_program()
        return [
            self._write(
                _FONT,
                f"<< /Type /Font /Subtype /Type0 /BaseFont /{_FACE_NAME} /Encoding /Identity-H "
                f"/DescendantFonts [{_FACE} 0 R] /ToUnicode {_MEANINGS} 0 R >>".encode(),
            ),
            self._write(
                _FACE,
                f"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /{_FACE_NAME} "
                "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
                f"/FontDescriptor {_DESCRIPTOR} 0 R /DW 1000 "
                f"/W [1 [{self.subset.write_widths()}]] >>".encode(),
            ),
            self._write(
                _DESCRIPTOR,
                f"<< /Type /FontDescriptor /FontName /{_FACE_NAME} /Flags 4 "
                f"/FontBBox [-1000 -1000 3000 2000] /ItalicAngle 0 /Ascent {ASCENT} "
                f"/Descent {DESCENT} /CapHeight {CAP_HEIGHT} /StemV 80 "
                f"/FontFile3 {_PROGRAM} 0 R >>".encode(),
            ),
            self._write_stream(_PROGRAM, program, "/Subtype /CIDFontType0C "),
            self._write_stream(_MEANINGS, self.subset.write_meanings()),
        ]

    def _write_table(self) -> bytes:
        start, count = self._place, len(self._offsets) + 1
        rows = [f"{self._offsets[number]:010d} 00000 n \n" for number in range(1, count)]
        mark = self._digest.hexdigest()[:32].upper()
        return (
            f"xref\n0 {count}\n0000000000 65535 f \n{''.join(rows)}"
            f"trailer\n<< /Size {count} /Root {_CATALOGUE} 0 R /Info {_FACTS} 0 R "
            f"/ID [<{mark}> <{mark}>] >>\nstartxref\n{start}\n%%EOF\n"
        ).encode()

    def _write_stream(self, number: int, content: bytes, more: str = "") -> bytes:
        packed = zlib.compress(content, _LEVEL)
        head = f"<< {more}/Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode()
        return self._write(number, head + packed + b"\nendstream")

    def _write(self, number: int, body: bytes) -> bytes:
        self._offsets[number] = self._place
        return self._note(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")

    def _note(self, content: bytes) -> bytes:
        self._place += len(content)
        self._digest.update(content)
        return content


def _text(text: str) -> str:
    marked = codecs.BOM_UTF16_BE + text.encode("utf-16-be")
    return f"<{marked.hex().upper()}>"


def _date(moment: datetime) -> str:
    return f"(D:{moment.astimezone(UTC):%Y%m%d%H%M%SZ})"
