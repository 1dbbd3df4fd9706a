"""Technical limits of reconciliation."""

from typing import Final

#: Of a file from a disk, and of one that comes over the API.
FILE_BYTES_MAX: Final = 1_073_741_824
UPLOAD_BYTES_MAX: Final = 32 * 1_048_576
#: A file that is fetched lies on a disk beyond this size.
FETCH_MEMORY_BYTES: Final = 8 * 1_048_576
FETCH_SECONDS_MAX: Final = 30.0
#: Of a whole file, however slowly it comes.
FETCH_WHOLE_SECONDS_MAX: Final = 600.0
MESSAGE_BYTES_MAX: Final = 32 * 1_048_576
FILE_LINES_MAX: Final = 5_000_000
LINE_BYTES_MAX: Final = 512
READ_BYTES: Final = 4 * 1_048_576
#: Lines that are stored in one transaction: what a killed run has to do again.
RANGE_LINES: Final = 100_000
#: A file of which nothing was stored for so long has stopped, and another one may take its day.
GOES_ON_SECONDS: Final = 900
#: Bad lines that are told at once.
PROBLEMS_MAX: Final = 100
#: A file with more differences than this is of another day or house, and is not matched.
DIFFERENCES_MAX: Final = 200_000
#: From this many lines on tables are joined whole and not row by row.
WHOLE_JOIN_LINES: Final = 20_000
JOIN_MEMORY: Final = "128MB"
MATCH_SECONDS_MAX: Final = 600
#: Attempts and ledger lines that are compared in one transaction: each reads the tables whole.
BOOKS_BATCH: Final = 2_000_000
#: Where more than this many of them disagree, so many are compared, so that all fit in memory.
BOOKS_BATCH_SMALL: Final = 50_000
#: A transaction that ended an attempt has committed by then, or never will.
SETTLING_SECONDS: Final = 60
BREAKS_AGED_AT_ONCE_MAX: Final = 1_000
LINES_KEEP_DAYS: Final = 35
RANGES_PRUNED_AT_ONCE: Final = 20
BREAKS_PAGE_MAX: Final = 200
HISTORY_MAX: Final = 200
