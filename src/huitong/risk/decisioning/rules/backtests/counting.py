"""From patterns (rows that the same rules hit) to the figures of a back-test; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from huitong.kernel import limits
from huitong.kernel.errors import LimitExceeded
from huitong.risk.decisioning.rules.backtests.types import BacktestResult, RuleResult, Share
from huitong.risk.decisioning.rules.types import Rule
from huitong.risk.decisioning.types import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Rows that the same rules hit and failed on, bit by bit, and of which the same is known."""

    hits: int
    failed: int
    is_fraud: bool | None
    rows: int
    amount: int


def count(
    rules: Sequence[Rule], first_day: date, end_day: date, patterns: Sequence[Pattern]
) -> BacktestResult:
    """Return the figures of a back-test; raises LimitExceeded for too many patterns."""
    if len(patterns) > limits.BACKTEST_PATTERNS_MAX:
        raise LimitExceeded(
            f"more than {limits.BACKTEST_PATTERNS_MAX} combinations of rules hit; "
            "test fewer rules at once"
        )
    actions = {
        action.code: _share(each for each in patterns if _act(rules, each) is action)
        for action in Action
    }
    return BacktestResult(
        first_day=first_day,
        end_day=end_day,
        everything=_share(patterns),
        rules=tuple(_count_rule(rules, at, patterns) for at in range(len(rules))),
        actions=actions,
    )


def _count_rule(rules: Sequence[Rule], at: int, patterns: Sequence[Pattern]) -> RuleResult:
    own = 1 << at
    hit = [each for each in patterns if each.hits & own]
    overlaps = {
        other.key: rows
        for place, other in enumerate(rules)
        if place != at and (rows := sum(each.rows for each in hit if each.hits & (1 << place)))
    }
    return RuleResult(
        key=rules[at].key,
        hits=_share(hit),
        alone=_share(each for each in hit if each.hits == own),
        failed=sum(each.rows for each in patterns if each.failed & own),
        overlaps=overlaps,
    )


def _act(rules: Sequence[Rule], pattern: Pattern) -> Action:
    """Return the hardest action that was asked for; what failed asks for a review."""
    asked = [rule.action for at, rule in enumerate(rules) if pattern.hits & (1 << at)]
    if pattern.failed:
        asked.append(Action.REVIEW)
    return max(asked, default=Action.ALLOW)


def _share(patterns: Iterable[Pattern]) -> Share:
    rows = amount = fraud = fraud_amount = honest = 0
    for each in patterns:
        rows += each.rows
        amount += each.amount
        if each.is_fraud:
            fraud += each.rows
            fraud_amount += each.amount
        elif each.is_fraud is not None:
            honest += each.rows
    return Share(rows=rows, amount=amount, fraud=fraud, fraud_amount=fraud_amount, honest=honest)
