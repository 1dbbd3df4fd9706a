"""Lines of credit (随借随还): a customer draws again and again, each time a loan of its own.

What is repaid of the loans may be drawn anew, until the line ends.
"""

from huitong.lending.lines.commands import (
    check_line,
    close_line,
    draw,
    open_line,
    show_drawing_statement,
)
from huitong.lending.lines.errors import LineClosed, LineExceeded, LineNotFound, LineRefused
from huitong.lending.lines.payloads import read_line, write_line
from huitong.lending.lines.queries import get_line, get_used, list_drawings, list_lines
from huitong.lending.lines.types import Drawing, Line, LineState, NewLine

__all__ = [
    "Drawing",
    "Line",
    "LineClosed",
    "LineExceeded",
    "LineNotFound",
    "LineRefused",
    "LineState",
    "NewLine",
    "check_line",
    "close_line",
    "draw",
    "get_line",
    "get_used",
    "list_drawings",
    "list_lines",
    "open_line",
    "read_line",
    "show_drawing_statement",
    "write_line",
]
