"""Why lines say no."""

from huitong.kernel.errors import Conflict, NotFound, Refusal


class LineNotFound(NotFound):
    """There is no such line."""

    code = "loan_line_not_found"
    title = "There is no such line of credit"


class LineRefused(Refusal):
    """The line is outside its product or the rulebook."""

    code = "loan_line_refused"
    title = "Such a line of credit is not given"


class LineClosed(Conflict):
    """The line is closed or has ended."""

    code = "loan_line_closed"
    title = "The line of credit has ended"


class LineExceeded(Conflict):
    """More would be owed than the line is for; the context says what may be drawn."""

    code = "loan_line_exceeded"
    title = "The line of credit does not reach so far"
