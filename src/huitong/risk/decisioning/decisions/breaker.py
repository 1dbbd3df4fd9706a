"""A breaker that stops deciding for a while when it was slow several times in a row."""

from dataclasses import dataclass

from huitong.kernel import limits
from huitong.kernel.logs import get_logger

_log = get_logger(__name__)


@dataclass(slots=True)
class Breaker:
    """Open for `rest_seconds` after `slow_max` batches in a row took more than the budget."""

    budget_seconds: float = limits.RISK_BUDGET_SECONDS
    slow_max: int = limits.RISK_SLOW_BATCHES_MAX
    rest_seconds: float = limits.RISK_REST_SECONDS
    _slow: int = 0
    _open_until: float = float("-inf")

    def is_closed(self, at: float) -> bool:
        """Say whether to decide at an instant of a monotonic clock, in seconds."""
        return at >= self._open_until

    def note(self, seconds: float, *, at: float) -> None:
        """Note how long a batch took."""
        self._slow = self._slow + 1 if seconds > self.budget_seconds else 0
        if self._slow >= self.slow_max:
            self._slow = 0
            self._open_until = at + self.rest_seconds
            _log.error("deciding_is_slow", seconds=round(seconds, 3), rests=self.rest_seconds)
