"""From the simulator to rows for training. Imports Ibis and LightGBM: import it late."""

from datetime import date, timedelta
from functools import cache
from typing import Final

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.features.catalogue import LABEL_DELAY_SECONDS
from huitong.risk.decisioning.features.marks import MarkRules
from huitong.risk.decisioning.features.offline import compute_features, to_matrix
from huitong.risk.decisioning.features.path import PATH, PATH_MODEL
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.fraud.simulator.history import STARTS_ON, simulate
from huitong.risk.fraud.training import TrainingData

_UTC_OFFSET: Final = timedelta(hours=8)
_LABEL_DELAY: Final = np.timedelta64(LABEL_DELAY_SECONDS, "s")
_LIMITS: Final = (
    "Nothing of its data happened: people and fraudsters of a simulator behave as somebody thought "
    "they might. Its frauds are far more frequent than real ones, so read its scores as an order, "
    "not as probabilities, until a model is trained on the platform's own history."
)


def read_simulated_data(
    *, seed: int, customers: int, days: int, rulebook: Rulebook
) -> TrainingData:
    """Return a simulated history as a bank would know it a week after its last payment counted.

    Labels are those that had become known at its end; what never becomes known counts as genuine.
    """
    history = simulate(seed=seed, customers=customers, days=days)
    matrix, kinds = compute_rows(history, rulebook=rulebook)
    times = history["at"].to_numpy()
    ends_at = np.datetime64(STARTS_ON + timedelta(days=days), "us") - np.timedelta64(_UTC_OFFSET)
    is_old = times <= ends_at - _LABEL_DELAY
    labelled = history["labelled_at"].to_numpy(zero_copy_only=False)
    # Never is NaT, which is not before anything.
    labels = (labelled <= ends_at).astype(np.float64)
    days_there = int((times[is_old][-1] - np.datetime64(STARTS_ON, "us")) / np.timedelta64(1, "D"))
    return TrainingData(
        feature_names=PATH_MODEL,
        matrix=matrix[is_old],
        labels=labels[is_old],
        first_on=STARTS_ON,
        last_on=STARTS_ON + timedelta(days=days_there),
        source=f"A simulated history of {customers:,} customers, seed {seed}",
        command=(
            f"huitong risk train --from simulator --seed {seed} --customers {customers} "
            f"--days {days}"
        ),
        limits=_LIMITS,
        kinds=kinds[is_old],
    )


def compute_rows(history: pa.Table, *, rulebook: Rulebook) -> tuple[Floats, NDArray[np.str_]]:
    """Return the model's features of a simulated history, and each row's kind of fraud or ""."""

    @cache
    def rules_of(day: date) -> MarkRules:
        return MarkRules.read(rulebook, day)

    features = compute_features(
        ibis.duckdb.connect().create_table("history", history),
        PATH_MODEL,
        among=PATH,
        utc_offset=_UTC_OFFSET,
        mark_rules=rules_of,
    )
    kinds = np.array(history["fraud_kind"].fill_null("").to_pylist(), np.str_)
    return to_matrix(features, PATH_MODEL), kinds
