"""Buckets of days past due, as the rulebook has them."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from huitong.kernel.rulebook import Rulebook
from huitong.lending.loans.state import Integers
from huitong.lending.portfolio import limits


@dataclass(frozen=True, slots=True)
class Buckets:
    """First days of the buckets 1 to 5; what is not overdue is in bucket 0."""

    days: tuple[int, ...]

    @classmethod
    def load(cls, rulebook: Rulebook, on: date) -> "Buckets":
        """Return the buckets of a day; raises ValueError for a rule that cannot be used."""
        found = rulebook.rule("portfolio.bucket.days", on).value
        assert isinstance(found, tuple), "it is a list of whole numbers"
        days = tuple(int(each) for each in found)
        if len(days) != limits.BUCKETS or not set(limits.LATE_FROM) <= set(days):
            raise ValueError(
                f"portfolio.bucket.days must be five days, 31 and 91 among them: {days}"
            )
        if days[0] != 1 or any(one >= other for one, other in pairwise(days)):
            raise ValueError(f"portfolio.bucket.days must rise from 1: {days}")
        return cls(days)

    def sort(self, late: Integers) -> Integers:
        """Return the bucket of each number of days past due: 0 and 31 days give 0 and 2."""
        return np.searchsorted(np.array(self.days, np.int64), late, side="right").astype(np.int64)

    @property
    def late(self) -> tuple[int, int]:
        """Return the buckets with which 30+ and 90+ days past due begin."""
        first, second = limits.LATE_FROM
        return self.days.index(first) + 1, self.days.index(second) + 1

    def show(self, bucket: int) -> str:
        """Return a bucket's days, as "1-30" or "181+"; "0" for what is not overdue."""
        if bucket == 0:
            return "0"
        first = self.days[bucket - 1]
        return f"{first}+" if bucket == len(self.days) else f"{first}-{self.days[bucket] - 1}"
