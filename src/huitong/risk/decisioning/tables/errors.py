"""Why a change of tables is refused, and why a table does not answer."""

from huitong.kernel.errors import Conflict, Fault, NotFound


class TableVersionNotFound(NotFound):
    """There is no such version of a decision table."""

    code = "table_version_not_found"
    title = "There is no such version of a decision table"


class TableAnswerNotFound(NotFound):
    """No answer of a decision table has this identifier."""

    code = "table_answer_not_found"
    title = "There is no such answer of a decision table"


class TableStateRefused(Conflict):
    """A version of a table cannot go from where it is to where it should."""

    code = "table_state_refused"
    title = "The version of the table is not in a state for this"


class TableAltered(Conflict):
    """The digest is not that of the version."""

    code = "table_altered"
    title = "The table is not the one that was approved"


class TableTestsFailed(Conflict):
    """A table whose own test cases fail does not go live."""

    code = "table_tests_failed"
    title = "Test cases of the table fail"


class TableNotLive(Conflict):
    """No version of the table answers on this day."""

    code = "table_not_live"
    title = "The decision table is not live"


class NoRowHit(Conflict):
    """No row of the table is for what it was asked about."""

    code = "no_row_hit"
    title = "No row of the decision table applies"


class TableTooSlow(Fault):
    """The table did not answer in time."""

    code = "table_too_slow"
    title = "The decision table did not answer in time"
    retryable = True
