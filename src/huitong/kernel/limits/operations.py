"""Operational monitoring."""

from typing import Final

# Operational monitoring. What a process has counted waits so long, and is so much at most.
SIGNALS_FLUSH_SECONDS: Final = 2.0
SIGNALS_KEPT_MAX: Final = 20_000
SIGNALS_KEPT_HOURS: Final = 3
#: An answer that took longer is a slow one.
SLOW_ANSWER_SECONDS: Final = 1.0
SIGNALS_READ_MAX: Final = 1_000
EVALUATION_SECONDS: Final = 2.0
COUNTERMEASURE_NEWS_SECONDS: Final = 0.5
COUNTERMEASURES_IN_FORCE_MAX: Final = 10_000
RATE_LIMITED_CALLERS_MAX: Final = 50_000
KNOWN_CREDENTIALS_MAX: Final = 50_000
WATCHED_ADDRESSES_MAX: Final = 20_000
WATCHERS_READ_MAX: Final = 1_000
INCIDENT_STEPS_READ_MAX: Final = 500
INCIDENT_TEXT_LENGTH_MAX: Final = 500
