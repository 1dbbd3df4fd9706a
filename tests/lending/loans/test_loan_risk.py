"""Applications decided in one call: rules, who may borrow, score, limit and price, all recorded."""

from datetime import date, timedelta
from typing import Any

import pytest
from tests.lending.loans.conftest import RULES, Bank
from tests.lending.loans.deciding import ID_NUMBER, DecidingBank, clean_report

from huitong import risk
from huitong.kernel.ids import TABLE_ANSWER, read_id, uuid7
from huitong.lending import applications, bureau
from huitong.lending.applications import Stage
from huitong.wiring.loan_risk import LoanRisk

#: Of somebody who was born on 7 March 1950.
OLD = "110105195003077835"


@pytest.fixture
async def deciding(bank: Bank) -> DecidingBank:
    await bank.add_product(mandatory=("monthly_income",))
    return await DecidingBank.open(bank)


async def test_a_good_applicant_is_offered_a_loan_and_each_step_is_recorded(
    deciding: DecidingBank,
) -> None:
    customer = await deciding.add_applicant()
    found = await deciding.apply(customer, report=clean_report())
    assert (found.stage, found.reasons) == (Stage.OFFERED, ())
    assert found.offer is not None
    assert found.offer.principal == 10_000_00
    records = await deciding.records(found)
    price = await deciding.bank.read(
        risk.get_table_answer, read_id(TABLE_ANSWER, records["loan_price"], field="answer")
    )
    assert found.offer.rate == int(float(price.outputs[0]["rate"]) * 1_000_000)
    assert records["score"]["grade"] == found.offer.grade
    assert found.decision_id == found.id
    decision = await deciding.bank.read(risk.get_decision, found.id)
    assert decision.purpose is risk.Purpose.LOAN
    assert not any(risk.is_protected(each) for each in records["score"]["features"])


async def test_income_is_what_came_in_not_what_was_said(deciding: DecidingBank) -> None:
    customer = await deciding.add_applicant(income=5_000_00)
    found = await deciding.apply(customer, report=clean_report())
    features = (await deciding.records(found))["score"]["features"]
    assert (features["monthly_income"], features["inflow_months_12m"]) == ("500000", "3")


@pytest.mark.parametrize(
    ("setting", "stage", "code"),
    [
        ({"id_number": OLD}, Stage.REFUSED, "too_old"),
        ({"report": None}, Stage.REVIEW, "no_report"),
        ({"income": 0}, Stage.REVIEW, "income_not_known"),
        ({"report": None, "income": 0}, Stage.REVIEW, "income_not_known"),
        ({"id_number": None}, Stage.REVIEW, "not_identified"),
        ({"income": 900_00}, Stage.REFUSED, "debts_too_high"),
        ({"months": "N" * 59 + "4"}, Stage.REFUSED, "was_overdue_long"),
        ({"months": "N" * 59 + "2"}, Stage.REVIEW, "was_overdue"),
        ({"overdue": 100_00}, Stage.REFUSED, "overdue_now"),
        ({"inquiries": 7}, Stage.REVIEW, "many_inquiries"),
        ({"records": 1}, Stage.REVIEW, "public_record"),
    ],
)
async def test_what_stands_against_it_is_told_in_two_languages(
    deciding: DecidingBank, setting: dict[str, Any], stage: Stage, code: str
) -> None:
    customer = await deciding.add_applicant(
        income=setting.get("income", 12_000_00), id_number=setting.get("id_number", ID_NUMBER)
    )
    report = setting.get("report", _report(setting))
    found = await deciding.apply(customer, report=report, **setting.get("wish", {}))
    assert found.stage is stage
    reasons = {each.code: each for each in found.reasons}
    assert code in reasons
    assert reasons[code].zh
    assert reasons[code].en


def _report(setting: dict[str, Any]) -> bureau.Report:
    first, second = clean_report().accounts
    changed = bureau.Account(
        lender=first.lender,
        kind=first.kind,
        opened_on=first.opened_on,
        amount=first.amount,
        balance=first.balance,
        repayment=first.repayment,
        months=setting.get("months", first.months),
        overdue=setting.get("overdue", 0),
    )
    asked = bureau.Inquiry(by="BANK_C", on=date(2026, 9, 20), reason=bureau.InquiryReason.LOAN)
    judged = bureau.PublicRecord(kind=bureau.RecordKind.CIVIL_JUDGMENT, on=date(2024, 1, 1))
    return clean_report(
        accounts=(changed, second),
        inquiries=(asked,) * setting.get("inquiries", 0),
        records=(judged,) * setting.get("records", 0),
    )


