"""Technical limits of clearing."""

from typing import Final

from huitong.kernel import limits

#: Payments of one group that is set off: one journal entry, with two transfers for each.
OFFSET_PAYMENTS_MAX: Final = limits.ENTRY_TRANSFERS_MAX // 2
#: Runs of offsetting that are shown.
OFFSETS_SHOWN_MAX: Final = 50
#: Lines of a statement that are read at once while it is written as CSV.
STATEMENT_PART_LINES: Final = 5_000
#: Payments of a statement as one message, which is held in memory whole.
STATEMENT_MESSAGE_LINES_MAX: Final = 20_000
