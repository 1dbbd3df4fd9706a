"""Measures of how well attacks are told from honest log-ins, and what that costs the honest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.metrics import roc_auc_score

from huitong.risk.decisioning.features.scans import Flags, Floats, Integers
from huitong.risk.fraud.log_ins.types import Kind
from huitong.risk.fraud.protocol import summarise

#: Shares of honest log-ins that may be asked for more.
ALARM_RATES: Final = (0.001, 0.005, 0.01)
#: Shares of attacks that are to be found.
RECALLS: Final = (0.9, 0.99)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Log-ins with what they really are, and their scores: the higher, the worse."""

    login: Integers
    kind: Integers
    score: Floats

    @property
    def honest(self) -> Flags:
        """Return which are honest."""
        honest: Flags = self.kind == int(Kind.HONEST)
        return honest


def find_threshold(honest: Floats, rate: float) -> float:
    """Return the lowest score above which at most that share of honest log-ins lies.

    Worked: of the scores 1 to 1,000 at 0.1 % it is 999: one lies above.
    """
    allowed = int(np.floor(rate * len(honest) + 1e-9))
    place = len(honest) - 1 - min(allowed, len(honest) - 1)
    return float(np.partition(honest, place)[place])


def measure_all(scored: Scored) -> dict[str, float]:
    """Return AUC-ROC, and recall at each rate of false alarms, of all attacks together."""
    return _measure(scored.score[scored.honest], scored.score[~scored.honest])


def measure_kinds(scored: Scored, *, is_log_ratio: bool = False) -> dict[str, dict[str, float]]:
    """Return the same for each kind of attack, and what it costs to find 0.9 and 0.99 of it.

    The cost is the share of honest log-ins that are asked then. Of a score that is the
    logarithm of a ratio also the published relation: the mean ratio of attacks over that of honest
    log-ins.
    """
    honest = scored.score[scored.honest]
    result = {}
    for kind in Kind:
        attacks = scored.score[scored.kind == int(kind)]
        if kind is Kind.HONEST or len(attacks) == 0:
            continue
        measured = {"attacks": float(len(attacks)), **_measure(honest, attacks)}
        for recall in RECALLS:
            measured[f"honest_asked_at_recall_{recall:.0%}"] = _cost(honest, attacks, recall)
        if is_log_ratio:
            measured["risk_score_relation"] = float(np.exp(attacks).mean() / np.exp(honest).mean())
        result[kind.name.lower()] = measured
    return result


def measure_questions(before: Scored, test: Scored) -> dict[str, dict[str, float]]:
    """Return what thresholds that earlier log-ins gave do to later ones, for each alarm rate.

    That is the share of honest log-ins asked, of customers asked at all, the median over customers
    of the share of their log-ins, and the recall of all attacks.
    """
    result = {}
    customers, place = np.unique(test.login[test.honest], return_inverse=True)
    count = np.bincount(place, minlength=len(customers))
    for rate in ALARM_RATES:
        threshold = find_threshold(before.score[before.honest], rate)
        asked = test.score > threshold
        of_each = np.bincount(place, weights=asked[test.honest], minlength=len(customers))
        result[f"at_{rate:.1%}"] = {
            "honest_asked": float(asked[test.honest].mean()),
            "customers_asked": float((of_each > 0).mean()),
            "median_share_of_a_customer": float(np.median(of_each / count)),
            "recall": float(asked[~test.honest].mean()),
        }
    return result


def summarise_tree(runs: Sequence[Any]) -> Any:
    """Return the same tree with mean and spread at each leaf, over the runs that have it."""
    if not isinstance(runs[0], dict):
        return summarise([float(each) for each in runs])
    keys = dict.fromkeys(key for run in runs for key in run)
    return {key: summarise_tree([run[key] for run in runs if key in run]) for key in keys}


def _measure(honest: Floats, attacks: Floats) -> dict[str, float]:
    truth = np.repeat([0, 1], [len(honest), len(attacks)])
    auc = float(roc_auc_score(truth, np.concatenate([honest, attacks])))
    recalls = {
        f"recall_at_{rate:.1%}": float((attacks > find_threshold(honest, rate)).mean())
        for rate in ALARM_RATES
    }
    return {"auc_roc": auc, **recalls}


def _cost(honest: Floats, attacks: Floats, recall: float) -> float:
    """Return the share of honest log-ins at or above what finds that share of the attacks."""
    found = max(1, int(np.ceil(recall * len(attacks) - 1e-9)))
    threshold = np.sort(attacks)[len(attacks) - found]
    return float((honest >= threshold).mean())
