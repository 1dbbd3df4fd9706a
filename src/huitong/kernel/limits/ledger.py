"""The ledger: postings, projection, transparency log."""

from typing import Final

# Writing.
BATCH_TRANSFERS_MAX: Final = 50_000
# Plain transfers as columns: the more of them share a balance, the less each one costs.
COLUMNS_TRANSFERS_MAX: Final = 400_000
# From here on a batch is written before its balances are locked; below, the detour costs more.
COLUMNS_AHEAD_MIN: Final = 5_000
# Numbers of batches that others may draw while a large batch is on its way to its place.
PLACE_GAP: Final = 4_096
ENTRY_TRANSFERS_MAX: Final = 1_000
#: A batch waits this long at most for those who were just answered, from so many on: for fewer,
#: the requests are too few to be in need of larger batches.
BATCH_GATHER_SECONDS_MAX: Final = 0.004
BATCH_GATHER_REQUESTS_MIN: Final = 8
BATCH_REQUESTS_MAX: Final = 1_000
#: How often what waits for another request of its batch is looked at again.
DEFERRALS_MAX: Final = 8
QUEUE_REQUESTS_MAX: Final = 4_096
RETRY_AFTER_SECONDS: Final = 1
ACCOUNTS_PER_BATCH_MAX: Final = 1_000

# The ledger's projection, in journal rows and batches a step.
PROJECTION_ROWS_MAX: Final = 200_000
PROJECTION_BATCHES_MAX: Final = 64
PROJECTION_SECONDS_MAX: Final = 300
VERIFY_EXAMPLES_MAX: Final = 5
# The transparency log, in journal rows and ranges of batches a step.
SEAL_TRANSFERS_MAX: Final = 20_000
SEAL_RANGES_MAX: Final = 256
# The log counts its leaves in PostgreSQL's BIGINT.
LOG_SIZE_MAX: Final = 2**63 - 1
LOG_NOTE_BYTES_MAX: Final = 4_096
LOG_NOTE_SIGNATURES_MAX: Final = 16
LOG_PROOF_BYTES_MAX: Final = 65_536
