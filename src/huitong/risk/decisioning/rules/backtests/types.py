"""What comes of a back-test."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self


def round_share(share: float | None) -> float | None:
    """Return a share as reports show it, to six digits."""
    return None if share is None else round(share, 6)


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

    @classmethod
    def add(cls, shares: Iterable[Self]) -> Self:
        """Return what several have together."""
        every = list(shares)
        return cls(
            rows=sum(each.rows for each in every),
            amount=sum(each.amount for each in every),
            fraud=sum(each.fraud for each in every),
            fraud_amount=sum(each.fraud_amount for each in every),
            honest=sum(each.honest for each in every),
        )

    def recall(self, everything: Self) -> float | None:
        """The share of all known fraud that is in it, None where none is known."""
        return self.fraud / everything.fraud if everything.fraud else None

    def to_json(self) -> dict[str, object]:
        """Return it as JSON carries it."""
        return {
            "rows": self.rows,
            "amount_minor": self.amount,
            "fraud": self.fraud,
            "fraud_amount_minor": self.fraud_amount,
            "honest": self.honest,
            "precision": round_share(self.precision),
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
                    "recall": round_share(each.hits.recall(self.everything)),
                    "alone": each.alone.to_json(),
                    "failed": each.failed,
                    "overlaps": dict(each.overlaps),
                }
                for each in self.rules
            ],
        }
