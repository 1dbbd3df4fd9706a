"""Technical maxima of payments abroad; what is a rule of business is in the rulebook."""

from typing import Final

#: Lengths of ISO 20022 texts: names, and what a payment is for.
NAME_LENGTH_MAX: Final = 140
NOTE_LENGTH_MAX: Final = 140
ADDRESS_LENGTH_MAX: Final = 140
ADDRESS_LINE_LENGTH_MAX: Final = 70
ACCOUNT_LENGTH_MAX: Final = 34
REASON_LENGTH_MAX: Final = 200

#: Its Base64 fits a request.
PAPER_BYTES_MAX: Final = 700_000
#: Of a paper's bytes sealed at once: base64 of it stays below what a vault seals as one value.
PAPER_PART_BYTES: Final = 45_000
PAPERS_PER_PAYMENT_MAX: Final = 10
PAPERS_UNUSED_MAX: Final = 50

RATE_ANSWER_BYTES_MAX: Final = 65_536
RATE_TIMEOUT_SECONDS_MAX: Final = 3.0
RATE_POLL_SECONDS: Final = 5.0
#: How far ahead of ours the clock of a rate source may be.
RATE_CLOCK_SKEW_SECONDS_MAX: Final = 5

#: How long one worker has a payment to itself, and how long it waits for what did not answer.
LEASE_SECONDS: Final = 30
RETRY_SECONDS_MAX: Final = 600
PAYMENTS_AT_ONCE_MAX: Final = 50
MESSAGE_BYTES_MAX: Final = 1 << 20
TRANSFERS_PER_MESSAGE_MAX: Final = 100
CHARGES_PER_LEG_MAX: Final = 20

SCREENING_NAMES_MAX: Final = 500_000
SCREENING_FILE_BYTES_MAX: Final = 100 << 20
HITS_PER_PAYMENT_MAX: Final = 50
