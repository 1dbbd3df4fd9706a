"""Stages from day to day: worse at once, better only after a cure."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.features.scans import Integers


@dataclass(frozen=True, slots=True, eq=False)
class StageColumns:
    """Stages with the day since which nothing speaks for them, as numbers of days; `never` if not.

    Days count from whatever day the caller likes, `never` is greater than all others.
    """

    stages: NDArray[np.int8]
    better_days: Integers


def settle_stages(
    found: NDArray[np.int8],
    before: StageColumns,
    *,
    day: Integers,
    never: int,
    rulebook: Rulebook,
    on: date,
) -> StageColumns:
    """Return the stages of `day`, of each loan, from what is found on it and what stood before.

    What is found worse holds at once. What is found better holds when it was so for
    `ecl.stage3.cure.days` (out of stage 3) or `ecl.stage2.cure.days` (out of stage 2), one stage
    at a time; a relapse begins the cure anew. Worked: a loan in stage 2 that is found in stage 1
    from day 100 on is in stage 1 from day 130, with a cure of 30 days.

    Raises InvalidField naming the column that has another length.
    """
    if not len(found) == len(before.stages) == len(before.better_days):
        raise InvalidField("has another number of rows", field="found")
    is_better = found < before.stages
    begun = np.where(is_better, np.minimum(before.better_days, day), never)
    cures = np.array(
        [
            0,
            0,
            rulebook.integer("ecl.stage2.cure.days", on),
            rulebook.integer("ecl.stage3.cure.days", on),
        ],
        np.int64,
    )
    is_cured = is_better & (day - begun >= cures[before.stages])
    stages = np.where(is_better, before.stages - is_cured, found).astype(np.int8)
    # Cured by one stage, it may have another cure before it.
    begun = np.where(is_cured, np.where(found < stages, day, never), begun)
    return StageColumns(stages, begun.astype(np.int64))
