"""Refusals about profit shares that risk holds."""

from huitong.kernel.errors import Conflict, NotFound


class HeldShareNotFound(NotFound):
    """Risk has not held this share, or it is somebody else's."""

    code = "held_share_not_found"
    title = "There is no such share among those that were held"


class HeldShareEnded(Conflict):
    """The share was passed on or given back before."""

    code = "held_share_ended"
    title = "The share is not held any more"
