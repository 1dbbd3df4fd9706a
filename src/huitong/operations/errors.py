"""What callers are told who ask too much, and staff who ask for what is not there."""

from huitong.kernel.errors import Conflict, NotFound, Refusal
from huitong.operations.rate_limits import RateLimit


class RateLimited(Refusal):
    """The caller asks faster than it may."""

    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, limit: RateLimit, wait_seconds: int) -> None:
        """Name the limit, in the words of the headers."""
        super().__init__(
            f"Wait {wait_seconds} s. 请求过于频繁，请在 {wait_seconds} 秒后重试。",
            context={
                "retry_after_seconds": wait_seconds,
                "policy": limit.name,
                "quota": limit.quota,
                "window_seconds": limit.window_seconds,
            },
        )


class CallerBlocked(Refusal):
    """The caller, or the address that it comes from, is blocked for a time."""

    code = "caller_blocked"
    title = "Requests from here are blocked for a time"

    def __init__(self, wait_seconds: int) -> None:
        """Say how long it still lasts."""
        super().__init__(
            f"Blocked for {wait_seconds} s because of unusual use. Whoever needs access before "
            f"asks the bank. 因使用异常，{wait_seconds} 秒内拒绝访问；如有疑问请联系银行。",
            context={"retry_after_seconds": wait_seconds},
        )


class ChallengeRequired(Refusal):
    """A password alone opens nothing from here for a time."""

    code = "challenge_required"
    title = "Log in with a code or a passkey"

    def __init__(self) -> None:
        """Say which doors are open."""
        super().__init__(
            "Too many log-ins have failed from this network. Log in with a code by SMS or with a "
            "passkey. 该网络登录失败次数过多，请使用短信验证码或通行密钥登录。"
        )


class IncidentNotFound(NotFound):
    """No incident has this id."""

    code = "incident_not_found"
    title = "There is no such incident"


class CountermeasureNotFound(NotFound):
    """No counter-measure has this id."""

    code = "countermeasure_not_found"
    title = "There is no such counter-measure"


class IncidentStateConflict(Conflict):
    """The incident is further than that already."""

    code = "incident_state_conflict"
    title = "The incident is not in a state for this"


class CountermeasureOver(Conflict):
    """The counter-measure has ended, or was lifted."""

    code = "countermeasure_over"
    title = "The counter-measure does not hold any more"
