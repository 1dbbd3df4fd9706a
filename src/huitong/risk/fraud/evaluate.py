"""The door to the evaluation: light to import, as every command of `huitong` does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def evaluate_fraud(
    path: Path, *, windows: int, threads: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure the model of payment fraud on labelled transactions, as `evaluation` describes."""
    # LightGBM, scikit-learn and Ibis take seconds to import.
    from huitong.risk.fraud.evaluation import evaluate_handbook  # noqa: PLC0415

    return evaluate_handbook(path, windows=windows, threads=threads, say=say)
