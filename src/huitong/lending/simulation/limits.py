"""Technical limits of the simulation."""

from typing import Final

LOANS_MAX: Final = 20_000
MONTHS_MAX: Final = 36
#: Days past due after which a simulated loan is written off.
WRITTEN_OFF_AFTER_DAYS: Final = 365
#: Entries posted in one transaction.
ENTRIES_AT_ONCE: Final = 500
