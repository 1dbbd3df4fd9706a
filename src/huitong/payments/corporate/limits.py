"""Technical bounds of corporate accounts; amounts, times and numbers of people are rules."""

from typing import Final

BANDS_MAX: Final = 10
APPROVERS_MAX: Final = 5
USERS_SHOWN_MAX: Final = 200
PAYEE_NAME_LENGTH_MAX: Final = 70
DESCRIPTION_LENGTH_MAX: Final = 140
INSTRUCTIONS_EXPIRED_AT_ONCE_MAX: Final = 500
#: How many years a standing order may reach, and how many payments it may make.
STANDING_YEARS_MAX: Final = 30
STANDING_COUNT_MAX: Final = 10_000
INTERVAL_DAYS_MAX: Final = 366
#: For how many days a due payment is tried again.
RETRY_DAYS_MAX: Final = 31
#: How long before a nominal date the calendar is asked again when it did not reach that day.
CALENDAR_LOOK_AHEAD_DAYS: Final = 15
#: As many as two members of staff can approve as one request.
POOL_MEMBERS_MAX: Final = 50
POOL_NAME_LENGTH_MAX: Final = 100
POOL_INTERVAL_MINUTES_MIN: Final = 5
POOL_INTERVAL_MINUTES_MAX: Final = 1_440
#: How often balances may move under a sweep before it is left for later.
SWEEP_TRIES_MAX: Final = 3
SWEEP_PAUSE_SECONDS: Final = 60
VIRTUAL_REFERENCE_LENGTH_MAX: Final = 35
PAY_IN_REFERENCE_LENGTH_MAX: Final = 64
REMITTANCE_LENGTH_MAX: Final = 140
#: How many open invoices of one business are looked at for one payment that names none.
INVOICES_MATCHED_MAX: Final = 10_000
