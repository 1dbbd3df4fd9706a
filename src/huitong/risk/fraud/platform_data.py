"""From the platform's own decisions to rows for training. Imports LightGBM: import it late."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Fault
from huitong.risk.decisioning.decisions import store
from huitong.risk.decisioning.decisions.types import FeatureNames
from huitong.risk.decisioning.decisions.values import unpack
from huitong.risk.decisioning.features.catalogue import LABEL_DELAY_SECONDS
from huitong.risk.decisioning.features.path import PATH_MODEL
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.types import Action
from huitong.risk.fraud.training import TrainingData, TrainingDataTooFew

# What was refused and never labelled says nothing: it might have been either. That is what was
# blocked, and what was asked for a second factor that was not there.
_PAGE: Final = """
    SELECT d.id, d.decided_at, d.action, d.names_id, d.feature_values, l.is_fraud
      FROM risk.decisions d
      LEFT JOIN LATERAL (
           SELECT is_fraud FROM risk.labels WHERE decision_id = d.id ORDER BY id DESC LIMIT 1
           ) l ON true
     WHERE d.purpose = 'payment' AND d.feature_values IS NOT NULL
       AND d.decided_at <= :until AND d.id < :before_id
     ORDER BY d.id DESC
     LIMIT :count
"""
_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)


async def read_platform_data(uow: UnitOfWork, *, now: datetime) -> TrainingData:
    """Return the payments that were decided at least a week ago, the latest that fit in memory.

    Features are those that the decision was made from, and labels what is known today; no label
    means genuine, except of payments that were refused, which are left out without one. A feature
    that was not computed yet when it was decided is unknown. Raises TrainingDataTooFew for none.
    """
    until = now - timedelta(seconds=LABEL_DELAY_SECONDS)
    names: dict[uuid.UUID, FeatureNames] = {}
    pages: list[Floats] = []
    labels: list[float] = []
    days: list[datetime] = []
    before_id = _AFTER_ALL_IDS
    while len(labels) < limits.TRAINING_PAYMENTS_MAX:
        rows = await uow.execute(
            _PAGE,
            until=until,
            before_id=before_id,
            count=min(limits.TRAINING_PAYMENTS_PAGE, limits.TRAINING_PAYMENTS_MAX - len(labels)),
        )
        if not rows:
            break
        before_id = rows[-1].id
        await _find_names(uow, rows, names)
        matrix, known = _read_page(rows, names)
        pages.append(matrix)
        labels += known
        days += [rows[0].decided_at, rows[-1].decided_at]
    if not labels:
        raise TrainingDataTooFew(
            f"{limits.TRAINING_PAYMENTS_MIN:,} payments whose labels are known are needed, and "
            "there are 0"
        )
    # Read from the newest to the oldest.
    return TrainingData(
        feature_names=PATH_MODEL,
        matrix=np.concatenate(pages)[::-1],
        labels=np.array(labels[::-1], np.float64),
        first_on=business_day(min(days)),
        last_on=business_day(max(days)),
        source="Decisions of this platform with what became known of them",
        command="huitong risk train",
        limits=(
            "Payments without a label count as genuine, so fraud that nobody reported teaches it "
            "that such payments are; refused payments are there only where somebody labelled them."
        ),
    )


async def _find_names(
    uow: UnitOfWork, rows: Sequence[Row[Any]], names: dict[uuid.UUID, FeatureNames]
) -> None:
    for names_id in {row.names_id for row in rows} - names.keys():
        found = await store.find_names(uow, names_id)
        if found is None:
            raise FeatureNamesMissing(
                f"Nobody knows what the values of {names_id} are called", retryable=False
            )
        names[names_id] = found


class FeatureNamesMissing(Fault):
    """Decisions refer to names of features that are not stored."""

    code = "feature_names_missing"
    title = "What features are called was lost"


def _read_page(
    rows: Sequence[Row[Any]], names: dict[uuid.UUID, FeatureNames]
) -> tuple[Floats, list[float]]:
    """Return features and labels of the rows that say something, in their order."""
    matrix: list[list[float]] = []
    labels: list[float] = []
    for row in rows:
        of_row = names[row.names_id].names
        values = dict(zip(of_row, unpack(bytes(row.feature_values)), strict=True))
        if row.is_fraud is None and _was_refused(Action(row.action), values.get("is_strong")):
            continue
        matrix.append([_to_number(values.get(name)) for name in PATH_MODEL])
        labels.append(float(bool(row.is_fraud)))
    return np.array(matrix, np.float64).reshape(len(labels), len(PATH_MODEL)), labels


def _was_refused(action: Action, is_strong: object) -> bool:
    return action is Action.BLOCK or (action is Action.STEP_UP and is_strong is not True)


def _to_number(value: Any) -> float:
    return float("nan") if value is None else float(value)
