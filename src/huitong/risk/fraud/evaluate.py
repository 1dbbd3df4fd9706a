"""The door to the evaluations: light to import, as every command of `huitong` does."""

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


def evaluate_log_ins(
    path: Path | None, *, histories: int, threads: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure how well attacks on log-ins are found, in a file or in generated histories."""
    from huitong.risk.fraud.log_ins.evaluation import evaluate_log_in_models  # noqa: PLC0415

    return evaluate_log_in_models(path, histories=histories, threads=threads, say=say)
