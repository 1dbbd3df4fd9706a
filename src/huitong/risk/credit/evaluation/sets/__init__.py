"""The public data sets: their columns, targets, features made of them, and published figures."""

from typing import Final

from huitong.risk.credit.evaluation.sets.german import GERMAN
from huitong.risk.credit.evaluation.sets.give_me_some_credit import GIVE_ME_SOME_CREDIT
from huitong.risk.credit.evaluation.sets.heloc import HELOC
from huitong.risk.credit.evaluation.sets.lending_club import LENDING_CLUB
from huitong.risk.credit.evaluation.sets.taiwan import TAIWAN
from huitong.risk.credit.evaluation.types import DataSet

DATA_SETS: Final[tuple[DataSet, ...]] = (
    GERMAN,
    TAIWAN,
    HELOC,
    GIVE_ME_SOME_CREDIT,
    LENDING_CLUB,
)
