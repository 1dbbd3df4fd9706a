"""Features of an application that the start scorecard looks at: names, units, and what is said.

None of them is a protected attribute. What needs a consent (shop orders, phone bills) is None
without one, and weighs as unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from huitong.risk.credit.scorecards.types import Words


@dataclass(frozen=True, slots=True)
class ApplicationFeature:
    """A feature: what it is, with its unit; where it is from; the words when it costs points."""

    meaning: str
    source: str
    words: Words
    needs_consent: bool = False


def _feature(
    meaning: str, source: str, zh: str, en: str, *, needs_consent: bool = False
) -> ApplicationFeature:
    return ApplicationFeature(meaning, source, Words(zh=zh, en=en), needs_consent)


#: By name, in the order of the application.
APPLICATION_FEATURES: Final[Mapping[str, ApplicationFeature]] = {
    "monthly_income": _feature(
        "verified income a month, minor units",
        "application",
        "核实的月收入偏低或无法核实。",
        "The verified income is low or not known.",
    ),
    "debt_to_income": _feature(
        "repayments of all debts a month, with this loan, over income",
        "application and bureau",
        "每月还款占收入的比例偏高。",
        "Repayments take much of the income.",
    ),
    "amount_to_income": _feature(
        "the amount applied for over a month's income",
        "application",
        "申请金额相对收入偏高。",
        "The amount is high for the income.",
    ),
    "lenders": _feature(
        "different lenders with open loans",
        "bureau",
        "未结清贷款的机构较多。",
        "There are open loans at several lenders.",
    ),
    "overdue_days_24m": _feature(
        "the most days that anything was overdue in 24 months",
        "bureau",
        "过去两年内有逾期记录。",
        "Something was overdue in the last two years.",
    ),
    "inquiries_30d": _feature(
        "enquiries of lenders in 30 days",
        "bureau",
        "近期查询征信的次数较多。",
        "Several lenders enquired recently.",
    ),
    "credit_history_months": _feature(
        "months since the first credit was opened",
        "bureau",
        "信用历史较短。",
        "The credit history is short.",
    ),
    "card_utilisation": _feature(
        "credit cards' balances over their limits",
        "bureau",
        "信用卡额度使用率偏高。",
        "Credit cards are used up to a high share of their limits.",
    ),
    "account_age_days": _feature(
        "days since the applicant opened an account with us",
        "own ledger",
        "在我行开户时间较短。",
        "The account with us is new.",
    ),
    "inflow_months_12m": _feature(
        "months of the last 12 with inflows on our accounts",
        "own ledger",
        "账户收入流水不够连续。",
        "Inflows on the account are not steady.",
    ),
    "inflow_volatility": _feature(
        "standard deviation of monthly inflows over their mean, 12 months",
        "own ledger",
        "账户收入波动较大。",
        "Inflows on the account vary much.",
    ),
    "balance_to_repayment": _feature(
        "the lowest balance of 3 months over a month's repayments with this loan",
        "own ledger",
        "账户余额相对每月还款偏低。",
        "The lowest balance is small beside a month's repayments.",
    ),
    "fulfilment_rate": _feature(
        "share of shop orders delivered as promised, 12 months",
        "shop platform",
        "店铺订单履约率偏低。",
        "Shop orders were not always delivered as promised.",
        needs_consent=True,
    ),
    "phone_bills_on_time": _feature(
        "months in a row that the phone bill was paid on time, at most 24",
        "phone company",
        "话费按时缴纳的记录较短。",
        "Phone bills were paid on time for a short while only.",
        needs_consent=True,
    ),
}
