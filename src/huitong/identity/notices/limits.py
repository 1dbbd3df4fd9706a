"""How often a notice is tried, and for how long it is news."""

from typing import Final

NOTICES_AT_ONCE_MAX: Final = 100
NOTICES_IN_FLIGHT_MAX: Final = 16
NOTICE_TRIES_MAX: Final = 12
NOTICE_RETRY_SECONDS: Final = 15
NOTICE_RETRY_SECONDS_MAX: Final = 3_600
#: After so long nobody is helped by hearing of it.
NOTICE_LIFE_HOURS: Final = 24
NOTICES_KEEP_DAYS: Final = 30
