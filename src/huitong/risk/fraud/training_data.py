"""From a history of payments to rows for training. Imports Ibis: import it late."""

from datetime import UTC, datetime, timedelta
from typing import Final

import ibis.expr.types as ir
import numpy as np

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.catalogue import FRAUD_MODEL, LABEL_DELAY_SECONDS, STANDARD
from huitong.risk.decisioning.features.definitions import Fact
from huitong.risk.decisioning.features.offline import compute_features, to_matrix
from huitong.risk.decisioning.features.timelines import MICROSECONDS
from huitong.risk.decisioning.types import FeatureType
from huitong.risk.fraud.training import TrainingData

_LABEL: Final = Fact("label", FeatureType.FLAG)
_TIME: Final = Fact("microseconds", FeatureType.INTEGER)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_training_data(
    events: ir.Table, *, now: datetime, utc_offset: timedelta, source: str
) -> TrainingData:
    """Return features and labels of the payments whose labels are known at `now`.

    `events` are as `compute_features` takes them, with `payer`, `payee` and `label`. A payment is
    known to be fraud or not a week after it happened; younger ones are left out. Raises
    InvalidField if none is left.
    """
    features = compute_features(
        events,
        [*FRAUD_MODEL, _LABEL.name, _TIME.name],
        among=(*STANDARD, _LABEL, _TIME),
        utc_offset=utc_offset,
    )
    times = features[_TIME.name].values
    known_until = (now - _EPOCH) // timedelta(microseconds=1) - LABEL_DELAY_SECONDS * MICROSECONDS
    is_known = times <= known_until
    if not is_known.any():
        raise InvalidField("No payment is old enough for its label to be known", field="label")
    first, last = (
        (_EPOCH + timedelta(microseconds=int(at)) + utc_offset).date()
        for at in (times[is_known][0], times[is_known][-1])
    )
    return TrainingData(
        feature_names=FRAUD_MODEL,
        matrix=to_matrix(features, FRAUD_MODEL)[is_known],
        labels=features[_LABEL.name].values[is_known].astype(np.float64),
        first_on=first,
        last_on=last,
        source=source,
    )
