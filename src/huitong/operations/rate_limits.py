"""Rate limits: the generic cell rate algorithm, one number for each caller.

For each caller stands the instant at which it would have used up nothing (ITU-T I.371: the
theoretical arrival time). A request moves it one interval on and passes unless that is more than
the tolerance ahead of now: a caller may send `quota` at once, and one each interval from then on.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from huitong.kernel import limits


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`quota` requests in `window_seconds`; `name` is what callers see as the policy."""

    name: str
    quota: int
    window_seconds: int

    def __post_init__(self) -> None:
        """Refuse with ValueError what would let nothing pass, or all."""
        if self.quota < 1 or self.window_seconds < 1:
            raise ValueError(f"{self.name} allows {self.quota} in {self.window_seconds} s")


class RateLimiter:
    """The budgets of all callers of one process."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        callers_max: int = limits.RATE_LIMITED_CALLERS_MAX,
    ) -> None:
        """Make a limiter in which everybody has a full budget; `clock` tells seconds."""
        self._clock = clock
        self._callers_max = callers_max
        self._used_until: dict[str, float] = {}

    def __len__(self) -> int:
        """How many callers it keeps a number of."""
        return len(self._used_until)

    def take(self, caller: str, limit: RateLimit) -> int:
        """Take one request from a caller's budget; return 0, or the whole seconds to wait."""
        now = self._clock()
        used_until = self._used_until.get(caller, now)
        # At once a limit is tightened, what was used under the old one counts for no more than all.
        used_until = min(max(used_until, now), now + limit.window_seconds)
        used_until += limit.window_seconds / limit.quota
        # The last digits of sums must not take the last request of a quota away.
        wait = used_until - now - limit.window_seconds
        if wait > 1e-9:  # noqa: PLR2004
            return math.ceil(wait)
        if len(self._used_until) >= self._callers_max and caller not in self._used_until:
            self._forget(now)
        self._used_until[caller] = used_until
        return 0

    def _forget(self, now: float) -> None:
        # Who has used nothing lately has a full budget, with a number or without.
        kept = {who: until for who, until in self._used_until.items() if until > now}
        if len(kept) > self._callers_max // 2:
            # More callers than we count: those who used most stay known.
            ranked = sorted(kept.items(), key=lambda each: each[1], reverse=True)
            kept = dict(ranked[: self._callers_max // 2])
        self._used_until = kept
