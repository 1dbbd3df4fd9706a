"""Why papers are refused."""

from huitong.kernel.errors import Fault, InvalidField, LimitExceeded, NotFound


class ReceiptNotFound(NotFound):
    """No receipt has that number and code; which of the two is wrong is not told."""

    code = "receipt_not_found"
    title = "There is no such receipt"


class NoReceiptsLeft(NotFound):
    """A day has no receipts, or none in that part."""

    code = "no_receipts_left"
    title = "There are no receipts here"


class PaperUnreadable(InvalidField):
    """A file is no receipt of ours: it does not even claim to be one."""

    code = "paper_unreadable"
    title = "This is not an electronic receipt"


class PaperChanged(InvalidField):
    """A file claims to be a receipt of ours, and is not what we made."""

    code = "paper_changed"
    title = "The receipt was changed, or is not ours"


class StatementTooLong(LimitExceeded):
    """A statement would have more lines than one paper or file may have."""

    code = "statement_too_long"
    title = "The statement is too long"


class ReceiptKeysUnreadable(Fault):
    """The file with the keys of receipts is there, but cannot be read or holds something else."""

    code = "receipt_keys_unreadable"
    title = "The keys of receipts cannot be read"
