"""How many HTTP answers this process has given: totals that cost nothing to read.

The metrics count the same by route and status, and summing thousands of series every few seconds
would stop the event loop each time.
"""

import threading
from dataclasses import dataclass
from typing import Final

from huitong.kernel import limits

_SERVER_ERROR: Final = 500


@dataclass(frozen=True)
class Answers:
    """Numbers of answers: all, those with a status of 500 or more, and those that were slow."""

    requests: int = 0
    server_errors: int = 0
    slow: int = 0


class AnswerTally:
    """Counts answers, from any thread."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._lock = threading.Lock()
        self._requests = self._server_errors = self._slow = 0

    def note(self, status: int, seconds: float) -> None:
        """Count one answer, by its status (0 if the caller had left) and the time it took."""
        is_error = status >= _SERVER_ERROR
        is_slow = seconds > limits.SLOW_ANSWER_SECONDS
        with self._lock:
            self._requests += 1
            self._server_errors += is_error
            self._slow += is_slow

    def read(self) -> Answers:
        """Return what was counted since the process began."""
        with self._lock:
            return Answers(self._requests, self._server_errors, self._slow)


#: Of this process.
ANSWERS: Final = AnswerTally()
