"""What can be refused about cases and overturning."""

from huitong.kernel.errors import Conflict, NotFound


class CaseNotFound(NotFound):
    """No case has this identifier."""

    code = "case_not_found"
    title = "The case does not exist"


class CaseClosed(Conflict):
    """The case is closed, or went over to another one, and does not change any more."""

    code = "case_closed"
    title = "The case is closed"


class CaseTaken(Conflict):
    """Somebody works on the case already."""

    code = "case_taken"
    title = "Somebody works on the case already"


class CaseNotTaken(Conflict):
    """Nobody works on the case, so nobody can say what came of it."""

    code = "case_not_taken"
    title = "Nobody works on the case"


class CaseChanged(Conflict):
    """The case has other alerts than those that were looked at."""

    code = "case_changed"
    title = "More alerts came to the case"


class AlreadyOverturned(Conflict):
    """The decision was found wrong before."""

    code = "already_overturned"
    title = "The decision was overturned already"


class NothingToOverturn(Conflict):
    """The decision let pass what it was about."""

    code = "nothing_to_overturn"
    title = "The decision let it pass"
