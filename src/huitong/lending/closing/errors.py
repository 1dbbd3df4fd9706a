"""Why closing says no."""

from huitong.kernel.errors import Conflict


class LendingDayRefused(Conflict):
    """The day is not over, or days before it are not closed."""

    code = "lending_day_refused"
    title = "The business day cannot be closed"
