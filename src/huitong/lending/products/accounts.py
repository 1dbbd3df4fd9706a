"""The control accounts of a product: the only place here that names codes of the chart.

Each is the sum of one part of the product's loans; `loans.postings` says which changes of a loan
move which of them.
"""

from enum import StrEnum
from typing import Self

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.ledger import BalanceLimit, ensure_system_account


class Control(StrEnum):
    """The parts that have an account, and what they are called."""

    chart_code: str
    label: str
    limit: BalanceLimit

    def __new__(cls, value: str, chart_code: str, label: str, limit: BalanceLimit) -> Self:
        """Make a member that is its name and carries its account."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.chart_code = chart_code
        member.label = label
        member.limit = limit
        return member

    PRINCIPAL = "principal", "1303.01", "贷款本金 Principal", BalanceLimit(2)
    OVERDUE = "overdue", "1303.02", "逾期贷款本金 Overdue principal", BalanceLimit(2)
    INTEREST = "interest", "1132.01", "应收利息 Interest receivable", BalanceLimit(2)
    PENALTY = "penalty", "1132.02", "应收罚息复利 Penalty interest receivable", BalanceLimit(2)
    FEES = "fees", "1221.04", "应收贷款费用 Loan fees receivable", BalanceLimit(2)
    PROVISION = "provision", "1304", "贷款损失准备 Loan loss provision", BalanceLimit(1)
    INTEREST_INCOME = "interest_income", "6011.01", "贷款利息收入 Loan interest", BalanceLimit(0)
    PENALTY_INCOME = "penalty_income", "6011.02", "罚息复利收入 Penalty interest", BalanceLimit(0)
    FEE_INCOME = "fee_income", "6021.04", "贷款费用收入 Loan fees", BalanceLimit(0)
    IMPAIRMENT = "impairment", "6702", "信用减值损失 Credit impairment", BalanceLimit(0)
    MEMO = "memo", "9001", "表外应收利息 Interest off the balance sheet", BalanceLimit(2)
    MEMO_CONTRA = "memo_contra", "9002", "表外应收利息对应 Its contra account", BalanceLimit(1)


async def open_control_accounts(uow: UnitOfWork, code: str, currency: str) -> dict[str, int]:
    """Open the accounts of a product that are not open yet, and return all of them by part."""
    return {
        control.value: (
            await ensure_system_account(
                uow,
                f"lending.{code}.{control.value}",
                chart_code=control.chart_code,
                currency=currency,
                name=control.label,
                limits=control.limit,
            )
        ).id
        for control in Control
    }
