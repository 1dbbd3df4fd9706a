"""What acts need a proof once more, as the rulebook has it on a business day.

Keys are `step_up.<act>.<member>`, or `step_up.<act>.<level>.<member>` for a level that holds from
an amount on; an act is two words, such as `payments.pay`. The members are `factors`, `fresh`
(minutes), `bound` (a flag) and, of a level, `least` (an amount).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from huitong.identity.deciding import LOG_IN_ACT
from huitong.identity.errors import SessionReduced, StepUpRequired
from huitong.identity.policies import has_two_elements
from huitong.identity.types import Act, Factor, Session
from huitong.kernel.clock import business_day
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook

_PREFIX: Final = "step_up."
_FACTORS: Final = ".factors"
_ACT_WORDS: Final = 2
# Today's and, around midnight, yesterday's.
_DAYS_CACHED_MAX: Final = 8


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


@lru_cache(maxsize=_DAYS_CACHED_MAX)
def list_step_up_rules(rulebook: Rulebook, on_day: date) -> tuple[StepUpRule, ...]:
    """Return the rules in force on a business day, in order of their acts.

    Raises ValueError for a factor that does not exist, UnknownRuleError and NoRuleInForce for a
    rule without all its members: half a rule must not open a door.
    """
    names = sorted(
        rule.key.removesuffix(_FACTORS)
        for rule in rulebook.list_rules(on_day)
        if rule.key.startswith(_PREFIX) and rule.key.endswith(_FACTORS)
    )
    return tuple(_read(rulebook, name, on_day) for name in names)


def rules_at(now: datetime, rulebook: Rulebook | None = None) -> tuple[StepUpRule, ...]:
    """Return the rules of the instant's business day, from the rulebook that ships if not given."""
    return list_step_up_rules(rulebook or Rulebook.load(), business_day(now))


def find_step_up_rule(act: Act, rules: Sequence[StepUpRule]) -> StepUpRule | None:
    """Return the rule for an act: the one with the highest `least` that its amount reaches.

    An amount in another currency than a rule's cannot be compared, so it is taken to reach it.
    None for an act that no rule names: such an act must not be let through.
    """
    own = [rule for rule in rules if rule.act == act.kind and _reaches(act.amount, rule.least)]
    return max(own, key=_strictness, default=None)


def require_step_up(
    session: Session, act: Act, now: datetime, *, rules: Sequence[StepUpRule] | None = None
) -> StepUpRule | None:
    """Return the rule that the session still has to satisfy before `act`, or None if it may go on.

    The rules are those of `now` unless others are given. For a bound rule that is always the rule:
    its proof is asked for and used by `use_step_up`. A proof counts for less than `fresh_minutes`.
    Raises ValueError for an act without a rule: that is a mistake of the caller's, and must not
    open a door. Raises SessionReduced, and StepUpRequired for a session that waits for its second
    factor: it does nothing before.
    """
    rule = find_step_up_rule(act, rules_at(now) if rules is None else rules)
    if rule is None:
        raise ValueError(f"No rule says what {act.kind} needs")
    check_powers(session, now)
    if rule.is_bound:
        return rule
    since = now - timedelta(minutes=rule.fresh_minutes)
    proved = (session.factors.get(factor) for factor in rule.factors)
    return None if any(at is not None and at > since for at in proved) else rule


def check_powers(session: Session, now: datetime) -> None:
    """Refuse a session that waits for its second factor, or that may do less for a time.

    Raises StepUpRequired, SessionReduced.
    """
    if session.awaits_proof:
        raise demand_second_factor(session, now)
    if session.reduced_until is not None and session.is_reduced(now):
        raise SessionReduced(session.reduced_until)


def demand_second_factor(session: Session, now: datetime) -> StepUpRequired:
    """Return the refusal of a session that waits for a second factor: it names which would do."""
    return demand_two_elements(session, LOG_IN_ACT, now)


def demand_two_elements(
    session: Session, act: Act, now: datetime, *, rules: Sequence[StepUpRule] | None = None
) -> StepUpRequired:
    """Return the refusal that asks for a proof of `act` that makes two elements with the session.

    Who logged in with a code is asked for the PIN or a passkey, for another code proves nothing
    new. Raises ValueError for an act without a rule.
    """
    rule = find_step_up_rule(act, rules_at(now) if rules is None else rules)
    if rule is None:
        raise ValueError(f"No rule says what {act.kind} needs")
    factors = [each for each in rule.factors if has_two_elements([*session.factors, each])]
    return StepUpRequired(
        act=act.kind,
        factors=[factor.value for factor in factors],
        fresh_minutes=rule.fresh_minutes,
    )


def _read(rulebook: Rulebook, name: str, on_day: date) -> StepUpRule:
    words = name.removeprefix(_PREFIX).split(".")
    factors = rulebook.rule(f"{name}{_FACTORS}", on_day).value
    if not isinstance(factors, tuple):
        raise ValueError(f"{name}{_FACTORS} must be a list of factors")
    has_level = len(words) > _ACT_WORDS
    return StepUpRule(
        act=".".join(words[:_ACT_WORDS]),
        factors=tuple(Factor(str(each)) for each in factors),
        fresh_minutes=rulebook.integer(f"{name}.fresh", on_day),
        is_bound=rulebook.flag(f"{name}.bound", on_day),
        least=rulebook.amount(f"{name}.least", on_day) if has_level else None,
    )


def _reaches(amount: Money | None, least: Money | None) -> bool:
    if least is None:
        return True
    if amount is None:
        return False
    return amount.currency != least.currency or amount.minor >= least.minor


def _strictness(rule: StepUpRule) -> int:
    return 0 if rule.least is None else rule.least.minor
