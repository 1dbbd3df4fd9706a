"""Technical limits of contracts on paper."""

from typing import Final

#: A paper that somebody hands in to be verified, and its last line.
CONTRACT_BYTES_MAX: Final = 2_097_152
CONTRACT_TAIL_BYTES: Final = 262_144
#: Lines of the schedule on one page.
LINES_A_PAGE: Final = 34
#: Lines of one value: the longest description of collateral is no longer.
VALUE_LINES_MAX: Final = 8
