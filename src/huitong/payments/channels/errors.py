"""What goes wrong with channels."""

from huitong.kernel.errors import Conflict, Fault, NotFound, Refusal
from huitong.kernel.money import Money


class ChannelFault(Fault):
    """The bank could not be reached, or did not make itself understood."""

    code = "channel_fault"
    title = "The bank channel failed"


class ChannelContradiction(ChannelFault):
    """The channel knows the order with another amount or direction; `stated` is its amount."""

    code = "channel_contradiction"
    title = "The bank channel contradicts the order"

    def __init__(self, detail: str, *, stated: Money) -> None:
        """Make a fault that asking again will not cure."""
        super().__init__(detail, retryable=False)
        self.stated = stated


class NoChannel(Conflict):
    """No channel that is switched on can carry this payment now."""

    code = "no_channel"
    title = "No channel can carry this payment now"


class ChannelNotFound(NotFound):
    """There is no channel with this name."""

    title = "There is no channel with this name"


class CallbackNotSigned(Refusal):
    """The callback has no signature of its channel, or is too old or from the future."""

    code = "callback_not_signed"
    title = "The callback is not signed by its channel"


class CallbackIdReused(Conflict):
    """A callback with this id said something else before."""

    code = "callback_id_reused"
    title = "A callback with this id said something else before"


class ChannelChanged(Conflict):
    """The terms or rules are other ones than those that the change was asked for."""

    code = "channel_changed"
    title = "The channel was changed meanwhile"


class BreakNotOpen(Conflict):
    """The break is cured, or this cure does not fit what happened."""

    code = "channel_break_not_open"
    title = "The break cannot be cured like this"
