"""Early warning: what a borrower or a portfolio shows before anything is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.features.scans import Floats, Integers


class WarningSign(StrEnum):
    """A sign, with its words in the console."""

    UTILISATION = "utilisation_high"
    INFLOW = "inflow_fell"
    INQUIRIES = "inquiries_many"
    LENDERS = "lenders_rose"
    POINTS = "points_fell"
    OVERDUE = "overdue"


#: Chinese and English.
WARNING_TEXTS: Final[Mapping[WarningSign, tuple[str, str]]] = {
    WarningSign.UTILISATION: ("额度使用率过高。", "Nearly all limits are used."),
    WarningSign.INFLOW: ("近三个月收入流水明显下降。", "Inflows fell much in three months."),
    WarningSign.INQUIRIES: ("近期多次被查询征信。", "Many lenders enquired lately."),
    WarningSign.LENDERS: ("借款机构数量增加。", "There are loans at more lenders."),
    WarningSign.POINTS: ("信用评分明显下降。", "The score fell much."),
    WarningSign.OVERDUE: ("有逾期未还的款项。", "Something is overdue."),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BorrowerColumns:
    """Borrowers as columns; NaN is unknown and warns of nothing.

    Inflows are sums of three months in minor units, as whole numbers; `*_before` are those of three
    months ago.
    """

    utilisation: Floats
    inflow: Integers
    inflow_before: Integers
    inquiries_30d: Floats
    lenders: Floats
    lenders_before: Floats
    points: Floats
    points_before: Floats
    overdue_days: Integers


def warn_of_borrowers(
    columns: BorrowerColumns, *, rulebook: Rulebook, on: date
) -> dict[WarningSign, NDArray[np.bool_]]:
    """Return for each warning which borrowers show it, by `risk.credit.warning` of a day.

    Worked: inflows of 5,000.00 after 10,000.00 fell by half, above 40 %: a warning. Raises
    InvalidField for a column of another length.
    """
    length = len(columns.overdue_days)
    for name in columns.__dataclass_fields__:
        if len(getattr(columns, name)) != length:
            raise InvalidField("has another number of rows", field=name)

    def ratio(key: str) -> Decimal:
        return rulebook.decimal(f"risk.credit.warning.{key}", on)

    def whole(key: str) -> int:
        return rulebook.integer(f"risk.credit.warning.{key}", on)

    kept = 1 - ratio("inflow.fall.above")
    numerator, denominator = kept.as_integer_ratio()
    return {
        WarningSign.UTILISATION: columns.utilisation > float(ratio("utilisation.above")),
        # In whole numbers: a fall of exactly the bound is none.
        WarningSign.INFLOW: columns.inflow * denominator < columns.inflow_before * numerator,
        WarningSign.INQUIRIES: columns.inquiries_30d > whole("inquiries.above"),
        WarningSign.LENDERS: columns.lenders - columns.lenders_before > whole("lenders.rise.above"),
        WarningSign.POINTS: columns.points_before - columns.points > whole("points.fall.above"),
        WarningSign.OVERDUE: columns.overdue_days > whole("overdue.days.above"),
    }


def find_concentrations(
    exposures: Integers, segments: NDArray[Any], *, rulebook: Rulebook, on: date
) -> dict[str, Decimal]:
    """Return the segments whose share of all exposure is above the bound, with their shares.

    Worked: exposures 60, 30 and 10 in segments a, b and c give a 0.6 and b 0.3.
    """
    if len(exposures) != len(segments):
        raise InvalidField("has another number of rows", field="segments")
    total = int(exposures.sum())
    bound = rulebook.decimal("risk.credit.warning.concentration.above", on)
    names, places = np.unique(segments.astype(str), return_inverse=True)
    sums = [int(exposures[places == place].sum()) for place in range(len(names))]
    shares = {
        str(name): Decimal(each) / total for name, each in zip(names, sums, strict=True) if total
    }
    return {name: share for name, share in shares.items() if share > bound}


def find_bad_vintages(
    lent: NDArray[np.int64], late: NDArray[np.int64], *, rulebook: Rulebook, on: date
) -> list[tuple[int, int]]:
    """Return (vintage, age in months) where too much is late, against older vintages at that age.

    `lent` [vintages] is what each vintage lent, oldest first; `late` [vintages, ages] what of it is
    over 30 days late at each age, -1 where it is not so old yet. A vintage is bad at an age
    where its share is above the bound times that of all older ones together. Worked: 2 % at three
    months, where older ones had 1 % and the bound is 1.5, is bad.
    """
    if late.ndim != 2 or len(lent) != len(late):  # noqa: PLR2004 - vintages by ages
        raise InvalidField("must have a row for each vintage", field="late")
    bound = rulebook.decimal("risk.credit.warning.vintage.multiple.above", on)
    found = []
    for vintage in range(1, len(lent)):
        for age in range(late.shape[1]):
            older = np.flatnonzero(late[:vintage, age] >= 0)
            if late[vintage, age] < 0 or len(older) == 0:
                continue
            of_older, late_of_older = int(lent[older].sum()), int(late[older, age].sum())
            # Shares are compared crosswise, in whole numbers.
            left = Decimal(int(late[vintage, age]) * of_older)
            if left > bound * late_of_older * int(lent[vintage]):
                found.append((vintage, age))
    return found
