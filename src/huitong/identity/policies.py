"""How strict the door is, as data: lock-outs, life of sessions, and what acts need step-up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from huitong.identity.errors import StepUpRequired
from huitong.identity.types import Act, Audience, Factor, Session, SessionPolicy
from huitong.kernel.money import Money


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUpRule:
    """Which factors an act needs from amounts of `least` on: any one of them, proved lately.

    A bound rule wants a proof made for this very act, which serves once; otherwise it is enough
    that the session proved the factor within `fresh_minutes`, logging in included.
    """

    act: str
    factors: tuple[Factor, ...]
    fresh_minutes: int
    is_bound: bool
    least: Money | None = None


#: Amounts from 5,000 yuan on ask for more than the PIN: what the rulebook has as
#: `payacct.auth.two_factor.day` and `fraud.new_device.amount.above`.
STEP_UP_RULES: Final[Sequence[StepUpRule]] = (
    StepUpRule(
        act="payments.pay",
        factors=(Factor.PIN, Factor.PASSKEY),
        fresh_minutes=5,
        is_bound=True,
    ),
    StepUpRule(
        act="payments.pay",
        least=Money(500_000, "CNY"),
        factors=(Factor.PASSKEY, Factor.ONE_TIME_CODE),
        fresh_minutes=5,
        is_bound=True,
    ),
    StepUpRule(
        act="payments.withdraw",
        factors=(Factor.PASSKEY, Factor.ONE_TIME_CODE),
        fresh_minutes=5,
        is_bound=True,
    ),
    StepUpRule(
        act="identity.change_password",
        factors=(Factor.ONE_TIME_CODE, Factor.PASSKEY, Factor.PASSWORD),
        fresh_minutes=10,
        is_bound=False,
    ),
    StepUpRule(
        act="identity.set_pin",
        factors=(Factor.ONE_TIME_CODE, Factor.PASSKEY, Factor.PASSWORD),
        fresh_minutes=10,
        is_bound=False,
    ),
    StepUpRule(
        act="identity.register_passkey",
        factors=(Factor.ONE_TIME_CODE, Factor.PASSKEY, Factor.PASSWORD),
        fresh_minutes=10,
        is_bound=False,
    ),
    StepUpRule(
        act="identity.revoke_passkey",
        factors=(Factor.ONE_TIME_CODE, Factor.PASSKEY, Factor.PASSWORD),
        fresh_minutes=10,
        is_bound=False,
    ),
)


def find_step_up_rule(act: Act, rules: Sequence[StepUpRule] = STEP_UP_RULES) -> StepUpRule | None:
    """Return the rule for an act: the one with the highest `least` that its amount reaches.

    An amount in another currency than a rule's cannot be compared, so it is taken to reach it.
    None for an act that no rule names: such an act must not be let through.
    """
    own = [rule for rule in rules if rule.act == act.kind and _reaches(act.amount, rule.least)]
    return max(own, key=_strictness, default=None)


def _reaches(amount: Money | None, least: Money | None) -> bool:
    if least is None:
        return True
    if amount is None:
        return False
    return amount.currency != least.currency or amount.minor >= least.minor


def _strictness(rule: StepUpRule) -> int:
    return 0 if rule.least is None else rule.least.minor


def require_step_up(
    session: Session, act: Act, now: datetime, *, rules: Sequence[StepUpRule] = STEP_UP_RULES
) -> StepUpRule | None:
    """Return the rule that the session still has to satisfy before `act`, or None if it may go on.

    For a bound rule that is always the rule: its proof is asked for and used by `use_step_up`. A
    proof counts for less than `fresh_minutes`. Raises ValueError for an act without a rule: that
    is a mistake of the caller's, and must not open a door.
    """
    rule = find_step_up_rule(act, rules)
    if rule is None:
        raise ValueError(f"No rule says what {act.kind} needs")
    if rule.is_bound:
        return rule
    since = now - timedelta(minutes=rule.fresh_minutes)
    proved = (session.factors.get(factor) for factor in rule.factors)
    return None if any(at is not None and at > since for at in proved) else rule


def demand_two_elements(
    session: Session, act: Act, *, rules: Sequence[StepUpRule] = STEP_UP_RULES
) -> StepUpRequired:
    """Return the refusal that asks for a proof of `act` that makes two elements with the session.

    Who logged in with a code is asked for the PIN or a passkey, for another code proves nothing
    new. Raises ValueError for an act without a rule.
    """
    rule = find_step_up_rule(act, rules)
    if rule is None:
        raise ValueError(f"No rule says what {act.kind} needs")
    factors = [each for each in rule.factors if has_two_elements([*session.factors, each])]
    return StepUpRequired(
        act=act.kind,
        factors=[factor.value for factor in factors],
        fresh_minutes=rule.fresh_minutes,
    )
