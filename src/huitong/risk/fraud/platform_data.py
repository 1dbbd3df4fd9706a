"""From the platform's own decisions to rows for training. Imports LightGBM: import it late."""

import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
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
from huitong.risk.decisioning.models.log_in_reasons import LOG_IN_MODEL, LOG_IN_MODEL_NAME
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import Action
from huitong.risk.fraud.training import FRAUD_MODEL_NAME, TrainingData, TrainingDataTooFew

# What was refused and never labelled says nothing: it might have been either. That is what was
# blocked, and what was not simply allowed and had no second factor behind it.
_PAGE: Final = """
    SELECT d.id, d.decided_at, d.action, d.names_id, d.feature_values, l.is_fraud
      FROM risk.decisions d
      LEFT JOIN LATERAL (
           SELECT is_fraud FROM risk.labels WHERE decision_id = d.id ORDER BY id DESC LIMIT 1
           ) l ON true
     WHERE d.purpose = :purpose AND d.feature_values IS NOT NULL
       AND d.decided_at <= :until AND d.id < :before_id
     ORDER BY d.id DESC
     LIMIT :count
"""
#: How methods of staff begin, whose sign-ins are decided with the same features.
_STAFF: Final = "staff_"
_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_LIMITS: Final = (
    "Payments without a label count as genuine, so fraud that nobody reported teaches it that such "
    "payments are; refused payments are there only where somebody labelled them."
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is learned about: which decisions, which features, and the model's name."""

    purpose: Purpose
    names: Sequence[str]
    model_name: str
    command: str


_KINDS: Final = {
    Purpose.PAYMENT: _Kind(Purpose.PAYMENT, PATH_MODEL, FRAUD_MODEL_NAME, "huitong risk train"),
    Purpose.LOG_IN: _Kind(
        Purpose.LOG_IN, LOG_IN_MODEL, LOG_IN_MODEL_NAME, "huitong risk train --of log_in"
    ),
}


async def read_platform_data(
    uow: UnitOfWork, *, purpose: Purpose = Purpose.PAYMENT, now: datetime
) -> TrainingData:
    """Return what was decided at least a week ago, the latest that fits in memory.

    Payments, or log-ins of customers: those of staff are left out.

    Features are those that the decision was made from, and labels what is known today; no label
    means genuine, except of payments that were refused, which are left out without one. A feature
    that was not computed yet when it was decided is unknown. Raises TrainingDataTooFew for none.
    """
    kind = _KINDS[purpose]
    until = now - timedelta(seconds=LABEL_DELAY_SECONDS)
    pages = [page async for page in _read_pages(uow, kind, until)]
    no_rows = np.empty((0, len(kind.names)))
    matrix = np.concatenate([no_rows, *(page.matrix for page in pages)])
    if len(matrix) == 0:
        raise TrainingDataTooFew(
            f"{limits.TRAINING_PAYMENTS_MIN:,} payments whose labels are known are needed, and "
            "there are 0"
        )
    labels = np.concatenate([page.labels for page in pages])
    # Pages come from the newest to the oldest.
    return TrainingData(
        feature_names=kind.names,
        matrix=matrix[::-1],
        labels=labels[::-1],
        first_on=business_day(pages[-1].first_at),
        last_on=business_day(pages[0].last_at),
        source="Decisions of this platform with what became known of them",
        command=kind.command,
        limits=_LIMITS,
        model_name=kind.model_name,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Page:
    """Rows that say something, from the newest to the oldest, and when they were decided."""

    matrix: Floats
    labels: Floats
    first_at: datetime
    last_at: datetime


async def _read_pages(uow: UnitOfWork, kind: _Kind, until: datetime) -> AsyncIterator[_Page]:
    """Go through decisions from the newest to the oldest, as many as training takes."""
    names: dict[uuid.UUID, FeatureNames] = {}
    before_id, left = _AFTER_ALL_IDS, limits.TRAINING_PAYMENTS_MAX
    while left:
        count = min(limits.TRAINING_PAYMENTS_PAGE, left)
        rows = await uow.execute(
            _PAGE, purpose=kind.purpose.value, until=until, before_id=before_id, count=count
        )
        if not rows:
            return
        before_id = rows[-1].id
        await _find_names(uow, rows, names)
        matrix, labels = _read_page(rows, names, kind)
        left -= len(labels)
        yield _Page(matrix, labels, rows[-1].decided_at, rows[0].decided_at)


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
    rows: Sequence[Row[Any]], names: dict[uuid.UUID, FeatureNames], kind: _Kind
) -> tuple[Floats, Floats]:
    """Return features and labels of the rows that say something, in their order."""
    matrix: list[list[float]] = []
    labels: list[float] = []
    for row in rows:
        of_row = names[row.names_id]
        values = dict(zip(of_row.names, unpack(bytes(row.feature_values), of_row), strict=True))
        if row.is_fraud is None and _was_refused(Action(row.action), values.get("is_strong")):
            continue
        if str(values.get("method")).startswith(_STAFF):
            continue
        matrix.append([_to_number(values.get(name)) for name in kind.names])
        labels.append(float(bool(row.is_fraud)))
    shape = (len(labels), len(kind.names))
    return np.array(matrix, np.float64).reshape(shape), np.array(labels, np.float64)


def _was_refused(action: Action, is_strong: object) -> bool:
    """Say whether it may have been: what is paid at once wants a second factor to be reviewed."""
    return action is Action.BLOCK or (action is not Action.ALLOW and is_strong is not True)


def _to_number(value: Any) -> float:
    return float("nan") if value is None else float(value)
