"""Accounts of partners: the only place here that names codes of the chart.

Each stands against control accounts of products: what is a partner's of them.
"""

from enum import StrEnum
from typing import Final, Self

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.ledger import BalanceLimit, ensure_system_account

_NONE, _CREDIT, _DEBIT = BalanceLimit(0), BalanceLimit(1), BalanceLimit(2)
#: The name of what is between a partner and us, which has one account for all plans.
POSITION: Final = "position"


class PartnerPart(StrEnum):
    """The parts that have an account for each partner of a plan."""

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

    PRINCIPAL = "principal", "1303.03", "合作方贷款份额 Partner's principal", _CREDIT
    INTEREST = "interest", "1132.03", "合作方应收利息份额 Partner's interest receivable", _CREDIT
    FEES = "fees", "1221.05", "合作方贷款费用份额 Partner's fees receivable", _CREDIT
    INTEREST_INCOME = "interest_income", "6011.03", "合作方利息份额 Partner's interest", _NONE
    FEE_INCOME = "fee_income", "6021.05", "合作方费用份额 Partner's fees", _NONE
    PROVISION = "provision", "1304.01", "合作方损失准备份额 Partner's share of provisions", _DEBIT
    IMPAIRMENT = "impairment", "6702.01", "合作方损失份额 Partner's share of losses", _NONE
    SERVICE_FEE = "service_fee", "6021.06", "贷款服务费收入 Service fees of partners", _NONE


async def open_partner_accounts(uow: UnitOfWork, code: str, currency: str) -> tuple[int, int]:
    """Open a partner's deposit and the account of what is not settled; return both."""
    deposit = await ensure_system_account(
        uow,
        f"lending.partner.{code}.deposit",
        chart_code="2012.01",
        currency=currency,
        name="贷款合作方存款 Deposit of a partner in lending",
        limits=_CREDIT,
    )
    position = await ensure_system_account(
        uow,
        f"lending.partner.{code}.position",
        chart_code="2241.06",
        currency=currency,
        name="贷款合作方往来 Not settled with a partner in lending",
    )
    return deposit.id, position.id


async def open_plan_accounts(
    uow: UnitOfWork, plan_id: int, partner_id: int, currency: str
) -> dict[str, int]:
    """Open the accounts of a partner of a plan and return them by part."""
    return {
        part.value: (
            await ensure_system_account(
                uow,
                f"lending.plan.{plan_id}.{partner_id}.{part.value}",
                chart_code=part.chart_code,
                currency=currency,
                name=part.label,
                limits=part.limit,
            )
        ).id
        for part in PartnerPart
    }


async def open_sale_result(uow: UnitOfWork, currency: str) -> int:
    """Open the account of gains and losses on loans that are sold, and return it."""
    account = await ensure_system_account(
        uow,
        f"lending.sale_result.{currency}",
        chart_code="6111.01",
        currency=currency,
        name="贷款转让损益 Gain or loss on loans sold",
    )
    return account.id
