"""Loans in people's requests about their data."""

from tests.lending.loans.conftest import Bank, cny, new_id

from huitong import lending


async def test_a_loan_is_shown_blocks_deletion_and_is_kept_after_its_end(bank: Bank) -> None:
    await bank.add_product(mandatory=("shop",))
    borrower = await bank.add_borrower()
    data = lending.LendingData()
    assert await bank.read(data.export, borrower.id) == {}
    assert await bank.read(data.blockers, borrower.id) == ()
    loan = await bank.lend(borrower, facts={"shop": "茶馆"})
    (shown,) = (await bank.read(data.export, borrower.id))["loans"]
    assert (shown["state"], shown["facts"]) == ("active", {"shop": "茶馆"})
    assert await bank.read(data.blockers, borrower.id) == ("open_loans",)
    await bank.run(lending.pay_off, loan.id, repayment_id=new_id(), amount=cny(12_000_00))
    assert await bank.read(data.blockers, borrower.id) == ()
    erasure = await bank.run(data.erase, borrower.id)
    assert [each.data_class for each in erasure.kept] == ["transaction_records"]
    await bank.read(data.forget, borrower.id)
    assert (await bank.read(data.export, borrower.id))["loans"][0]["facts"] == {}
    await bank.check_ties()
