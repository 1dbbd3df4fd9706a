"""Technical limits of settlement and disputes; thresholds of rules are in the rulebook."""

from datetime import timedelta
from typing import Final

#: Statement lines in one sheet; what is more follows in the next sheet, at once.
SHEET_LINES_MAX: Final = 20_000
#: When an account is looked at again whose movements are not statement lines yet.
PROJECTION_PAUSE: Final = timedelta(seconds=1)
#: Accounts that one run of a worker's step settles.
ACCOUNTS_AT_ONCE_MAX: Final = 50
#: Payouts to banks that one step hands over.
PAYOUTS_AT_ONCE_MAX: Final = 50
#: How often a payout to a bank may be asked for.
PAYOUT_TRIES_MAX: Final = 10
#: How often a settlement or chargeback is worked out again because balances moved meanwhile.
POSTING_TRIES_MAX: Final = 3
#: Days that are looked through for a cut-off that is due.
CUTOFF_DAYS_MAX: Final = 400
FEE_RULES_MAX: Final = 64
NAME_LENGTH_MAX: Final = 100
CITY_LENGTH_MAX: Final = 64
LABEL_LENGTH_MAX: Final = 64
STORES_MAX: Final = 1_000
TERMINALS_OF_STORE_MAX: Final = 1_000
RECEIVERS_MAX: Final = 50
#: The widest period of a report by store.
REPORT_DAYS_MAX: Final = 92
#: Disputes whose time has run out that one step ends.
DISPUTES_AT_ONCE_MAX: Final = 100
STATEMENT_LENGTH_MAX: Final = 500
CHANNEL_REFERENCE_LENGTH_MAX: Final = 64
EVIDENCE_BYTES_MAX: Final = 2_000_000
EVIDENCE_FILES_MAX: Final = 10
#: Bytes of a file of evidence that are sealed together.
EVIDENCE_PART_BYTES: Final = 48 * 1024