@pytest.mark.parametrize(
    ("guarantors_report", "trouble"),
    [
        (clean_report(number="R2"), None),
        (None, "no_report"),
        (_report({"overdue": 100_00}), "overdue"),
        (_report({"records": 1}), "public_record"),
    ],
)
async def test_who_stands_for_a_loan_is_looked_at_too(
    deciding: DecidingBank, guarantors_report: bureau.Report | None, trouble: str | None
) -> None:
    customer, guarantor = await deciding.add_applicant(), await deciding.add_applicant()
    found = await deciding.apply(
        customer,
        report=clean_report(),
        guarantor=guarantor,
        guarantors_report=guarantors_report,
    )
    told = [each.code for each in found.reasons]
    if trouble is None:
        assert (found.stage, told) == (Stage.OFFERED, [])
    else:
        # What is known of the guarantor is for staff.
        assert (found.stage, told) == (Stage.REVIEW, ["party_by_people"])
        assert (await deciding.records(found))["parties"] == [trouble]
    own = await deciding.bank.read(applications.find_report, deciding.bank.vault, found)
    assert own == clean_report()


async def test_the_limit_is_what_income_and_debts_leave(deciding: DecidingBank) -> None:
    customer = await deciding.add_applicant()
    found = await deciding.apply(customer, report=clean_report(), principal=40_000_00)
    assert found.stage is Stage.OFFERED
    assert found.offer is not None
    most = RULES.amount("risk.credit.limit.first_loan.max", deciding.bank.today).minor
    assert (found.offer.principal, found.is_counter_offer) == (most, True)


async def test_an_offer_outside_the_product_goes_to_people(bank: Bank) -> None:
    await bank.add_product(rate_min=150_000, rate_max=180_000)
    deciding = await DecidingBank.open(bank)
    found = await deciding.apply(await deciding.add_applicant(), report=clean_report())
    assert (found.stage, found.reasons[0].code) == (Stage.REVIEW, "outside_product")
    assert (await deciding.records(found))["outside_product"] == "rate"


async def test_without_tables_or_rules_people_decide(bank: Bank) -> None:
    await bank.add_product()
    deciding = await DecidingBank.open(bank, has_tables=False)
    customer = await deciding.add_applicant()
    found = await deciding.apply(customer, report=clean_report())
    assert found.stage is Stage.REVIEW
    deciding.decider = LoanRisk(None, bank.vault, RULES)
    found = await deciding.apply(customer, report=clean_report())
    assert [each.code for each in found.reasons] == ["by_people"]


async def test_applicants_on_one_device_are_counted(deciding: DecidingBank) -> None:
    device = uuid7()
    for number in range(3):
        customer = await deciding.add_applicant(id_number=None)
        found = await deciding.apply(customer, report=clean_report(), device_id=device)
        codes = {each.code for each in found.reasons}
        assert ("many_applicants_on_one_device" in codes) is (number == 2)


async def test_a_report_is_asked_for_once_a_day_and_kept_sealed(deciding: DecidingBank) -> None:
    bank = deciding.bank
    customer = await deciding.add_applicant()
    found = await deciding.apply(customer, report=clean_report())
    again = await bank.read(applications.find_report, bank.vault, found)
    assert again == clean_report()

    async def stored(uow: Any) -> bytes:
        return bytes(await uow.fetch_value("SELECT report FROM lending.report_queries"))

    assert b"BANK_A" not in await bank.read(stored)


async def test_a_question_without_an_answer_is_asked_again_by_its_id(
    deciding: DecidingBank,
) -> None:
    bank = deciding.bank
    customer = await deciding.add_applicant()
    application = await _begin(deciding, customer)

    async def begin() -> Any:
        return await bank.run(
            applications.begin_report, bank.vault, application, query_id=uuid7(), rulebook=RULES
        )

    first = await begin()
    with pytest.raises(applications.ReportPending):
        await begin()
    bank.now += timedelta(seconds=61)
    again = await begin()
    assert again.id == first.id
    lost = bureau.Answer(
        request_id=first.id,
        verdict=bureau.Verdict.UNAVAILABLE,
        trouble=bureau.Trouble.TIMED_OUT,
    )
    await bank.run(applications.end_report, bank.vault, again, lost)
    assert await begin() is None
    bank.now += timedelta(hours=24)
    assert (await begin()).id != first.id


async def _begin(deciding: DecidingBank, customer: Any) -> Any:
    """Return the id of a complete draft."""
    kept = deciding.decider

    class Stops(Exception):
        pass

    class Stopping:
        async def decide(self, *_: Any, **__: Any) -> Any:
            raise Stops

    deciding.decider = Stopping()  # type: ignore[assignment]
    with pytest.raises(Stops):
        await deciding.apply(customer)
    deciding.decider = kept
    (draft,) = await deciding.bank.read(applications.list_applications, customer.id)
    assert draft.stage is Stage.DRAFT
    return draft.id
