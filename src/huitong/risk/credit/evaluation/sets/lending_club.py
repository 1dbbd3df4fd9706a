"""LendingClub, loans of 2018: a sample in the R package creditmodel (columns as in its manual).

The month of issue is no feature: the later the loan, the less of its life the file shows, and that
says nothing about a new one.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from huitong.risk.credit.evaluation.encoding import as_columns
from huitong.risk.credit.evaluation.types import DataSet, Frame, Raw
from huitong.risk.credit.scorecards.scoring import FeatureColumn
from huitong.risk.decisioning.features.scans import Floats

_NUMBERS: Final = (
    "acc_open_past_24mths", "all_util", "annual_inc", "avg_cur_bal", "bc_open_to_buy", "bc_util",
    "dti", "funded_amnt_inv", "inq_last_12m", "installment", "max_bal_bc", "mo_sin_old_il_acct",
    "mo_sin_old_rev_tl_op", "mo_sin_rcnt_rev_tl_op", "mo_sin_rcnt_tl", "mort_acc", "num_il_tl",
    "num_rev_accts", "num_tl_90g_dpd_24m", "pct_tl_nvr_dlq", "percent_bc_gt_75", "revol_bal",
    "sec_app_collections_12_mths_ex_med", "sec_app_open_act_il", "tot_cur_bal", "tot_hi_cred_lim",
    "total_acc", "total_bal_ex_mort", "total_bc_limit", "total_cu_tl",
    "total_il_high_credit_limit",
)  # fmt: skip
_TEXTS: Final = (
    "addr_state",
    "emp_title",
    "emp_length",
    "purpose",
    "verification_status_joint",
    "zip_code",
)
_GRADES: Final = "ABCDEFG"
_GRADE_STEPS: Final = 5
_PROTECTED: Final = frozenset({"addr_state", "zip_code"})
_BISECTIONS: Final = 60
_MONTHLY_RATE_MAX: Final = 0.05
_NOT_IN_CARD: Final = frozenset({*_PROTECTED, "emp_title"})


def _make_features(raw: Raw) -> Frame:
    numbers: dict[str, Floats] = {name: raw[name] for name in _NUMBERS}
    term = np.array([float(each.split()[0]) for each in raw["term"]])
    income, amount = np.maximum(raw["annual_inc"], 1.0), np.maximum(raw["funded_amnt_inv"], 1.0)
    repayments = raw["installment"] * 12
    numbers |= {
        "term": term,
        "rate": _find_rate(raw["installment"], amount, term),
        "sub_grade": np.array([_rank(each) for each in raw["sub_grade"]]),
        "dti_joint": np.array([_to_number(each) for each in raw["dti_joint"]]),
        "is_joint": (~np.isnan(raw["sec_app_open_act_il"])).astype(np.float64),
        "repayments_to_income": repayments / income,
        "amount_to_income": amount / income,
        "balance_to_income": raw["total_bal_ex_mort"] / income,
        "revolving_to_income": raw["revol_bal"] / income,
        "limits_to_income": raw["tot_hi_cred_lim"] / income,
        "balance_to_limits": raw["tot_cur_bal"] / np.maximum(raw["tot_hi_cred_lim"], 1.0),
        "instalment_balance": raw["total_bal_ex_mort"] - raw["revol_bal"],
        "open_to_amount": raw["bc_open_to_buy"] / amount,
        "limits_to_amount": raw["tot_hi_cred_lim"] / amount,
        "new_share": raw["acc_open_past_24mths"] / np.maximum(raw["total_acc"], 1.0),
        "dti_with_loan": np.nan_to_num(raw["dti"]) + 100 * raw["installment"] / income,
    }
    return Frame(numbers, {name: raw[name] for name in _TEXTS})


def _find_rate(instalment: Floats, amount: Floats, months: Floats) -> Floats:
    """Return the yearly rate in percent of level payments, found by halving."""
    low, high = np.full(len(amount), 1e-9), np.full(len(amount), _MONTHLY_RATE_MAX)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        is_below = amount * middle / (1 - (1 + middle) ** -months) < instalment
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return np.asarray(1_200 * low, np.float64)


def _rank(sub_grade: str) -> float:
    return float(_GRADES.index(sub_grade[0]) * _GRADE_STEPS + int(sub_grade[1]))


def _to_number(text: str | None) -> float:
    """Return a number, or NaN: where nobody else applied, the file says Missing or nothing."""
    return float(text) if text not in {None, "Missing"} else np.nan


def _card_features(frame: Frame) -> Mapping[str, FeatureColumn]:
    return as_columns(frame.leave_out(_NOT_IN_CARD))


LENDING_CLUB: Final = DataSet(
    name="lending_club",
    stem="lendingclub_2018_sample",
    target="loan_status",
    bad=1,
    texts=frozenset({*_TEXTS, "term", "issue_d", "sub_grade", "dti_joint", "grade", "grade.1"}),
    make_features=_make_features,
    card_features=_card_features,
    learners=("trees_many", "trees_rare"),
    target_auc=0.732,
    published={"logistic regression": 0.722, "random forest": 0.728, "boosted trees": 0.728},
    card={"bins_max": 8, "share_min": 0.03, "penalty_inverse": 0.3},
    protected=_PROTECTED,
)
