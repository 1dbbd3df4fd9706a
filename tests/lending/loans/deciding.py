"""A bank that decides: rules and tables that are live, applicants who are known, earn and owe."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from tests.lending.loans.conftest import RULES, Bank, new_id
from tests.risk.decisioning.rules.conftest import Desk

from huitong import customers, ledger, lending, privacy, risk
from huitong.customers.onboarding.sealing import ID_NUMBER_FIELD, IDENTITY_PERSON_FIELD
from huitong.kernel.database.unit_of_work import Caller
from huitong.kernel.ids import uuid7
from huitong.lending import applications, bureau
from huitong.wiring.loan_risk import LoanRisk

CATALOGUE = risk.default_catalogue(risk.Purpose.LOAN)
MONTHS = (date(2026, 7, 10), date(2026, 8, 10), date(2026, 9, 10))
#: Of somebody who was born on 7 March 1990.
ID_NUMBER = "110105199003077833"


def clean_report(**changes: Any) -> bureau.Report:
    """Return the report of somebody who always paid a small loan and a card on time."""
    accounts = (
        bureau.Account(
            lender="BANK_A",
            kind=bureau.AccountKind.CONSUMER_LOAN,
            opened_on=date(2020, 1, 1),
            amount=1_000_000,
            balance=200_000,
            repayment=50_000,
            months="N" * 60,
        ),
        bureau.Account(
            lender="BANK_B",
            kind=bureau.AccountKind.CREDIT_CARD,
            opened_on=date(2019, 1, 1),
            amount=2_000_000,
            balance=200_000,
            repayment=20_000,
            months="N" * 60,
        ),
    )
    values: dict[str, Any] = {
        "number": "R1",
        "made_on": date(2026, 10, 1),
        "summary": bureau.Summary(employer="茶叶店"),
        "accounts": accounts,
    }
    return bureau.Report(**(values | changes))


@dataclass
class DecidingBank:
    """What decides, and short ways to an application."""

    bank: Bank
    decider: LoanRisk

    @classmethod
    async def open(cls, bank: Bank, *, has_tables: bool = True) -> "DecidingBank":
        desk = Desk(bank.database, now=bank.now, catalogue=CATALOGUE, purpose=risk.Purpose.LOAN)
        rules = risk.RuleCache(bank.database, {risk.Purpose.LOAN: CATALOGUE}, now=lambda: bank.now)
        document = risk.default_rules(risk.Purpose.LOAN, RULES, bank.today)
        version = await desk.run(
            lambda uow: risk.save_rules(
                uow,
                version_id=uuid7(),
                purpose=risk.Purpose.LOAN,
                rules=risk.read_rules(document, CATALOGUE),
                now=bank.now,
            )
        )
        await desk.shadow(version)
        await risk.backtest_now(
            bank.database,
            backtest_id=uuid7(),
            version_id=version.id,
            days=30,
            caller=Caller(actor="stf_test"),
            now=bank.now,
            parties={},
        )
        await desk.set_live(version)
        await rules.learn_news()
        if has_tables:
            for name in ("loan_eligibility", "loan_price"):
                await _set_table_live(bank, desk, name)
        decider = risk.Decider(risk.Purpose.LOAN, bank.database, rules, RULES)
        return cls(bank, LoanRisk(decider, bank.vault, RULES))

    async def add_applicant(
        self, *, income: int = 12_000_00, id_number: str | None = ID_NUMBER
    ) -> customers.Customer:
        """Open a customer who is known for a year and earned so much a month."""
        now, self.bank.now = self.bank.now, self.bank.now.replace(year=2025)
        customer = await self.bank.add_borrower()
        self.bank.now = now
        if id_number is not None:
            await self.bank.run(self.verify, self.bank.vault, customer.id, id_number)
        for day in MONTHS:
            if income:
                await self.bank.run(earn, customer.account_id, income, day)
        return customer

    @staticmethod
    async def verify(
        uow: Any, vault: Any, customer_id: uuid.UUID, id_number: str, *, now: Any
    ) -> None:
        """Make a customer one whose identity was verified."""
        person = customers.PersonDetails(
            name="李小满",
            sex=customers.Sex.MALE,
            nationality="CHN",
            occupation="shop owner",
            address="北京市朝阳区建国路1号",
            mobile="13900130001",
            id_number=id_number,
            valid_from_on=date(2020, 1, 1),
            valid_until_on=None,
        )
        fields = {
            IDENTITY_PERSON_FIELD: msgspec.json.encode(person).decode(),
            ID_NUMBER_FIELD: id_number,
        }
        sealed = await vault.seal(uow, customer_id, fields)
        await uow.execute(
            """INSERT INTO customers.identities (customer_id, id_number, person, id_index,
                   name_birth_index, channels, is_in_person, verified_at, review_due_on)
               VALUES (:id, :number, :person, :index, :index, '{}', false, :now, '2030-01-01')""",
            id=customer_id,
            number=sealed[ID_NUMBER_FIELD],
            person=sealed[IDENTITY_PERSON_FIELD],
            index=customer_id.bytes * 2,
            now=now,
        )

    async def apply(
        self,
        customer: customers.Customer,
        *,
        report: bureau.Report | None = None,
        device_id: uuid.UUID | None = None,
        guarantor: customers.Customer | None = None,
        guarantors_report: bureau.Report | None = None,
        **wish: Any,
    ) -> applications.Application:
        """Hand an application for 10,000.00 for a year in, and return what became of it."""
        bank, application_id = self.bank, new_id(self.bank.now)
        terms: dict[str, Any] = {
            "principal": 10_000_00,
            "rate": 0,
            "count": 12,
            "method": lending.Method.LEVEL_PAYMENT,
            "use": "household",
        }
        await bank.run(
            applications.start_application,
            application_id=application_id,
            customer_id=customer.id,
            product="cash",
            borrower_account_id=customer.account_id,
            payout_account_id=customer.account_id,
        )
        await bank.run(
            applications.fill_application,
            bank.vault,
            application_id,
            wish=lending.LoanTerms(**(terms | wish)),
            facts={"monthly_income": "20000"},
            rulebook=RULES,
        )
        await self.consent(customer.id)
        if guarantor is not None:
            party = applications.Party(customer_id=guarantor.id, role=applications.Role.GUARANTOR)
            await bank.run(applications.add_party, application_id, party)
            await self.consent(guarantor.id)
        if report is not None:
            await self.ask_report(application_id, report)
        if guarantor is not None and guarantors_report is not None:
            await self.ask_report(application_id, guarantors_report, guarantor.id)
        found: applications.Application = await bank.run(
            applications.submit_application,
            bank.vault,
            self.decider,
            application_id,
            device_id=device_id,
            rulebook=RULES,
        )
        return found

    async def consent(self, person: uuid.UUID) -> None:
        await self.bank.run(
            privacy.give_consent,
            subject_id=person,
            purpose=applications.CREDIT_REPORT,
            version=1,
            channel="app",
        )

    async def ask_report(
        self, application_id: uuid.UUID, report: bureau.Report, subject_id: uuid.UUID | None = None
    ) -> None:
        query = await self.bank.run(
            applications.begin_report,
            self.bank.vault,
            application_id,
            query_id=uuid7(),
            subject_id=subject_id,
            rulebook=RULES,
        )
        answer = bureau.Answer(request_id=query.id, verdict=bureau.Verdict.FOUND, report=report)
        await self.bank.run(applications.end_report, self.bank.vault, query, answer)

    async def records(self, application: applications.Application) -> dict[str, Any]:
        """Return what the history says was recorded while it was decided about."""
        steps = await self.bank.read(applications.list_application_steps, application.id)
        decided = next(each for each in steps if each.step is applications.Step.DECIDED)
        found: dict[str, Any] = decided.details["records"]
        return found


async def _set_table_live(bank: Bank, desk: Desk, name: str) -> None:
    document = risk.default_table(name, RULES, bank.today)
    table = risk.read_table(document, risk.get_schema(name))
    version = await desk.run(
        lambda uow: risk.save_table(uow, version_id=uuid7(), table=table, now=bank.now)
    )
    approval_id = await desk.approve("risk.set_table_live")
    await desk.run(
        lambda uow: risk.set_table_live(
            uow,
            version_id=version.id,
            digest=version.digest,
            effective_from=bank.today,
            approval_id=approval_id,
            now=bank.now,
        )
    )


async def earn(uow: Any, account_id: int, money: int, day: date, *, now: Any) -> None:
    """Have somebody pay so much into an account, as if on a day."""
    payer = await ledger.ensure_system_account(
        uow, "tests.payer", chart_code="1002.01", currency="CNY", name="Payer"
    )
    transfer = ledger.Transfer(
        id=new_id(now),
        debit_account_id=payer.id,
        credit_account_id=account_id,
        amount=money,
        currency="CNY",
        code=int(ledger.TransferCode.TRANSFER),
        effective_on=day,
    )
    outcomes = await ledger.post_entries(uow, [ledger.Request(ledger.Entry((transfer,)))], now=now)
    assert outcomes[0].is_posted
