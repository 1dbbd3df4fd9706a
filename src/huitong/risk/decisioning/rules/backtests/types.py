"""What comes of a back-test."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Rows of history: how many, their money in minor units, and what is known of them."""

    rows: int
    amount: int
    fraud: int
    fraud_amount: int
    honest: int

    @property
    def precision(self) -> float | None:
        """The share of fraud among rows whose truth is known, None where none is."""
        known = self.fraud + self.honest
        return self.fraud / known if known else None

    def to_json(self) -> dict[str, object]:
        """Return it as JSON carries it."""
        return {
            "rows": self.rows,
            "amount_minor": self.amount,
            "fraud": self.fraud,
            "fraud_amount_minor": self.fraud_amount,
            "honest": self.honest,
            "precision": None if self.precision is None else round(self.precision, 6),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """What one rule would have done; `overlaps` counts the rows that another rule hit too."""

    key: str
    hits: Share
    #: Hits that no other rule has: what would be missed without it.
    alone: Share
    failed: int
    overlaps: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """What a set of rules would have done, from `first_day` until before `end_day`."""

    first_day: date
    end_day: date
    everything: Share
    rules: tuple[RuleResult, ...]
    #: By the action that each row would have got, `allow` included.
    actions: Mapping[str, Share]

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored with the version."""
        return {
            "first_day": self.first_day.isoformat(),
            "end_day": self.end_day.isoformat(),
            "everything": self.everything.to_json(),
            "actions": {name: share.to_json() for name, share in self.actions.items()},
            "rules": [
                {
                    "key": each.key,
                    "hits": each.hits.to_json(),
                    "alone": each.alone.to_json(),
                    "failed": each.failed,
                    "overlaps": dict(each.overlaps),
                }
                for each in self.rules
            ],
        }
