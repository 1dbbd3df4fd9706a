"""Loans, applications and credit reports in people's requests, and what is destroyed when."""

from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from tests.lending.loans.conftest import RULES, Bank, cny, new_id
from tests.lending.loans.deciding import DecidingBank, clean_report

from huitong import lending, privacy
from huitong.kernel.clock import business_day
from huitong.lending import applications


async def test_a_loan_is_shown_blocks_deletion_and_is_kept_after_its_end(bank: Bank) -> None:
    await bank.add_product(mandatory=("shop",))
    borrower = await bank.add_borrower()
    data = lending.LendingData(bank.vault)
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


@pytest.fixture
async def deciding(bank: Bank) -> DecidingBank:
    await bank.add_product(mandatory=("monthly_income",))
    return await DecidingBank.open(bank)


async def refuse(deciding: DecidingBank, customer: Any) -> applications.Application:
    """Have somebody with no income left refused, and appeal."""
    found = await deciding.apply(customer, report=clean_report())
    assert found.stage is applications.Stage.REFUSED
    return found


async def test_what_was_stated_and_reported_is_in_a_copy(deciding: DecidingBank) -> None:
    bank, data = deciding.bank, lending.LendingData(deciding.bank.vault)
    customer = await deciding.add_applicant(income=900_00)
    found = await refuse(deciding, customer)
    await bank.run(applications.appeal_refusal, found.id, words="我的收入在另一家银行")
    exported = await bank.read(data.export, customer.id)
    (shown,) = exported["loan_applications"]
    assert (shown["stage"], shown["facts"]) == ("review", {"monthly_income": "20000"})
    assert shown["appeal"] == "我的收入在另一家银行"
    (report,) = exported["credit_reports"]
    assert report["verdict"] == "found"
    assert [each["lender"] for each in report["report"]["accounts"]] == ["BANK_A", "BANK_B"]
    assert await bank.read(data.blockers, customer.id) == ("open_loan_applications",)


async def test_a_refusal_is_kept_and_what_was_given_up_goes(deciding: DecidingBank) -> None:
    bank, data = deciding.bank, lending.LendingData(deciding.bank.vault)
    customer = await deciding.add_applicant(income=900_00)
    await refuse(deciding, customer)
    waiting = await deciding.apply(customer, report=None)
    assert waiting.stage is applications.Stage.REFUSED
    other = await deciding.add_applicant(id_number=None)
    given_up = await deciding.apply(other, report=clean_report())
    await bank.run(applications.withdraw_application, given_up.id)
    kept = (await bank.run(data.erase, customer.id)).kept
    years = [(each.data_class, each.until_on) for each in kept]
    assert years == [("loan_applications", date(2028, 10, 1))]
    assert (await bank.run(data.erase, other.id)).erased == 1
    exported = await bank.read(data.export, other.id)
    assert exported["loan_applications"][0]["facts"] == {}
    assert [each["report"] for each in exported["credit_reports"]] == [None]
    assert (await bank.run(data.erase, other.id)).erased == 0


async def test_an_unsuccessful_application_is_erased_when_its_time_is_over(
    deciding: DecidingBank,
) -> None:
    bank, data = deciding.bank, lending.LendingData(deciding.bank.vault)
    customer = await deciding.add_applicant(income=900_00)
    found = await refuse(deciding, customer)
    await bank.run(applications.appeal_refusal, found.id, words="请再看一次")
    reason = applications.Reason(code="by_person", zh="不行", en="No")
    refusal = applications.LoanDecision(verdict=applications.Verdict.REFUSE, reasons=(reason,))
    await bank.run(applications.decide_application, found.id, refusal, rulebook=RULES)
    retained = applications.UnsuccessfulApplications()
    last = business_day(bank.now)
    for cutoff_on, count in ((last - timedelta(days=1), 0), (last, 1)):
        assert await bank.read(retained.count_due, cutoff_on=cutoff_on, limit=10) == count
        gone = await bank.run(retained.destroy_due, cutoff_on=cutoff_on)
        assert gone == [str(found.id)] * count
    assert await bank.run(retained.destroy_due, cutoff_on=last) == []
    exported = await bank.read(data.export, customer.id)
    (shown,) = exported["loan_applications"]
    assert (shown["facts"], shown["appeal"], shown["stage"]) == ({}, None, "refused")
    assert shown["reasons"] == [{"zh": "不行", "en": "No"}]
    assert exported["credit_reports"][0]["report"] is None


async def test_of_a_history_only_parts_are_taken_away(deciding: DecidingBank) -> None:
    customer = await deciding.add_applicant(income=900_00)
    await refuse(deciding, customer)
    for change in (
        'details = details || \'{"verdict": "offer"}\'',
        "step = 'signed'",
        "actor = 'nobody'",
    ):
        with pytest.raises(asyncpg.PostgresError, match=r"refused|denied"):
            await deciding.bank.read(_change, change)


async def _change(uow: Any, change: str) -> None:
    connection = await uow.driver()
    await connection.execute(f"UPDATE lending.application_steps SET {change}")


async def test_a_borrower_who_is_forgotten_leaves_numbers_only(deciding: DecidingBank) -> None:
    bank = deciding.bank
    customer = await deciding.add_applicant()
    await deciding.apply(customer, report=clean_report())
    found = await bank.read(applications.list_applications, customer.id)
    await bank.run(applications.withdraw_application, found[0].id)
    await bank.run(bank.vault.destroy, customer.id)
    data = lending.LendingData(bank.vault)
    await bank.read(data.forget, customer.id)
    exported = await bank.read(data.export, customer.id)
    assert exported["loan_applications"][0]["facts"] == {}
    assert exported["credit_reports"][0]["report"] is None
    score = (await deciding.records(found[0]))["score"]
    assert "grade" in score
    assert "features" not in score
    assert privacy.kept_until("loan_applications", bank.today, on=bank.today) == date(2028, 10, 1)
