"""How strict the door is, as data: lock-outs, the life of sessions, and what a factor proves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from huitong.identity.types import Audience, Factor, SessionPolicy


class LockKind(StrEnum):
    """Whose failures are counted."""

    ADDRESS = "address"
    #: A mobile number in one audience, whether or not it has a login; or one known device of it.
    NUMBER = "number"
    #: The payment PIN of a login.
    PIN = "pin"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRule:
    """When failures in a row lock, and for how long: twice as long with each one more.

    All failures are forgotten `forget_seconds` after the last one. With `leak_seconds`, one is
    forgotten for each so many seconds that none came: where many people share what is counted,
    their ordinary mistakes must not add up for ever.
    """

    free_failures: int
    first_seconds: int
    seconds_max: int
    forget_seconds: int = 86_400
    leak_seconds: int | None = None

    def remember(self, failures: int, seconds_since: float) -> int:
        """Return how many of `failures` still count so many seconds after the last one."""
        if seconds_since >= self.forget_seconds:
            return 0
        if self.leak_seconds is None:
            return failures
        return max(0, failures - int(seconds_since // self.leak_seconds))

    def seconds_after(self, failures: int) -> int:
        """Return for how long the `failures`-th failure in a row locks; 0 for not at all.

        With 5 free failures and 30 first seconds: 0 for the 4th, 30 for the 5th, 60 for the 6th,
        120 for the 7th, up to `seconds_max`.
        """
        beyond = failures - self.free_failures
        if beyond < 0:
            return 0
        # A shift of an unbounded number of bits would be a very long number.
        doublings = min(beyond, self.seconds_max.bit_length())
        return min(self.first_seconds << doublings, self.seconds_max)


class Element(StrEnum):
    """What kind of thing a factor proves; two factors of one kind are no more than one.

    Source: 非银行支付机构网络支付业务管理办法, Art. 22.
    """

    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"
    #: The authenticator knew its user, by fingerprint, face or a PIN of its own.
    USER_VERIFICATION = "user_verification"


ELEMENTS: Final[Mapping[Factor, frozenset[Element]]] = {
    Factor.PASSWORD: frozenset({Element.KNOWLEDGE}),
    Factor.PIN: frozenset({Element.KNOWLEDGE}),
    Factor.ONE_TIME_CODE: frozenset({Element.POSSESSION}),
    # Passkeys are asked for with user verification always.
    Factor.PASSKEY: frozenset({Element.POSSESSION, Element.USER_VERIFICATION}),
}
_TWO: Final = 2


def has_two_elements(factors: Iterable[Factor]) -> bool:
    """Say whether factors prove at least two independent kinds of things: code and PIN do."""
    return len(frozenset().union(*(ELEMENTS[factor] for factor in factors))) >= _TWO


LOCK_RULES: Final[Mapping[LockKind, LockRule]] = {
    # Behind one address there may be a whole town: twelve mistakes a minute are let pass for ever.
    LockKind.ADDRESS: LockRule(free_failures=50, first_seconds=30, seconds_max=900, leak_seconds=5),
    LockKind.NUMBER: LockRule(free_failures=5, first_seconds=30, seconds_max=86_400),
    LockKind.PIN: LockRule(free_failures=5, first_seconds=300, seconds_max=86_400),
}

SESSION_POLICIES: Final[Mapping[Audience, SessionPolicy]] = {
    Audience.CUSTOMER: SessionPolicy(live_seconds=12 * 3_600, idle_seconds=30 * 60),
    Audience.STAFF: SessionPolicy(live_seconds=8 * 3_600, idle_seconds=15 * 60),
}
