"""Circuit breakers: a channel that answers nobody is left alone for a while, then tried once.

Kept in the memory of each process, fed by the outcomes that it sees. A *no* of a bank is an
answer: only silence and nonsense open a circuit.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import limits
from huitong.payments.channels.types import ChannelAnswer, ChannelVerdict, CircuitState, Health

_WINDOW: Final = timedelta(seconds=limits.CHANNEL_HEALTH_WINDOW_SECONDS)
_PAUSE: Final = timedelta(seconds=limits.CHANNEL_CIRCUIT_OPEN_SECONDS)


class CircuitBreaker:
    """One channel as this process sees it."""

    def __init__(self) -> None:
        """Start well and without a past."""
        self._seen: deque[tuple[datetime, str]] = deque(maxlen=limits.CHANNEL_OUTCOMES_KEPT_MAX)
        self._silent_in_a_row = 0
        self._open_until: datetime | None = None

    def may_send(self, now: datetime) -> bool:
        """Return whether an order that was never sent may go out now.

        While a circuit is half open one order at a time may; its answer closes the circuit.
        """
        if self._open_until is None:
            return True
        if now < self._open_until:
            return False
        self._open_until = now + _PAUSE
        return True

    def record(self, answer: ChannelAnswer | None, now: datetime) -> None:
        """Take note of what the channel said, or that it said nothing that can be relied on."""
        if answer is None:
            self._silent_in_a_row += 1
            self._seen.append((now, "unanswered"))
            if self._silent_in_a_row >= limits.CHANNEL_SILENCES_MAX:
                self._open_until = now + _PAUSE
            return
        self._silent_in_a_row = 0
        self._open_until = None
        if answer.verdict in (ChannelVerdict.SUCCEEDED, ChannelVerdict.FAILED):
            self._seen.append((now, answer.verdict.value))

    def describe(self, now: datetime) -> Health:
        """Return the state now, and what was counted in the window before it."""
        words = [word for at, word in self._seen if at > now - _WINDOW]
        if self._open_until is None:
            state = CircuitState.CLOSED
        else:
            state = CircuitState.OPEN if now < self._open_until else CircuitState.HALF_OPEN
        return Health(
            state=state,
            succeeded=words.count("succeeded"),
            failed=words.count("failed"),
            unanswered=words.count("unanswered"),
        )
