"""From an application to the money: saved at each step, decided, read, signed, lent once."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.lending.loans.conftest import RULES, Bank, new_id

from huitong import lending, privacy
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.lending import applications
from huitong.lending.applications import (
    Collateral,
    CollateralKind,
    LoanDecision,
    LoanSubject,
    Party,
    Reason,
    Role,
    Stage,
    Step,
    Verdict,
)

INCOME = {"monthly_income": "12000", "work": "shop owner"}
REFUSAL = Reason(code="debts", zh="现有负债过高", en="You owe too much already")


class Decides:
    """A decider that says what a test wants, and remembers what it was asked about."""

    def __init__(self, decision: LoanDecision) -> None:
        self.decision = decision
        self.asked: list[LoanSubject] = []

    async def decide(self, uow: Any, subject: LoanSubject, /, *, now: Any) -> LoanDecision:
        self.asked.append(subject)
        return self.decision


OFFER = LoanDecision(verdict=Verdict.OFFER, limit=50_000_00, rate=90_000, grade=None)
REFUSE = LoanDecision(verdict=Verdict.REFUSE, reasons=(REFUSAL,))
REVIEW = LoanDecision(verdict=Verdict.REVIEW)


def wish(principal: int = 12_000_00, **changes: Any) -> lending.LoanTerms:
    terms: dict[str, Any] = {
        "principal": principal,
        "rate": 0,
        "count": 12,
        "method": lending.Method.LEVEL_PAYMENT,
        "use": "household",
    }
    return lending.LoanTerms(**(terms | changes))


class Applicant:
    """Somebody who applies, step by step."""

    def __init__(self, bank: Bank, customer: Any) -> None:
        self.bank = bank
        self.customer = customer
        self.id = new_id(bank.now)

    async def start(self, product: str = "cash", **changes: Any) -> Any:
        values = {
            "application_id": self.id,
            "customer_id": self.customer.id,
            "product": product,
            "borrower_account_id": self.customer.account_id,
            "payout_account_id": self.customer.account_id,
        }
        return await self.bank.run(applications.start_application, **(values | changes))

    async def fill(self, **values: Any) -> Any:
        return await self.bank.run(
            applications.fill_application, self.bank.vault, self.id, rulebook=RULES, **values
        )

    async def consent(self, customer_id: uuid.UUID | None = None) -> None:
        await self.bank.run(
            privacy.give_consent,
            subject_id=customer_id or self.customer.id,
            purpose=applications.CREDIT_REPORT,
            version=1,
            channel="app",
        )

    async def submit(self, decision: LoanDecision = OFFER) -> Any:
        return await self.bank.run(
            applications.submit_application,
            self.bank.vault,
            Decides(decision),
            self.id,
            rulebook=RULES,
        )

    async def read(self) -> Any:
        """Read the statement for as long as it must be."""
        _, statement = await self.bank.run(applications.show_statement, self.id)
        self.bank.now += timedelta(seconds=10)
        return await self.bank.run(
            applications.confirm_reading, self.id, digest=statement.digest, rulebook=RULES
        )

    async def contract(self) -> bytes:
        shown = await self.bank.run(applications.get_contract, self.id)
        return applications.digest_contract(shown)

    async def sign(self, digest: bytes | None = None, loan_id: uuid.UUID | None = None) -> Any:
        return await self.bank.run(
            applications.sign_and_lend,
            self.bank.vault,
            self.id,
            contract_digest=digest or await self.contract(),
            loan_id=loan_id or self.id,
            proof="stp_1",
            rulebook=RULES,
        )

    async def found(self) -> Any:
        return await self.bank.read(applications.get_application, self.id)


@pytest.fixture
async def applicant(bank: Bank) -> Applicant:
    await bank.add_product(mandatory=("monthly_income",))
    return Applicant(bank, await bank.add_borrower())


@pytest.fixture
async def offered(applicant: Applicant) -> Applicant:
    await applicant.start()
    await applicant.fill(wish=wish(), facts=INCOME)
    await applicant.consent()
    await applicant.submit()
    return applicant


async def test_from_the_first_step_to_the_money(offered: Applicant) -> None:
    bank = offered.bank
    await offered.read()
    application, loan = await offered.sign()
    assert application.stage is Stage.LENT
    assert (loan.terms.rate, loan.terms.facts) == (90_000, {"monthly_income": "12000"})
    assert await bank.balance(offered.customer.account_id) == 12_000_00
    steps = await bank.read(applications.list_application_steps, offered.id)
    assert [each.step for each in steps] == [
        Step.STARTED,
        Step.FILLED,
        Step.SUBMITTED,
        Step.DECIDED,
        Step.STATEMENT_SHOWN,
        Step.STATEMENT_READ,
        Step.SIGNED,
    ]
    await bank.check_ties()


async def test_signing_twice_lends_once(offered: Applicant) -> None:
    await offered.read()
    digest = await offered.contract()
    found = await asyncio.gather(*(offered.sign(digest) for _ in range(4)))
    assert {loan.id for _, loan in found} == {offered.id}
    assert await offered.bank.balance(offered.customer.account_id) == 12_000_00
    with pytest.raises(InvalidField, match="not the contract that was signed"):
        await offered.sign(b"x" * 32)


async def test_each_step_is_kept_and_facts_add_up(applicant: Applicant) -> None:
    await applicant.start()
    await applicant.fill(facts={"monthly_income": "9000"})
    await applicant.fill(facts=INCOME)
    again = await applicant.start()
    facts = await applicant.bank.read(applications.open_facts, applicant.bank.vault, again)
    assert (again.stage, again.wish, facts) == (Stage.DRAFT, None, INCOME)
    stored = await applicant.bank.read(_raw_facts, applicant.id)
    assert b"12000" not in stored


async def _raw_facts(uow: Any, application_id: uuid.UUID) -> bytes:
    return bytes(
        await uow.fetch_value(
            "SELECT facts FROM lending.applications WHERE id = :id", id=application_id
        )
    )


async def test_a_wish_is_priced_at_the_highest(applicant: Applicant) -> None:
    await applicant.start()
    filled = await applicant.fill(wish=wish(rate=1))
    assert filled.wish.rate == 180_000


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"principal": 1}, "principal"),
        ({"count": 13}, "count"),
        ({"use": "stocks"}, "use"),
        ({"payee": lending.Payee.MERCHANT}, None),
    ],
)
async def test_a_wish_outside_the_product_names_its_field(
    applicant: Applicant, changes: dict[str, Any], field: str | None
) -> None:
    await applicant.start()
    if field is None:
        assert (await applicant.fill(wish=wish(**changes))).wish is not None
        return
    with pytest.raises(lending.LoanTermsRefused) as refused:
        await applicant.fill(wish=wish(**changes))
    assert refused.value.field == field
    assert (await applicant.found()).wish is None


async def test_what_is_missing_is_said_and_nothing_is_decided(applicant: Applicant) -> None:
    await applicant.start()
    with pytest.raises(applications.LoanApplicationIncomplete) as missing:
        await applicant.submit()
    assert missing.value.field == "wish"
    await applicant.fill(wish=wish())
    with pytest.raises(applications.LoanApplicationIncomplete) as missing:
        await applicant.submit()
    assert missing.value.field == "facts.monthly_income"
    await applicant.fill(facts=INCOME)
    with pytest.raises(privacy.ConsentMissing):
        await applicant.submit()
    assert (await applicant.found()).stage is Stage.DRAFT


async def test_everybody_named_agrees_to_a_report(applicant: Applicant) -> None:
    guarantor = await applicant.bank.add_borrower()
    await applicant.start()
    await applicant.fill(wish=wish(), facts=INCOME)
    party = Party(customer_id=guarantor.id, role=Role.GUARANTOR)
    await applicant.bank.run(applications.add_party, applicant.id, party)
    await applicant.consent()
    with pytest.raises(privacy.ConsentMissing):
        await applicant.submit()
    await applicant.consent(guarantor.id)
    assert (await applicant.submit()).parties == (party,)


async def test_one_does_not_guarantee_for_oneself(applicant: Applicant) -> None:
    await applicant.start()
    party = Party(customer_id=applicant.customer.id, role=Role.GUARANTOR)
    with pytest.raises(InvalidField, match="somebody else"):
        await applicant.bank.run(applications.add_party, applicant.id, party)


async def test_collateral_is_kept_and_checked(applicant: Applicant) -> None:
    await applicant.start()
    car = Collateral(kind=CollateralKind.VEHICLE, description="沪A 12345", value=80_000_00)
    kept = await applicant.bank.run(applications.add_collateral, applicant.id, car)
    assert kept.collateral == (car,)
    with pytest.raises(InvalidField) as refused:
        await applicant.bank.run(applications.add_collateral, applicant.id, replace(car, value=0))
    assert refused.value.field == "value"


async def test_a_lower_limit_is_a_counter_offer(applicant: Applicant) -> None:
    await applicant.start()
    await applicant.fill(wish=wish(), facts=INCOME)
    await applicant.consent()
    offer = await applicant.submit(replace(OFFER, limit=5_000_00))
    assert (offer.offer.principal, offer.is_counter_offer) == (5_000_00, True)


async def test_less_than_the_least_is_a_refusal_with_its_reason(applicant: Applicant) -> None:
    await applicant.start()
    await applicant.fill(wish=wish(), facts=INCOME)
    await applicant.consent()
    found = await applicant.submit(replace(OFFER, limit=999_99))
    assert (found.stage, found.reasons[0].code) == (Stage.REFUSED, "limit_below_least")


async def test_a_refusal_is_appealed_once_and_a_person_decides(applicant: Applicant) -> None:
    bank = applicant.bank
    await applicant.start()
    await applicant.fill(wish=wish(), facts=INCOME)
    await applicant.consent()
    refused = await applicant.submit(REFUSE)
    assert (refused.stage, refused.reasons) == (Stage.REFUSED, (REFUSAL,))
    appealed = await bank.run(applications.appeal_refusal, applicant.id, words="已结清欠款")
    assert appealed.stage is Stage.REVIEW
    waiting = await bank.read(applications.list_applications_to_review)
    assert [each.id for each in waiting] == [applicant.id]
    decide = applications.decide_application
    final = await bank.run(decide, applicant.id, REFUSE, rulebook=RULES)
    assert final.is_decided_by_person
    with pytest.raises(applications.AppealedAlready):
        await bank.run(applications.appeal_refusal, applicant.id, words="again")


async def test_a_person_gives_reasons_or_terms(applicant: Applicant) -> None:
    await applicant.start()
    await applicant.fill(wish=wish(), facts=INCOME)
    await applicant.consent()
    await applicant.submit(REVIEW)
    decide = applications.decide_application
    nothing = LoanDecision(verdict=Verdict.REFUSE)
    with pytest.raises(InvalidField, match="at least one reason"):
        await applicant.bank.run(decide, applicant.id, nothing, rulebook=RULES)
    with pytest.raises(InvalidField, match="an offer or a refusal"):
        await applicant.bank.run(decide, applicant.id, REVIEW, rulebook=RULES)
    cheap = replace(OFFER, rate=1)
    with pytest.raises(lending.LoanTermsRefused) as refused:
        await applicant.bank.run(decide, applicant.id, cheap, rulebook=RULES)
    assert refused.value.field == "rate"
    offered = await applicant.bank.run(decide, applicant.id, OFFER, rulebook=RULES)
    assert offered.stage is Stage.OFFERED


async def test_the_statement_is_read_for_as_long_as_it_must(offered: Applicant) -> None:
    bank = offered.bank
    _, statement = await bank.run(applications.show_statement, offered.id)
    bank.now += timedelta(seconds=9, milliseconds=500)
    read = applications.confirm_reading
    with pytest.raises(applications.StatementNotRead) as early:
        await bank.run(read, offered.id, digest=statement.digest, rulebook=RULES)
    assert early.value.context == {"seconds_left": 1}
    with pytest.raises(applications.StatementNotRead, match="read the cost statement"):
        await offered.contract()
    with pytest.raises(applications.StatementNotRead, match="was not shown"):
        await bank.run(read, offered.id, digest=b"x" * 32, rulebook=RULES)


async def test_another_day_has_another_statement(offered: Applicant) -> None:
    await offered.read()
    digest = await offered.contract()
    offered.bank.now += timedelta(days=1)
    with pytest.raises(applications.StatementNotRead):
        await offered.sign(digest)
    await offered.read()
    _, loan = await offered.sign()
    assert loan.lent_on == offered.bank.today


async def test_another_contract_is_not_signed(offered: Applicant) -> None:
    await offered.read()
    with pytest.raises(InvalidField) as refused:
        await offered.sign(b"x" * 32)
    assert refused.value.field == "contract_digest"
    assert await offered.bank.balance(offered.customer.account_id) == 0


async def test_an_offer_lapses(offered: Applicant) -> None:
    bank = offered.bank
    await offered.read()
    bank.now += timedelta(days=31)
    with pytest.raises(applications.OfferLapsed):
        await bank.run(applications.show_statement, offered.id)
    assert await bank.run(applications.lapse_applications) == 1
    assert (await offered.found()).stage is Stage.LAPSED
    with pytest.raises(applications.WrongStage):
        await bank.run(applications.withdraw_application, offered.id)


async def test_it_can_be_withdrawn_before_the_money(offered: Applicant) -> None:
    withdrawn = await offered.bank.run(applications.withdraw_application, offered.id)
    assert withdrawn.stage is Stage.WITHDRAWN
    with pytest.raises(applications.WrongStage):
        await offered.read()


async def test_an_id_is_one_applicants_and_open_ones_are_few(applicant: Applicant) -> None:
    await applicant.start()
    other = await applicant.bank.add_borrower()
    with pytest.raises(applications.LoanApplicationIdReused):
        await applicant.start(customer_id=other.id, borrower_account_id=other.account_id)
    for _ in range(4):
        applicant.id = uuid.uuid4()
        await applicant.start()
    applicant.id = uuid.uuid4()
    with pytest.raises(LimitExceeded):
        await applicant.start()


async def test_an_unknown_one_is_not_found(applicant: Applicant) -> None:
    with pytest.raises(applications.LoanApplicationNotFound):
        await applicant.found()
