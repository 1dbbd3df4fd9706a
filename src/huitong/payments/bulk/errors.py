"""Refusals about files of payments."""

from huitong.kernel.errors import Conflict, InvalidField, LimitExceeded, NotFound, Refusal


class BulkFileUnreadable(InvalidField):
    """The bytes are not a file of payments: nothing about its lines can be said."""

    code = "bulk_file_unreadable"
    title = "This is not a file of payments"


class BulkFileTooLarge(LimitExceeded):
    """The file, or what it unpacks to, is larger than we read."""

    code = "bulk_file_too_large"
    title = "The file is too large"


class BulkFileNotFound(NotFound):
    """There is no such file of this business."""

    code = "bulk_file_not_found"
    title = "There is no such file of payments"


class BulkFileRepeated(Conflict):
    """The same bytes were submitted before, and nobody said that they are meant to be."""

    code = "bulk_file_repeated"
    title = "The same file was submitted before"


class BulkFileChanged(Conflict):
    """What is to be approved is not what was submitted."""

    code = "bulk_file_changed"
    title = "The file is another than the one that was seen"


class BulkFileNotWaiting(Conflict):
    """The file does not wait for a decision."""

    code = "bulk_file_not_waiting"
    title = "The file does not wait for a decision"


class BulkNotAllowed(Refusal):
    """The person may not do this for the business, or not for so much money."""

    code = "bulk_not_allowed"
    title = "This person may not do that for the business"


class BusinessUserNotFound(NotFound):
    """The person has no such role for the business."""

    code = "business_user_not_found"
    title = "This person has no such role for the business"


class TooManyUploads(LimitExceeded):
    """So many files are being taken in, or were of this business, that another has to wait."""

    code = "too_many_uploads"
    title = "Too many files of payments; send this one later"

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        """Say how long to wait, in whole seconds."""
        super().__init__(detail, context={"retry_after_seconds": retry_after_seconds})
