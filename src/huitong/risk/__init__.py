"""Risk: what may happen, decided in real time and recorded with what it was decided from.

`decisioning` owns online features, rules, lists, models and the decisions themselves; `fraud` owns
the model of payment fraud, its training and evaluation, and the cases that people work on.
"""

from huitong.risk.decisioning.types import Action, Column, Features, FeatureType
from huitong.risk.fraud.evaluate import evaluate_fraud

__all__ = ["Action", "Column", "FeatureType", "Features", "evaluate_fraud"]
