"""A bank that lends: a product, borrowers with accounts, and proofs that its books tie."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import pytest

from huitong import customers, ledger, lending
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault

RULES = Rulebook.load()
#: Noon in Shanghai of a Thursday.
NOW = datetime(2026, 10, 1, 4, 0, tzinfo=UTC)
TODAY = date(2026, 10, 1)

Result = TypeVar("Result")

TERMS = lending.Terms(
    purpose=lending.Purpose.CONSUMER,
    uses=("household", "education"),
    payees=(lending.Payee.BORROWER, lending.Payee.MERCHANT),
    amount_min=1_000_00,
    amount_max=200_000_00,
    cycle=lending.Cycle(1, lending.TimeUnit.MONTHS),
    count_min=1,
    count_max=12,
    rate_kind=lending.RateKind.FIXED,
    rate_min=30_000,
    rate_max=180_000,
    reprice_months=0,
    day_count=lending.DayCount(lending.YearBasis.DAYS_360, lending.MonthBasis.DAYS_30),
    rounding=lending.Rounding.HALF_UP,
    multiple=1,
    methods=tuple(lending.Method),
    principal_grace_max=6,
    interest_free_max=6,
    down_payment_max=500_000,
    balloon_max=500_000,
    allows_steps=True,
    penalty_share=500_000,
    compounds=True,
    early_fee=0,
    order=(
        lending.Part.FEE,
        lending.Part.PENALTY,
        lending.Part.INTEREST,
        lending.Part.PRINCIPAL,
    ),
    order_bad=(
        lending.Part.PRINCIPAL,
        lending.Part.INTEREST,
        lending.Part.PENALTY,
        lending.Part.FEE,
    ),
    bad_days=90,
    walk=lending.Walk.BY_INSTALMENT,
    grades=(),
    mandatory=(),
)


def new_id(at: datetime = NOW) -> uuid.UUID:
    return uuid7(int(at.timestamp() * 1_000))


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


@dataclass
class Bank:
    """Everything that a test needs to tell a story about loans; `now` moves with the story."""

    database: Database
    vault: Vault
    now: datetime = NOW
    opened: int = 0
    products: dict[str, lending.Product] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return business_day(self.now)

    async def run(self, command: Callable[..., Awaitable[Result]], *args: Any, **named: Any) -> Any:
        """Run one command in a unit of work of its own, at `now` unless told otherwise."""
        values = {"now": self.now} | named
        return await self.database.run(lambda uow: command(uow, *args, **values))

    async def read(self, query: Callable[..., Awaitable[Result]], *args: Any, **named: Any) -> Any:
        async with self.database.unit_of_work() as uow:
            return await query(uow, *args, **named)

    async def add_product(self, code: str = "cash", **changes: Any) -> lending.Product:
        version = lending.NewVersion(
            code=code,
            name_zh="现金贷",
            name_en="Cash loan",
            currency="CNY",
            effective_from=self.today,
            terms=replace(TERMS, **changes),
        )
        product: lending.Product = await self.run(
            lending.add_product_version, version, approval_id=uuid7(), rulebook=RULES
        )
        self.products[code] = product
        return product

    async def add_borrower(self, money: int = 0) -> customers.Customer:
        """Open a customer with an account that holds so much."""
        self.opened += 1
        customer: customers.Customer = await self.run(
            customers.open_customer,
            self.vault,
            customer_id=new_id(),
            name=f"借款人{self.opened}",
            mobile=f"1390013{self.opened:04d}",
            account_class=3,
        )
        if money:
            await self.give(customer.account_id, money)
        return customer

    async def give(self, account_id: int, money: int) -> None:
        """Put money of the bank's own into an account."""

        async def post(uow: Any, *, now: datetime) -> None:
            cash = await ledger.ensure_system_account(
                uow, "tests.cash", chart_code="1002.01", currency="CNY", name="Cash"
            )
            transfer = ledger.Transfer(
                id=new_id(now),
                debit_account_id=cash.id,
                credit_account_id=account_id,
                amount=money,
                currency="CNY",
                code=int(ledger.TransferCode.TOP_UP),
                effective_on=business_day(now),
            )
            request = ledger.Request(ledger.Entry((transfer,)))
            outcomes = await ledger.post_entries(uow, [request], now=now)
            assert outcomes[0].is_posted

        await self.run(post)

    async def lend(
        self, customer: customers.Customer, product: str = "cash", **changes: Any
    ) -> lending.Loan:
        """Lend 12,000.00 at 12 % for 12 months by level payments, unless told otherwise."""
        payout = changes.pop("payout_account_id", customer.account_id)
        loan_id = changes.pop("loan_id", None) or new_id(self.now)
        terms: dict[str, Any] = {
            "principal": 12_000_00,
            "rate": 120_000,
            "count": 12,
            "method": lending.Method.LEVEL_PAYMENT,
            "use": "household",
        }
        loan: lending.Loan = await self.run(
            lending.open_loan,
            lending.LoanTerms(**(terms | changes)),
            loan_id=loan_id,
            product=product,
            customer_id=customer.id,
            borrower_account_id=customer.account_id,
            payout_account_id=payout,
            rulebook=RULES,
        )
        return loan

    async def close(self, days: int = 1) -> None:
        """Close today and the days after it, so many; the story goes on the day after them."""
        for _ in range(days):
            day = self.today
            self.now += timedelta(days=1)
            grade = lending.RulebookGrade.load(RULES, day)
            await lending.close_day(self.database, day, grade=grade, now=self.now, chunk_size=3)

    async def repay(self, loan: lending.Loan, amount: int, **named: Any) -> lending.LoanEvent:
        named = {"repayment_id": new_id(self.now)} | named
        event: lending.LoanEvent = await self.run(
            lending.repay, loan.id, amount=cny(amount), **named
        )
        return event

    async def state(self, loan: lending.Loan) -> lending.State:
        found: lending.State = await self.read(lending.get_state, loan, now=self.now)
        return found

    async def schedule(self, loan: lending.Loan) -> list[lending.Instalment]:
        found: list[lending.Instalment] = await self.read(lending.get_schedule, loan)
        return found

    async def balance(self, account_id: int) -> int:
        found: ledger.Balance = await self.read(ledger.get_balance, account_id)
        return found.posted.minor

    async def check_ties(self) -> None:
        """Assert that all invariants of lending and of the ledger hold."""
        report = await ledger.verify_ledger(self.database, more=lending.INVARIANTS)
        assert report.findings == ()


@pytest.fixture
async def bank(database: Database, vault: Vault) -> Bank:
    async with database.unit_of_work() as uow:
        await ledger.install_chart(uow)
        for month in (date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)):
            await uow.execute("SELECT ledger.add_partition(:month)", month=month)
    return Bank(database, vault)
