"""Interest that is overdue for too long is no income: off the balance sheet, back when cured."""

from datetime import date

from tests.lending.loans.conftest import Bank, new_id
from tests.lending.loans.partnering import add_partner, agree

from huitong import ledger, lending


async def books(bank: Bank, code: str = "cash") -> dict[str, int]:
    """Return what stands on a product's control accounts, each on the side where it grows."""
    found = {}
    for part in ("interest", "penalty", "interest_income", "penalty_income", "memo", "impairment"):
        async with bank.database.unit_of_work() as uow:
            account = await uow.fetch_value(
                """SELECT c.account_id FROM lending.control_accounts c
                     JOIN lending.products p ON p.id = c.product_id
                    WHERE p.code = :code AND c.part = :part""",
                code=code,
                part=part,
            )
            balance: ledger.Balance = await ledger.get_balance(uow, account)
        found[part] = balance.posted.minor
    return found


async def fall_behind(bank: Bank, loan: lending.Loan, days: int) -> None:
    """Let a loan come to be so many days past its first due day."""
    async with bank.database.unit_of_work() as uow:
        for month in (date(2027, 1, 1), date(2027, 2, 1)):
            await uow.execute("SELECT ledger.add_partition(:month)", month=month)
    await bank.close(31 + days)
    assert (await bank.state(loan)).days_past_due == days


async def test_after_ninety_days_interest_leaves_the_balance_sheet_and_comes_back(
    bank: Bank,
) -> None:
    await bank.add_product()
    await add_partner(bank)
    await agree(bank)
    borrower = await bank.add_borrower(money=50_000_00)
    loan = await bank.lend(borrower, count=6)
    await fall_behind(bank, loan, 90)
    state, before = await bank.state(loan), await books(bank)
    assert not state.suspended
    assert before["interest"] == state.interest > 0
    await bank.close(1)
    state, after = await bank.state(loan), await books(bank)
    assert state.suspended
    assert (after["interest"], after["penalty"]) == (0, 0)
    assert (after["interest_income"], after["penalty_income"]) == (0, 0)
    assert after["memo"] == state.interest + state.penalty + state.compound
    # Nothing is provided for what is not on the books.
    shares = state.owed_principal * 25 // 100
    assert state.provision == max(shares, state.expected_loss) <= state.owed_principal
    await bank.check_ties()
    await bank.repay(loan, 500_00)
    state = await bank.state(loan)
    assert state.suspended
    assert (await books(bank))["interest_income"] == state.interest_paid
    await bank.check_ties()
    rest = await bank.repay(loan, state.owed_now)
    state = await bank.state(loan)
    assert not state.suspended
    assert (await books(bank))["interest"] == state.interest
    assert (await books(bank))["memo"] == 0
    await bank.check_ties()
    # Taken back, it is overdue again and goes off with the next close.
    await bank.run(lending.reverse, loan.id, reversal_id=new_id(bank.now), event_id=rest.id)
    await bank.check_ties()
    await bank.close(1)
    assert (await bank.state(loan)).days_past_due > 90
    assert (await bank.state(loan)).suspended
    await bank.check_ties()


async def test_what_is_written_off_while_off_the_books_is_no_loss_of_interest(bank: Bank) -> None:
    await bank.add_product()
    borrower = await bank.add_borrower()
    loan = await bank.lend(borrower, count=6)
    await fall_behind(bank, loan, 91)
    async with bank.database.unit_of_work() as uow:
        await uow.execute("UPDATE lending.balances SET class = 4 WHERE loan = :n", n=loan.number)
    await bank.run(lending.write_off, loan.id, write_off_id=new_id(bank.now))
    state, after = await bank.state(loan), await books(bank)
    assert (after["interest_income"], after["penalty_income"]) == (0, 0)
    assert after["impairment"] == state.principal_off == 12_000_00
    assert after["memo"] == state.interest_off + state.penalty_off
    await bank.give(borrower.account_id, 100_00)
    await bank.run(lending.recover, loan.id, recovery_id=new_id(bank.now), amount=100_00)
    await bank.check_ties()


async def test_products_of_before_get_the_accounts_that_they_lack(bank: Bank) -> None:
    async with bank.database.unit_of_work() as uow:
        await uow.execute(
            """INSERT INTO lending.products (code, name_zh, name_en, currency, created_at)
               VALUES ('old', '旧', 'Old', 'CNY', now())"""
        )
    for _ in range(2):
        async with bank.database.unit_of_work() as uow:
            await lending.complete_control_accounts(uow)
    assert set((await books(bank, "old")).values()) == {0}
