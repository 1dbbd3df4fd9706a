"""Refusals of reconciliation."""

from huitong.kernel.errors import Conflict, InvalidField, LimitExceeded, NotFound


class ChannelFileUnreadable(InvalidField):
    """The bytes are not a channel's file, or not all of its lines are sound; nothing was taken."""

    code = "channel_file_unreadable"
    title = "This is not a sound file of a channel"


class ChannelFileTooLarge(LimitExceeded):
    """The file is larger, or one of its lines longer, than is read."""

    code = "channel_file_too_large"
    title = "The file is too large"


class ChannelFileTotalsDiffer(InvalidField):
    """The lines do not add up to what the head says."""

    code = "channel_file_totals_differ"
    title = "The file's lines are not what its head says"


class ChannelFileKnown(Conflict):
    """The same bytes were taken before."""

    code = "channel_file_known"
    title = "The same file was taken before"


class ChannelFileDiffers(Conflict):
    """The channel sent another file for a day that has one."""

    code = "channel_file_differs"
    title = "That day has another file already"


class ChannelFileNotFound(NotFound):
    """There is no such file."""

    code = "channel_file_not_found"
    title = "There is no such file of a channel"


class ChannelFileOfAnotherDay(Conflict):
    """Far too little of the file agrees: it is of another day or of another house."""

    code = "channel_file_of_another_day"
    title = "The file does not belong to these payments"


class ReconciledChannelNotFound(NotFound):
    """There is no such channel."""

    code = "reconciled_channel_not_found"
    title = "There is no such channel"


class BreakNotFound(NotFound):
    """There is no such break."""

    code = "break_not_found"
    title = "There is no such break"


class BreakEnded(Conflict):
    """Nothing is left to be done about the break."""

    code = "break_ended"
    title = "The break has ended"


class CureNotPossible(Conflict):
    """The cure does not fit the break, or cannot be booked."""

    code = "cure_not_possible"
    title = "That cure is not possible"


class SuspenseNotFound(NotFound):
    """There is no such item of suspense."""

    code = "suspense_not_found"
    title = "There is no such item of suspense"


class SuspenseCleared(Conflict):
    """The item's money has left suspense."""

    code = "suspense_cleared"
    title = "The item has been cleared"
