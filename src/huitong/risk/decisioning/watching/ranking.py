"""Average precision from counts of scores, so that a week of any size is measured by one query."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoreBucket:
    """Scores that count as equal: how many decisions have one, and how many of them were fraud."""

    decisions: int
    frauds: int


def measure_average_precision(
    buckets: Sequence[ScoreBucket], *, fraud_rate: float | None = None
) -> float | None:
    """Return Σ (R_n - R_(n-1)) · P_n over buckets from the highest score down; None without fraud.

    R_n is the share of frauds, P_n the precision of all down to the n-th bucket. With `fraud_rate`
    π it is as if fraud were that frequent: genuine decisions are weighed with π₀ (1-π) / π (1-π₀),
    where π₀ is the rate found (Siblini et al., Master Your Metrics with Calibration, 2020).
    Worked: buckets of (2, 1) and (2, 1) give ½ · ½ + ½ · ½ = ½.
    """
    frauds = sum(each.frauds for each in buckets)
    genuine = sum(each.decisions for each in buckets) - frauds
    if frauds == 0:
        return None
    weight = 1.0
    if fraud_rate is not None and genuine:
        weight = frauds * (1.0 - fraud_rate) / (fraud_rate * genuine)
    found = passed = area = 0.0
    for each in buckets:
        if each.frauds == 0 and each.decisions == 0:
            continue
        found += each.frauds
        passed += weight * (each.decisions - each.frauds)
        area += each.frauds / frauds * found / (found + passed)
    # Rounding must not lift a perfect ranking above one.
    return min(area, 1.0)
