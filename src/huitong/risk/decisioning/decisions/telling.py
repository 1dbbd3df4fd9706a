"""What the payer of a payment that was stopped is told: reasons of rules, and never who is listed.

That somebody is on a list is not the other party's to know, and may warn those whom it is about.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from huitong.risk.decisioning.decisions.types import Decision, Reason
from huitong.risk.decisioning.rules.types import Rule
from huitong.risk.decisioning.types import Action

CHECKS_NOT_PASSED: Final = Reason(
    code="checks",
    zh="本笔付款未能通过风险核查。",
    en="This payment did not pass our checks of risk.",
)
FAILED: Final = Reason(
    code="rule_failed",
    zh="有一条规则无法计算，因此需要人工核实。",
    en="A rule could not be computed, so somebody has to look at it.",
)
SCORE_HIGH: Final = Reason(
    code="score_high",
    zh="该笔付款与已知的欺诈付款相似。",
    en="The payment resembles those that are known to be fraud.",
)


def list_payer_reasons(decision: Decision, rules: Iterable[Rule]) -> tuple[Reason, ...]:
    """Return why, in the words of those rules that were true and asked for what was done.

    At least one reason: a general one where no rule's words may be told.
    """
    by_key: Mapping[str, Rule] = {rule.key: rule for rule in rules}
    told = [
        Reason(code=rule.key, zh=rule.reason_zh, en=rule.reason_en)
        for key in decision.hits
        if (rule := by_key.get(key)) is not None and rule.action is decision.action
    ]
    if told:
        return tuple(told)
    if decision.scoring is not None and decision.scoring.action is decision.action:
        return (SCORE_HIGH,)
    # What failed asks for a review; what is blocked without a rule's word is so by a list.
    is_failed = bool(decision.failed) and decision.action is Action.REVIEW
    return (FAILED if is_failed else CHECKS_NOT_PASSED,)
