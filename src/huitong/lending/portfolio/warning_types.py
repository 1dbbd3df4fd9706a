"""What an early warning is."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from huitong import risk


class PortfolioSign(StrEnum):
    """What a portfolio shows before anything is lost, beside the signs of borrowers."""

    CONCENTRATION = "concentration"
    VINTAGE = "vintage_bad"
    LOAN_RATIO = "loan_ratio_low"
    COVERAGE = "coverage_low"


class Outcome(StrEnum):
    """How a warning ended: its sign went away, or a person closed it.

    A borrower who is watched has their loans in stage 2 at least; the other outcomes of a person
    end that.
    """

    GONE = "gone"
    HANDLED = "handled"
    UNFOUNDED = "unfounded"
    WATCHED = "watched"


#: Chinese and English.
SIGN_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    **{sign.value: texts for sign, texts in risk.WARNING_TEXTS.items()},
    PortfolioSign.CONCENTRATION: (
        "某一分组占贷款余额的比例过高。",
        "One segment has too great a share of all loans.",
    ),
    PortfolioSign.VINTAGE: (
        "该放款月份的逾期明显高于以往同账龄。",
        "A vintage is later than older ones were at its age.",
    ),
    PortfolioSign.LOAN_RATIO: ("贷款拨备率低于监管要求。", "Provisions to loans are too low."),
    PortfolioSign.COVERAGE: ("拨备覆盖率低于监管要求。", "Provisions to bad loans are too low."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A sign that is seen on a day; `details` are the figures behind it."""

    sign: str
    subject: str
    details: Mapping[str, Any]
    customer_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditWarning:
    """An early warning; open without an outcome."""

    id: uuid.UUID
    sign: str
    subject: str
    customer_id: uuid.UUID | None
    details: Mapping[str, Any]
    found_on: date
    last_seen_on: date
    outcome: Outcome | None
    note: str | None
    closed_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarnedDay:
    """What looking for signs on a day came to."""

    day: date
    opened: int
    gone: int
