"""Five-class grading by days overdue and by debtor, and what is set aside for each class."""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit.assets.columns import check_columns, ratio_to_parts, take_share
from huitong.risk.credit.rules import read_ratios
from huitong.risk.decisioning.features.scans import Flags, Integers


class AssetClass(IntEnum):
    """A class of assets (五级分类); the last three are bad."""

    PASS = 0
    SPECIAL_MENTION = 1
    SUBSTANDARD = 2
    DOUBTFUL = 3
    LOSS = 4

    @property
    def chinese(self) -> str:
        """Return its name in Chinese."""
        return ("正常", "关注", "次级", "可疑", "损失")[self]


_CLASSES: Final = ("special_mention", "substandard", "doubtful", "loss")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssetColumns:
    """Loans as columns of equal length.

    `exposure` is in minor units; `debtor` numbers who owes it; `is_corporate` says that the debtor
    is no person, `is_card` that it is a card's credit, `is_in_observation` that it was restructured
    less than a year ago.
    """

    exposure: Integers
    overdue_days: Integers
    debtor: Integers
    is_corporate: Flags
    is_card: Flags
    is_in_observation: Flags


def grade_assets(columns: AssetColumns, *, rulebook: Rulebook, on: date) -> NDArray[np.int8]:
    """Return the class of each loan, as `AssetClass` numbers them.

    By days overdue (`loan.class`, cards by `card.class`); what was restructured is at least special
    mention while observed; and where more than a tenth of what a corporate debtor owes is bad, all
    of it is at least substandard. Worked: 0, 1, 91, 271 and 361 days overdue are pass, special
    mention, substandard, doubtful and loss; a card of 121 days is doubtful.

    Source: 商业银行金融资产风险分类办法 (2023); 商业银行信用卡业务监督管理办法 Art. 92. Raises
    InvalidField naming the column.
    """
    check_columns(columns, amounts=("exposure",), counts=("overdue_days",))
    of_loans = _by_days(columns.overdue_days, "loan", rulebook, on)
    of_cards = _by_days(columns.overdue_days, "card", rulebook, on)
    classes = np.where(columns.is_card, of_cards, of_loans)
    floor = np.where(columns.is_in_observation, AssetClass.SPECIAL_MENTION, AssetClass.PASS)
    classes = np.maximum(classes, floor)
    infected = columns.is_corporate & _is_infected(columns, classes, rulebook, on)
    floor = np.where(infected, AssetClass.SUBSTANDARD, AssetClass.PASS)
    return np.maximum(classes, floor).astype(np.int8)


def reckon_special_provisions(
    classes: NDArray[np.int8], exposure: Integers, *, rulebook: Rulebook, on: date
) -> Integers:
    """Return what is set aside for each loan by its class, whole minor units, rounded up.

    By `provision.special.ratios`; pass has none of its own. Worked: 1,000.01 in special mention at
    2 % takes 20.01, in substandard at 25 % 250.01.
    """
    ratios = read_ratios(rulebook, "provision.special.ratios", on)
    parts = np.array([0, *(ratio_to_parts(each) for each in ratios)], np.int64)
    return take_share(exposure, parts[classes])


def _by_days(days: Integers, kind: str, rulebook: Rulebook, on: date) -> Integers:
    firsts = [rulebook.integer(f"{kind}.class.{name}.days.min", on) for name in _CLASSES]
    return np.searchsorted(np.array(firsts), days, side="right").astype(np.int64)


def _is_infected(columns: AssetColumns, classes: Integers, rulebook: Rulebook, on: date) -> Flags:
    """Say which loans are of a debtor too much of whose exposure is bad."""
    bound = rulebook.decimal("loan.class.corporate.contagion.above", on)
    numerator, denominator = bound.as_integer_ratio()
    _, places = np.unique(columns.debtor, return_inverse=True)
    # Sums of whole numbers, not weights of a histogram: those are doubles.
    owed, bad = np.zeros((2, int(places.max(initial=-1)) + 1), np.int64)
    np.add.at(owed, places, columns.exposure)
    np.add.at(bad, places, np.where(classes >= AssetClass.SUBSTANDARD, columns.exposure, 0))
    return np.asarray((bad * denominator > owed * numerator)[places], np.bool_)
