"""The Fraud Detection Handbook's way of measuring: split in time, with the delay of labels.

Source: chapters 4 and 5 of the handbook. A model is trained on some days, waits until their labels
would be known, and is tested on the days after that. Cards whose fraud is known by then are taken
out of the test: they would be blocked, and finding them again is no merit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huitong.risk.decisioning.features.scans import Flags, Floats, Integers

TRAIN_DAYS: Final = 7
DELAY_DAYS: Final = 7
TEST_DAYS: Final = 7
WINDOW_DAYS: Final = TRAIN_DAYS + DELAY_DAYS + TEST_DAYS
CARDS_A_DAY: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class Payments:
    """What the protocol needs of each transaction, all in the order of time."""

    days: Integers
    cards: Integers
    frauds: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The rows to train on and to test on, and the first day of training."""

    first_day: int
    train: Integers
    test: Integers


def choose_first_days(days: Integers, *, count: int) -> list[int]:
    """Return the first training days of up to `count` windows, one week apart, the latest last.

    The list is empty where there are not even days for one.
    """
    if len(days) == 0:
        return []
    first, last = int(days.min()), int(days.max())
    starts = range(last - WINDOW_DAYS + 1, first - 1, -TEST_DAYS)
    return sorted(list(starts)[:count])


def split(payments: Payments, first_day: int) -> Split:
    """Return the rows of the window that begins to train on `first_day`."""
    days, cards, frauds = payments.days, payments.cards, payments.frauds
    train = np.flatnonzero((days >= first_day) & (days < first_day + TRAIN_DAYS))
    known = np.unique(cards[train][frauds[train]])
    parts = []
    for number in range(TEST_DAYS):
        # The day whose labels have just become known on this day of the test.
        labelled = frauds & (days == first_day + TRAIN_DAYS + number - 1)
        known = np.union1d(known, cards[labelled])
        today = np.flatnonzero(days == first_day + TRAIN_DAYS + DELAY_DAYS + number)
        parts.append(today[~np.isin(cards[today], known)])
    return Split(first_day=first_day, train=train, test=np.concatenate(parts))


def measure_card_precision(
    payments: Payments, rows: Integers, scores: Floats, *, cards_a_day: int = CARDS_A_DAY
) -> float:
    """Return the mean over days of the share of compromised cards among the `cards_a_day` worst.

    A card's score on a day is its highest; a card that was found is not looked at again.
    """
    found: NDArray[np.int64] = np.empty(0, np.int64)
    shares = []
    for day in np.unique(payments.days[rows]):
        is_today = payments.days[rows] == day
        is_today &= ~np.isin(payments.cards[rows], found)
        cards, place = np.unique(payments.cards[rows][is_today], return_inverse=True)
        worst = np.full(len(cards), -np.inf)
        np.maximum.at(worst, place, scores[is_today])
        is_compromised = np.zeros(len(cards), np.bool_)
        np.logical_or.at(is_compromised, place, payments.frauds[rows][is_today])
        checked = np.argsort(-worst, kind="stable")[:cards_a_day]
        hits = cards[checked][is_compromised[checked]]
        shares.append(len(hits) / cards_a_day)
        found = np.concatenate([found, hits])
    return float(np.mean(shares))


def summarise(values: Sequence[float]) -> dict[str, float]:
    """Return mean and spread (standard deviation over the windows)."""
    return {"mean": float(np.mean(values)), "spread": float(np.std(values))}
