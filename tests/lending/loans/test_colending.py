"""Loans that partners lend with us: shares of every flow to the cent, on the ledger, settled."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from tests.lending.loans.conftest import RULES, Bank, new_id
from tests.lending.loans.partnering import add_partner, agree, agreement, flows, owed_to, partner

from huitong import lending
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import uuid7
from huitong.lending import partners


@pytest.fixture
async def joint(bank: Bank) -> Bank:
    """A bank that lends cash loans with the Bank of the North: 30 %, a tenth of its interest."""
    await bank.add_product()
    await add_partner(bank)
    await agree(bank)
    return bank


async def test_each_flow_of_a_loan_is_shared_to_the_cent(joint: Bank) -> None:
    bank, borrower = joint, await joint.add_borrower(money=100_000_00)
    loan = await bank.lend(borrower, principal=10_000_01)
    # 30 % of 10,000.01 are 3,000.003; the partner owes its share of what was paid out.
    assert await flows(bank, loan) == [(3_000_00, 0, 0, 0, 0, 0, 0, 0)]
    assert await owed_to(bank) == -3_000_00
    await bank.close(31)
    state = await bank.state(loan)
    assert (state.due, state.interest_due) == (788_49, 100_00)
    await bank.repay(loan, 888_49)
    # 30 % of 788.49 and of 100.00, of which a tenth is ours for the service.
    assert (await flows(bank, loan))[1] == (0, 236_55, 30_00, 0, 0, 0, 0, 3_00)
    assert await owed_to(bank) == -3_000_00 + 236_55 + 30_00 - 3_00
    await bank.check_ties()


async def test_a_reversed_repayment_takes_back_exactly_what_partners_had(joint: Bank) -> None:
    bank, borrower = joint, await joint.add_borrower(money=100_000_00)
    await add_partner(bank, "south")
    bank.now += timedelta(days=1)
    await agree(bank, ("north", 300_000, 300_000, 0), ("south", 333_333, 333_333, 77_777))
    loan = await bank.lend(borrower, principal=9_999_97)
    await bank.close(40)
    owed = await owed_to(bank), await owed_to(bank, "south")
    event = await bank.repay(loan, 501_23)
    await bank.close(3)
    await bank.run(lending.reverse, loan.id, reversal_id=new_id(bank.now), event_id=event.id)
    assert (await owed_to(bank), await owed_to(bank, "south")) == owed
    # Backdated, it is as if it had come on its day: the penalty of the days since is not asked.
    await bank.repay(loan, 501_23, on=bank.today - timedelta(days=10))
    await bank.check_ties()
    await bank.close(1)
    await bank.check_ties()


async def test_a_loss_is_borne_as_agreed_and_what_is_recovered_is_shared_alike(bank: Bank) -> None:
    await bank.add_product()
    await add_partner(bank, may_guarantee=True)
    await agree(bank, ("north", 300_000, 1_000_000, 0))
    borrower = await bank.add_borrower()
    loan = await bank.lend(borrower, principal=10_000_00)
    await bank.close(1)
    await _to_loss(bank, loan)
    await bank.run(lending.write_off, loan.id, write_off_id=new_id(bank.now))
    state = await bank.state(loan)
    lost = state.principal_off + state.interest_off + state.penalty_off
    lent, *_, last = await flows(bank, loan)
    # It bears all: beside its own 30 % of the loan also our 70 % of it.
    assert lent[0] == 3_000_00
    assert last[6] == lost - round(state.principal_off * 0.3) - round(
        (state.interest_off + state.penalty_off) * 0.3
    )
    await bank.check_ties()
    await bank.give(borrower.account_id, 123_45)
    await bank.run(lending.recover, loan.id, recovery_id=new_id(bank.now), amount=123_45)
    assert (await flows(bank, loan))[-1] == (0, 0, 0, 0, 0, 123_45, 0, 0)
    await bank.check_ties()


async def _to_loss(bank: Bank, loan: lending.Loan) -> None:
    """Let a loan be a loss, as after a year of being overdue."""
    async with bank.database.unit_of_work() as uow:
        await uow.execute("UPDATE lending.balances SET class = 4 WHERE loan = :n", n=loan.number)


async def test_what_is_between_us_is_settled_each_day_once(joint: Bank) -> None:
    bank, borrower = joint, await joint.add_borrower(money=100_000_00)
    north = await bank.read(partners.get_partner, "north", on=bank.today)
    await bank.lend(borrower, principal=10_000_00)
    await bank.close(1)
    # Its deposit is empty: nothing is settled, and it is tried again.
    assert await partners.settle_partners(bank.database, now=bank.now) == {}
    await bank.give(north.deposit_account_id, 5_000_00)
    at_once = [partners.settle_partners(bank.database, now=bank.now) for _ in range(2)]
    assert sorted(len(each) for each in await asyncio.gather(*at_once)) == [0, 1]
    assert await bank.balance(north.deposit_account_id) == 2_000_00
    assert await owed_to(bank) == 0
    await bank.lend(borrower, principal=1_000_00)
    statement = await bank.read(
        partners.get_partner_statement,
        "north",
        first=bank.today - timedelta(days=1),
        last=bank.today,
        now=bank.now,
    )
    assert statement.opening == 0
    days = [(each.flow.lent, each.settled, each.closing) for each in statement.days]
    assert days == [(3_000_00, 0, -3_000_00), (300_00, -3_000_00, -300_00)]
    await bank.check_ties()


async def test_a_statement_of_days_in_the_wrong_order_is_refused(joint: Bank) -> None:
    with pytest.raises(InvalidField) as caught:
        await joint.read(
            partners.get_partner_statement,
            "north",
            first=joint.today,
            last=joint.today - timedelta(days=1),
            now=joint.now,
        )
    assert caught.value.field == "last"


@pytest.mark.parametrize(
    ("shares", "field", "rule"),
    [
        ([("north", 299_999, 299_999, 0)], "shares.0.share", "loan.colend.partner.min"),
        ([("north", 700_001, 700_001, 0)], "shares", "loan.colend.own.min"),
        (
            [("north", 300_000, 300_001, 0)],
            "shares.0.loss_share",
            "loan.colend.guarantee.licence.required",
        ),
    ],
)
async def test_shares_outside_the_rulebook_are_refused(
    bank: Bank, shares: list[Any], field: str, rule: str
) -> None:
    await bank.add_product()
    await add_partner(bank)
    with pytest.raises(partners.AgreementAgainstRule) as caught:
        await agree(bank, *shares)
    assert (caught.value.field, caught.value.context["rule"]) == (field, rule)
    assert await bank.read(partners.list_agreements, on=bank.today) == []


async def test_agreements_that_cannot_be_are_refused_by_field(joint: Bank) -> None:
    bank = joint
    await bank.add_product("other")
    await add_partner(bank, "south", is_open=False)
    for new, field in (
        (agreement(bank, code="Joint"), "code"),
        (agreement(bank, products=()), "products"),
        (agreement(bank, ("north", 300_000, 0, -1)), "shares.0.fee_share"),
        (agreement(bank, *[("north", 300_000, 0, 0)] * 2), "shares"),
        (agreement(bank, ("north", 900_000, 0, 0), ("south", 300_000, 0, 0)), "shares.share"),
        (agreement(bank, effective_from=bank.today - timedelta(days=1)), "effective_from"),
        (agreement(bank, ("east", 300_000, 0, 0)), "partner"),
        (agreement(bank, ("south", 300_000, 0, 0)), "shares.0.partner"),
        (agreement(bank, code="second"), "products"),
        (agreement(bank, products=("nothing",)), "product"),
        (agreement(bank), "effective_from"),
    ):
        with pytest.raises(Refusal) as caught:
            await bank.run(partners.check_agreement, new, rulebook=RULES)
        assert caught.value.field == field


async def test_an_agreement_by_versions_and_a_partner_too(joint: Bank) -> None:
    bank, borrower = joint, await joint.add_borrower()
    first = await bank.lend(borrower, principal=1_000_00)
    bank.now += timedelta(days=1)
    await add_partner(bank, name_en="North")
    await agree(bank, ("north", 500_000, 500_000, 0))
    second = await bank.lend(borrower, principal=1_000_00)
    bank.now += timedelta(days=1)
    await agree(bank, ("north", 500_000, 500_000, 0), is_open=False)
    alone = await bank.lend(borrower, principal=1_000_00)
    assert [each[0][0] for each in [await flows(bank, loan) for loan in (first, second)]] == [
        300_00,
        500_00,
    ]
    assert await flows(bank, alone) == []
    versions = await bank.read(partners.list_agreement_versions, "joint")
    assert [each.own_share for each in versions] == [700_000, 500_000, 500_000]
    names = await bank.read(partners.list_partners, on=bank.today)
    assert [(each.name_en, each.version) for each in names] == [("North", 2)]
    with pytest.raises(partners.PartnerRefused):
        await bank.run(partners.check_partner, partner(bank, currency="USD"))


async def test_no_more_is_lent_with_a_partner_than_the_rulebook_allows(joint: Bank) -> None:
    bank, borrower = joint, await joint.add_borrower()
    # A quarter of the tier-one capital of the rulebook is 250 million; 70 % of the loan are ours.
    plan = await bank.read(partners.find_plan, "cash", on=bank.today)
    await bank.lend(borrower, principal=1_000_00)
    for principal, is_fine in ((357_141_857_14, True), (357_141_857_16, False)):
        check = bank.read(partners.check_exposure, plan, principal, rulebook=RULES, on=bank.today)
        if is_fine:
            await check
        else:
            with pytest.raises(partners.AgreementAgainstRule, match=r"capital\.max"):
                await check


async def test_shares_that_make_no_whole_cannot_be_written(joint: Bank) -> None:
    with pytest.raises(DBAPIError, match="do not make a whole"):
        async with joint.database.unit_of_work() as uow:
            await uow.execute(
                "INSERT INTO lending.funding_plans (agreement_id, version, effective_from, "
                "products, is_open, own_share, own_loss_share, approval_id, agreed_at) "
                "SELECT agreement_id, 9, effective_from + 9, products, true, 700001, 700000, :id, "
                "agreed_at FROM lending.funding_plans",
                id=uuid7(),
            )


async def test_closing_a_day_of_shared_and_other_loans_ties_chunk_by_chunk(joint: Bank) -> None:
    bank, borrower = joint, await joint.add_borrower()
    await bank.add_product("own")
    for place in range(7):
        await bank.lend(borrower, "own" if place % 3 else "cash", principal=1_000_00 + place)
    await bank.close(33)
    await bank.check_ties()
