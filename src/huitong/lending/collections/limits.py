"""Technical limits of collections; thresholds of rules are in the rulebook."""

from typing import Final

SEGMENTS_MAX: Final = 16
STEPS_MAX: Final = 64
#: How far before a due day the first step of a strategy may be, and after it the last.
BEFORE_DUE_DAYS_MAX: Final = 30
OVERDUE_DAYS_MAX: Final = 3_650
TEXT_ZH_LENGTH_MAX: Final = 140
TEXT_EN_LENGTH_MAX: Final = 240
SCORE_MAX: Final = 10_000
AMOUNT_MAX: Final = 10**12
#: Loans that are looked at in one transaction once a day is closed.
CHUNK_LOANS: Final = 20_000
#: Steps that a worker takes in one transaction.
AUTOMATIC_AT_ONCE_MAX: Final = 100
#: Messages are sent a moment after they are asked for; none is asked for so close to quiet hours.
SENDING_SECONDS: Final = 60
PAGE_MAX: Final = 100
#: Of one loan or debtor, newest first.
HISTORY_MAX: Final = 200
OPEN_COMPLAINTS_MAX: Final = 3
WORDS_LENGTH_MAX: Final = 1_000
REASON_LENGTH_MAX: Final = 500
#: Tasks that one member of staff has at once.
TASKS_OF_STAFF_MAX: Final = 50
