"""Technical limits of taking files in."""

from typing import Final

#: Files that one process takes in at once: each is held in memory whole while it is checked.
UPLOADS_AT_ONCE_MAX: Final = 4
#: Of them, for one business, so that no business keeps all others out.
UPLOADS_OF_BUSINESS_MAX: Final = 2
#: When a place is likely to be free again: checking the largest file takes about this long.
UPLOAD_RETRY_SECONDS: Final = 10
#: Files that a business hands in within an hour, bad ones included: each keeps what is wrong.
FILES_AN_HOUR_MAX: Final = 60
