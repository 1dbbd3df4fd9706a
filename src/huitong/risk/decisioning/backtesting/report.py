"""The report of a back-test: what JSON can carry, in the words of those who decide by it."""

from collections.abc import Sequence
from typing import Any, Final

from huitong.kernel.ids import DECISION, RULE_VERSION, show_id
from huitong.risk.decisioning.backtesting.comparing import Comparison, Example
from huitong.risk.decisioning.backtesting.history import Exported
from huitong.risk.decisioning.rules.backtests.types import BacktestResult, Share, round_share
from huitong.risk.decisioning.rules.types import RuleVersion
from huitong.risk.decisioning.types import Action

_PER: Final = 10_000
_ALWAYS: Final = {
    "code": "as_it_was",
    "zh": "历史是当时发生的情况：被拦截的交易没有后续，规则若早些生效，之后的计数也会不同；"
    "名单不参与回测。",
    "en": "History is what happened: what was blocked has no sequel, earlier rules would have "
    "changed later counters, and lists take no part.",
}


def make_report(
    result: BacktestResult,
    comparison: Comparison,
    exported: Exported,
    *,
    live: RuleVersion | None,
    has_parties: bool,
) -> dict[str, Any]:
    """Return the report that is stored with a version.

    `honest` is about customers where the purpose knows them: of those without known fraud in the
    period, how many would have met more than an `allow`. Amounts are minor units.
    """
    stopped = _stop(result.actions)
    return {
        **result.to_json(),
        "stopped": _show_share(stopped, result.everything),
        "live": None if live is None else _show_live(live, comparison, result.everything),
        "honest": _show_honest(comparison, live) if has_parties else None,
        "examples": {
            "honest_hit": _show_examples(comparison.honest_hit),
            "fraud_missed": _show_examples(comparison.fraud_missed),
        },
        "history": {
            "rows": exported.rows,
            "unassessed": exported.unassessed,
            "unlabelled": exported.unlabelled,
            "absent_features": dict(sorted(exported.absent.items())),
        },
        "notes": _write_notes(exported, has_parties=has_parties),
    }


def _stop(actions: Any) -> Share:
    return Share.add(share for name, share in actions.items() if name != Action.ALLOW.code)


def _show_share(share: Share, everything: Share) -> dict[str, object]:
    return {**share.to_json(), "recall": round_share(share.recall(everything))}


def _show_live(live: RuleVersion, comparison: Comparison, everything: Share) -> dict[str, object]:
    return {
        "version": show_id(RULE_VERSION, live.id),
        "number": live.number,
        "stopped": _show_share(_stop(comparison.live_actions), everything),
        "changes": [
            {"from": each.live.code, "to": each.asked.code, **each.share.to_json()}
            for each in comparison.changes
        ],
    }


def _show_honest(comparison: Comparison, live: RuleVersion | None) -> dict[str, object]:
    def per(hit: int) -> float | None:
        return round(hit * _PER / comparison.parties, 2) if comparison.parties else None

    return {
        "customers": comparison.parties,
        "hit": comparison.hit,
        "hit_per_10000": per(comparison.hit),
        "live_hit": None if live is None else comparison.live_hit,
        "live_hit_per_10000": None if live is None else per(comparison.live_hit),
    }


def _show_examples(examples: Sequence[Example]) -> list[dict[str, object]]:
    return [
        {
            "decision": f"{DECISION}_{each.id}",
            "action": each.asked.code,
            "live_action": None if each.live is None else each.live.code,
            "amount_minor": each.amount,
        }
        for each in examples
    ]


def _write_notes(exported: Exported, *, has_parties: bool) -> list[dict[str, str]]:
    """Return what the history cannot tell, in plain words."""
    notes = [_ALWAYS]
    if not exported.rows:
        notes.append(
            {
                "code": "no_history",
                "zh": "这段时间没有可用的历史决策，回测什么也证明不了。",
                "en": "There are no decisions in this period, so the back-test proves nothing.",
            }
        )
    if exported.unassessed:
        notes.append(
            {
                "code": "unassessed",
                "zh": f"有 {exported.unassessed} 条决策当时未经评估，没有特征值，不在回测之内。",
                "en": f"{exported.unassessed} decisions fell back then, have no features, and are "
                "left out.",
            }
        )
    if exported.unlabelled:
        notes.append(
            {
                "code": "unlabelled",
                "zh": f"{exported.rows} 条中有 {exported.unlabelled} 条的真实情况未知；"
                "精确率和召回率只计已知的。",
                "en": f"Of {exported.rows} rows nobody knows the truth of {exported.unlabelled}; "
                "precision and recall count only what is known.",
            }
        )
    notes += [
        {
            "code": "absent_feature",
            "zh": f"特征 {name} 在 {rows} 条历史中尚不存在，按未知 (NULL) 处理。",
            "en": f"{name} did not exist in {rows} rows and is NULL there, so rules that need it "
            "do not hit.",
        }
        for name, rows in sorted(exported.absent.items())
    ]
    if not has_parties:
        notes.append(
            {
                "code": "no_customers",
                "zh": "此类决策不记录客户，因此无法统计受影响的诚实客户。",
                "en": "These decisions do not tell whose they are, so honest customers are not "
                "counted.",
            }
        )
    return notes
