"""Portfolios of loans that are sold, serviced for their buyer, and bought back."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.lending.loans.conftest import RULES, Bank, cny, new_id
from tests.lending.loans.partnering import add_partner, agree, owed_to

from huitong import lending
from huitong.kernel.errors import InvalidField
from huitong.lending import partners, sales


async def two_loans(bank: Bank, days: int = 40) -> tuple[lending.Loan, lending.Loan]:
    """Lend two loans and let days pass: both are overdue by then, with penalty interest."""
    await bank.add_product()
    await add_partner(bank, "fund")
    fund = await bank.read(partners.get_partner, "fund", on=bank.today)
    await bank.give(fund.deposit_account_id, 50_000_00)
    borrower = await bank.add_borrower(money=100_000_00)
    loans = await bank.lend(borrower), await bank.lend(borrower, principal=5_000_07)
    await bank.close(days)
    return loans


def new_sale(*loans: lending.Loan, **changes: Any) -> sales.NewSale:
    new = sales.NewSale(
        buyer="fund", loans=tuple(each.id for each in loans), price_share=980_000, fee_share=50_000
    )
    return replace(new, **changes)


async def sell(bank: Bank, new: sales.NewSale, **named: Any) -> sales.Sale:
    values = {"sale_id": new_id(bank.now), "rulebook": RULES} | named
    sale: sales.Sale = await bank.run(sales.sell_loans, new, **values)
    return sale


async def deposit(bank: Bank) -> int:
    fund = await bank.read(partners.get_partner, "fund", on=bank.today)
    return await bank.balance(fund.deposit_account_id)


async def chart(bank: Bank, code: str) -> int:
    """Return what accounts of a chart code come to, debits above zero."""

    async def read(uow: Any) -> int:
        found: int = await uow.fetch_value(
            """SELECT coalesce(sum(b.debits_posted - b.credits_posted), 0)::bigint
                 FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
                WHERE a.chart_code LIKE :code || '%'""",
            code=code,
        )
        return found

    found: int = await bank.read(read)
    return found


async def test_sold_loans_leave_the_balance_sheet_with_gain_or_loss(bank: Bank) -> None:
    loans = await two_loans(bank)
    states = [await bank.state(each) for each in loans]
    owed = sum(
        each.owed_principal + each.interest + each.penalty + each.compound for each in states
    )
    quote = await bank.read(sales.check_sale, new_sale(*loans), rulebook=RULES, now=bank.now)
    sale = await sell(bank, new_sale(*loans))
    assert (sale.owed, sale.price, sale.gain) == (quote.owed, quote.price, quote.gain)
    assert sale.owed == owed
    assert abs(sale.price - owed * 98 // 100) <= 1
    assert sale.gain == sale.price - (owed - sum(each.provision for each in states))
    # Nothing is left of loans, interest and provisions; the money came from the buyer's deposit.
    assert [await chart(bank, code) for code in ("1303", "1132", "1221", "1304")] == [0, 0, 0, 0]
    assert await chart(bank, "6111.01") == -sale.gain
    assert await deposit(bank) == 50_000_00 - sale.price
    sold = await bank.read(sales.list_sold, sale)
    assert sum(each.price for each in sold) == sale.price
    assert [each.loan_id for each in sold] == [each.id for each in loans]
    await bank.check_ties()


async def test_what_a_sold_loan_brings_is_passed_on_for_a_fee(bank: Bank) -> None:
    loan, _ = await two_loans(bank)
    before = await bank.repay(loan, 100_00)
    await sell(bank, new_sale(loan))
    income = await chart(bank, "6011")
    await bank.close(3)
    assert await chart(bank, "6011") < income
    state = await bank.state(loan)
    await bank.repay(loan, state.owed_now)
    after = await bank.state(loan)
    earned = after.interest_paid + after.penalty_paid - state.interest_paid - state.penalty_paid
    fee = earned * 5 // 100
    assert await owed_to(bank, "fund") == state.owed_now - fee
    assert await chart(bank, "6021.06") == -fee
    await bank.check_ties()
    # A repayment of before is taken back: the claim is the buyer's, so is what it is less.
    await bank.run(lending.reverse, loan.id, reversal_id=new_id(bank.now), event_id=before.id)
    await bank.check_ties()
    await bank.close(1)
    await bank.check_ties()


async def test_a_loan_bought_back_is_ours_again_and_may_be_sold_again(bank: Bank) -> None:
    first, second = await two_loans(bank)
    sale = await sell(bank, new_sale(first, second))
    await bank.close(2)
    await bank.repay(second, 50_00)
    back = sales.NewBuyBack(sale_id=sale.id, loans=(second.id,), price_share=1_000_000)
    quote = await bank.read(sales.check_buy_back, back, now=bank.now)
    had, buy_back_id = await deposit(bank), new_id(bank.now)
    for _ in range(2):
        await bank.run(sales.buy_back, back, buy_back_id=buy_back_id)
    assert await deposit(bank) == had + quote.price
    assert await chart(bank, "1303") == (await bank.state(second)).owed_principal
    await bank.check_ties()
    owed = await owed_to(bank, "fund")
    await bank.close(1)
    await bank.repay(second, 20_00)
    assert await owed_to(bank, "fund") == owed
    await bank.check_ties()
    with pytest.raises(sales.SaleRefused):
        await bank.run(sales.buy_back, back, buy_back_id=new_id())
    await sell(bank, new_sale(second, price_share=1_100_000))
    await bank.close(1)
    await bank.check_ties()
    sold = await bank.read(sales.list_sold, sale)
    assert [each.bought_back_for for each in sold] == [None, quote.price]


async def test_a_loan_is_sold_once_however_many_ask_at_once(bank: Bank) -> None:
    loans = await two_loans(bank)
    outcomes = await asyncio.gather(
        *(sell(bank, new_sale(*loans)) for _ in range(3)), return_exceptions=True
    )
    stand = [each for each in outcomes if isinstance(each, sales.Sale)]
    assert len(stand) == 1
    assert sum(isinstance(each, sales.SaleRefused) for each in outcomes) == 2
    assert await deposit(bank) == 50_000_00 - stand[0].price
    again = await sell(bank, new_sale(*loans), sale_id=stand[0].id)
    assert again == stand[0]
    assert await bank.read(sales.list_sales, limit=10) == stand
    await bank.check_ties()


async def test_a_buyer_without_the_money_buys_nothing(bank: Bank) -> None:
    loan, _ = await two_loans(bank, days=1)
    fund = await bank.read(partners.get_partner, "fund", on=bank.today)
    await add_partner(bank, "poor")
    with pytest.raises(partners.PartnerMoneyRefused):
        await sell(bank, new_sale(loan, buyer="poor"))
    assert await bank.read(sales.list_sales, limit=10) == []
    assert await bank.balance(fund.deposit_account_id) == 50_000_00
    await bank.check_ties()


async def test_what_may_not_be_sold_is_refused_by_field_and_rule(bank: Bank) -> None:
    loan, other = await two_loans(bank, days=1)
    bank.now += timedelta(days=1)
    await bank.add_product("shared")
    await add_partner(bank)
    await agree(bank, products=("shared",))
    borrower = await bank.add_borrower()
    shared = await bank.lend(borrower, "shared")
    async with bank.database.unit_of_work() as uow:
        await uow.execute("UPDATE lending.balances SET class = 2 WHERE loan = :n", n=other.number)
    rule = sales.SaleAgainstRule
    for new, refusal, field in (
        (new_sale(), InvalidField, "loans"),
        (new_sale(loan, loan), InvalidField, "loans"),
        (new_sale(loan, price_share=0), InvalidField, "price_share"),
        (new_sale(loan, fee_share=1_000_001), InvalidField, "fee_share"),
        (new_sale(loan, promises_buy_back=True), rule, "promises_buy_back"),
        (new_sale(loan, other), rule, "loans"),
        (new_sale(loan, shared), sales.SaleRefused, "loans"),
        (new_sale(loan, buyer="nobody"), partners.PartnerNotFound, "partner"),
    ):
        with pytest.raises(refusal) as caught:
            await sell(bank, new)
        assert caught.value.field == field
    with pytest.raises(lending.LoanNotFound):
        await sell(bank, new_sale(loan, loans=(new_id(),)))
    with pytest.raises(sales.SaleNotFound):
        await bank.read(sales.get_sale, new_id())
    await sell(bank, new_sale(other))
    await bank.check_ties()


async def test_a_loan_that_was_paid_off_is_not_sold(bank: Bank) -> None:
    loan, _ = await two_loans(bank, days=1)
    quote = await bank.read(lending.quote_payoff, loan.id, on=bank.today, now=bank.now)
    await bank.run(lending.pay_off, loan.id, repayment_id=new_id(bank.now), amount=cny(quote.total))
    with pytest.raises(sales.SaleRefused, match="nothing of its principal"):
        await sell(bank, new_sale(loan))


def test_sales_come_back_from_their_approval_as_they_were() -> None:
    new = sales.NewSale(buyer="fund", loans=(new_id(),), price_share=1, fee_share=2)
    assert sales.read_sale(sales.write_sale(new)) == new
    back = sales.NewBuyBack(sale_id=new_id(), loans=(new_id(), new_id()), price_share=3)
    assert sales.read_buy_back(sales.write_buy_back(back)) == back
