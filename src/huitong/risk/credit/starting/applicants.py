"""Simulated applicants, from which the start scorecard is fitted: nobody's data, invented odds.

Direction and rough size of the effects follow textbooks (Siddiqi, 2006; Thomas, Consumer Credit
Models, 2009); the numbers are ours. The bank's own loans replace it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.calibration import to_probability

_INCOME_MEDIAN: Final = 800_000
_BASE: Final = -3.05
#: Shares of the applicants of whom something is not known.
_NO_INCOME: Final = 0.08
_NO_REPORT: Final = 0.1
_NO_SHOP: Final = 0.5
_NO_PHONE: Final = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Applicants:
    """Features as columns (NaN is unknown), labels (1 defaulted within a year), and groups.

    `groups` are protected attributes, to measure fairness by; no feature is made of them.
    """

    columns: Mapping[str, Floats]
    labels: Floats
    groups: Mapping[str, NDArray[Any]]


def simulate_applicants(count: int, *, seed: int) -> Applicants:
    """Return applicants whose risk follows from their features and from luck."""
    chance = np.random.default_rng(seed)
    merit = chance.normal(size=count)
    columns = {**_from_application(chance, merit), **_from_accounts(chance, merit)}
    columns.update(_from_others(chance, merit))
    risk = _BASE - 0.8 * merit + _effects(columns) + chance.normal(scale=0.5, size=count)
    labels = (chance.random(count) < to_probability(risk)).astype(np.float64)
    groups: dict[str, NDArray[Any]] = {
        "sex": chance.choice(["female", "male"], count),
        "age_band": chance.choice(
            ["18-29", "30-44", "45-59", "60+"], count, p=[0.3, 0.4, 0.2, 0.1]
        ),
        "region": chance.choice(["east", "central", "west", "northeast"], count),
        "disability_aid": chance.choice(["no", "yes"], count, p=[0.93, 0.07]),
    }
    return Applicants(columns, labels, groups)


def _from_application(chance: np.random.Generator, merit: Floats) -> dict[str, Floats]:
    count = len(merit)
    income = np.round(_INCOME_MEDIAN * np.exp(0.45 * chance.normal(size=count) + 0.15 * merit))
    debt = np.clip(chance.gamma(2.0, 0.13, count) * np.exp(-0.2 * merit), 0.0, 3.0)
    amount = np.clip(chance.gamma(2.0, 2.0, count), 0.1, 40.0)
    no_income = chance.random(count) < _NO_INCOME
    for column in (income, debt, amount):
        column[no_income] = np.nan
    return {
        "monthly_income": income,
        "debt_to_income": np.round(debt, 4),
        "amount_to_income": np.round(amount, 4),
    }


def _from_accounts(chance: np.random.Generator, merit: Floats) -> dict[str, Floats]:
    count = len(merit)
    return {
        "account_age_days": np.floor(chance.exponential(700.0, count)),
        "inflow_months_12m": np.clip(
            np.round(9.5 + 1.2 * merit + chance.normal(size=count)), 0, 12
        ),
        "inflow_volatility": np.round(chance.gamma(3.0, 0.15, count) * np.exp(-0.25 * merit), 4),
        "balance_to_repayment": np.round(chance.exponential(1.2, count) * np.exp(0.4 * merit), 4),
    }


def _from_others(chance: np.random.Generator, merit: Floats) -> dict[str, Floats]:
    """Return what the bureau, a shop platform and a phone company know, each of some only."""
    count = len(merit)
    late = chance.random(count) < to_probability(-1.7 - 0.9 * merit)
    bureau: dict[str, Floats] = {
        "lenders": chance.poisson(np.exp(0.4 - 0.25 * merit)).astype(np.float64),
        "overdue_days_24m": np.where(late, np.ceil(chance.exponential(25.0, count)), 0.0),
        "inquiries_30d": chance.poisson(np.exp(-0.2 - 0.3 * merit)).astype(np.float64),
        "credit_history_months": np.floor(chance.gamma(2.0, 35.0, count)),
        "card_utilisation": np.round(
            to_probability(-0.5 - 0.7 * merit + chance.normal(size=count)), 4
        ),
    }
    no_report = chance.random(count) < _NO_REPORT
    for column in bureau.values():
        column[no_report] = np.nan
    rate = np.round(to_probability(3.0 + 0.8 * merit + 0.7 * chance.normal(size=count)), 4)
    bills = np.clip(np.round(14 + 5 * merit + 5 * chance.normal(size=count)), 0, 24)
    rate[chance.random(count) < _NO_SHOP] = np.nan
    bills[chance.random(count) < _NO_PHONE] = np.nan
    return {**bureau, "fulfilment_rate": rate, "phone_bills_on_time": bills}


def _effects(columns: Mapping[str, Floats]) -> Floats:
    """Return what features add to the log-odds of default beside merit; unknown adds nothing."""
    known = {name: np.nan_to_num(values) for name, values in columns.items()}
    has_debt, has_report = ~np.isnan(columns["debt_to_income"]), ~np.isnan(columns["lenders"])
    effects: Floats = (
        1.6 * np.where(has_debt, known["debt_to_income"] - 0.26, 0.0)
        + 0.05 * np.where(has_debt, known["amount_to_income"] - 4.0, 0.2)
        + 0.10 * np.where(has_report, known["lenders"] - 1.5, 0.3)
        + 0.9 * (known["overdue_days_24m"] > 0)
        + 0.8 * (known["overdue_days_24m"] > 30)  # noqa: PLR2004 - an invented effect
        + 0.9 * np.where(has_report, known["card_utilisation"] - 0.4, 0.1)
        - 0.004 * np.where(has_report, known["credit_history_months"] - 70.0, -60.0)
        - 0.0003 * (known["account_age_days"] - 700.0)
        - 0.15 * (known["balance_to_repayment"] - 1.2)
    )
    return effects
