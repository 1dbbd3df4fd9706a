"""Ratios of features, in the path and over history alike."""

import numpy as np

from huitong.risk.decisioning.features.definitions import Ratio
from huitong.risk.decisioning.types import Column, Features, FeatureType, Values


def divide(features: Features, ratio: Ratio) -> Column:
    """Return a ratio of features that are there."""
    over: Values = features[ratio.over].values
    if ratio.plus:
        over = over + features[ratio.plus].values
    if ratio.times:
        over = over * features[ratio.times].values
    under = features[ratio.under].values
    is_known = under > ratio.least
    for part in ratio.parts:
        known = features[part].known
        if known is not None:
            is_known = is_known & known
    values = np.divide(over, under, out=np.zeros(len(under)), where=is_known)
    return Column(FeatureType.NUMBER, values, is_known)
