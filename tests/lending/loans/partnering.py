"""A bank that lends with partners: them, their agreements, and what is theirs."""

from dataclasses import replace
from typing import Any

from tests.lending.loans.conftest import RULES, Bank

from huitong import lending
from huitong.kernel.ids import uuid7
from huitong.lending import partners


def partner(bank: Bank, code: str = "north", **changes: Any) -> partners.NewPartner:
    new = partners.NewPartner(
        code=code,
        name_zh="北方银行",
        name_en="Bank of the North",
        currency="CNY",
        may_guarantee=False,
        is_open=True,
        effective_from=bank.today,
    )
    return replace(new, **changes)


def agreement(bank: Bank, *shares: tuple[str, int, int, int], **changes: Any) -> Any:
    """Return an agreement for cash loans; a share is partner, share, share of losses, our fee."""
    new = partners.NewAgreement(
        code="joint",
        currency="CNY",
        products=("cash",),
        shares=tuple(
            partners.NewShare(partner=code, share=share, loss_share=loss, fee_share=fee)
            for code, share, loss, fee in shares or [("north", 300_000, 300_000, 100_000)]
        ),
        is_open=True,
        effective_from=bank.today,
    )
    return replace(new, **changes)


async def add_partner(bank: Bank, code: str = "north", **changes: Any) -> partners.Partner:
    found: partners.Partner = await bank.run(
        partners.add_partner_version, partner(bank, code, **changes), approval_id=uuid7()
    )
    return found


async def agree(bank: Bank, *shares: tuple[str, int, int, int], **changes: Any) -> partners.Plan:
    found: partners.Plan = await bank.run(
        partners.add_agreement_version,
        agreement(bank, *shares, **changes),
        approval_id=uuid7(),
        rulebook=RULES,
    )
    return found


async def owed_to(bank: Bank, code: str = "north") -> int:
    """Return what the ledger says that we owe a partner."""
    found = await bank.read(partners.get_partner, code, on=bank.today)
    return await bank.balance(found.position_account_id)


async def flows(bank: Bank, loan: lending.Loan) -> list[tuple[int, ...]]:
    """Return each partner's share of each flow of a loan, first first."""

    async def read(uow: Any) -> list[tuple[int, ...]]:
        rows = await uow.execute(
            """SELECT lent, principal, interest, penalty, fees, recovered, compensation, service_fee
                 FROM lending.partner_flows WHERE loan = :loan ORDER BY entry_id, partner_id""",
            loan=loan.number,
        )
        return [tuple(row) for row in rows]

    return await bank.read(read)
