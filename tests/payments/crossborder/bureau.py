"""A house with an exchange desk: rates, people, a business with two users, a bank abroad."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from huitong import customers, ledger, payments
from huitong.kernel.clock import FixedClock
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments import bulk, crossborder

RULES = Rulebook.load()
RATES = {
    "USD": ("7.1000", "7.1100"),
    "EUR": ("7.7800", "7.7950"),
    "GBP": ("8.9800", "9.0000"),
    "HKD": ("0.9120", "0.9135"),
    "JPY": ("0.047600", "0.047700"),
}
LIST = "entry,name,born_on,country\nE1,Dockyard Holdings Ltd,,IR\nE2,张三,1960-01-01,CN\n"
PAYEE = crossborder.Counterparty(
    name="Acme Tools Inc",
    account="000123456789",
    country="US",
    agent_bic="CHASUS33",
    address="1 Main Street, Springfield",
    note="Invoice 4711",
)
PDF = b"%PDF-1.7 "


def money(text: str) -> Money:
    amount, currency = text.split()
    return Money.parse(amount, currency)


@dataclass
class Bureau:
    """What a test asks of the desk; the clock stands where the test puts it."""

    town: Any
    clock: FixedClock
    correspondent: crossborder.CorrespondentSimulator
    channel: Any
    merchant: customers.Merchant
    maker: customers.Customer
    checker: customers.Customer
    screener: Any = None
    decider: Any = None
    papers: int = field(default=0)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def new_id(self) -> uuid.UUID:
        return payments_id(self.now)

    async def run(self, command: Any, *more: Any, **values: Any) -> Any:
        return await self.town.database.run(
            lambda uow: command(uow, *more, **({"now": self.now} | values))
        )

    async def set_rates(self, **rates: tuple[str, str]) -> None:
        readings = [
            crossborder.Reading(
                currency=currency, bid=Decimal(bid), ask=Decimal(ask), quoted_at=self.now
            )
            for currency, (bid, ask) in (RATES | rates).items()
        ]
        await self.run(crossborder.take_readings, readings, rulebook=RULES)

    async def party(self, who: Any) -> crossborder.Party:
        if isinstance(who, customers.Merchant):
            return crossborder.Party(id=who.id, is_business=True, account_id=who.account_id)
        return crossborder.Party(id=who.id, is_business=False, account_id=who.account_id)

    async def quote(
        self, who: Any, amount: str, other: str, *, is_sell: bool = False
    ) -> crossborder.Quote:
        found: crossborder.Quote = await self.run(
            crossborder.make_quote,
            quote_id=self.new_id(),
            party=await self.party(who),
            asked_by=who.id,
            amount=money(amount),
            other=other,
            is_sell=is_sell,
            rulebook=RULES,
        )
        return found

    async def exchange(self, who: Any, quote: crossborder.Quote) -> crossborder.Deal:
        done: crossborder.Deal = await self.run(
            crossborder.exchange, party=await self.party(who), quote_id=quote.id, rulebook=RULES
        )
        return done

    async def paper(self, kind: str, who: Any = None) -> uuid.UUID:
        self.papers += 1
        party = await self.party(who or self.merchant)
        paper = await self.run(
            crossborder.add_paper,
            self.town.vault,
            paper_id=self.new_id(),
            party=party,
            added_by=self.maker.id,
            kind=kind,
            content=PDF + str(self.papers).encode(),
        )
        return paper.id

    async def order(
        self,
        who: Any,
        amount: str,
        *,
        quote: crossborder.Quote | None = None,
        purpose: str | None = None,
        papers: Sequence[uuid.UUID] | None = None,
        bearer: crossborder.ChargeBearer = crossborder.ChargeBearer.SHAR,
        payee: crossborder.Counterparty = PAYEE,
    ) -> crossborder.Payment:
        is_business = isinstance(who, customers.Merchant)
        if papers is None:
            papers = (
                [await self.paper(kind) for kind in ("contract", "invoice")] if is_business else []
            )
        order = crossborder.Order(
            payment_id=self.new_id(),
            amount=money(amount),
            counterparty=payee,
            purpose=purpose or ("goods_trade" if is_business else "travel"),
            charge_bearer=bearer,
            quote_id=None if quote is None else quote.id,
            paper_ids=papers,
        )
        ordered: crossborder.Payment = await self.run(
            crossborder.order_payment,
            self.town.vault,
            order,
            party=await self.party(who),
            ordered_by=self.maker.id if is_business else who.id,
            decider=self.decider,
            rulebook=RULES,
        )
        return ordered

    async def approve(self, payment: crossborder.Payment, by: Any = None) -> crossborder.Payment:
        approved: crossborder.Payment = await self.run(
            crossborder.approve_payment,
            payment_id=payment.id,
            approved_by=(by or self.checker).id,
            decider=self.decider,
            rulebook=RULES,
        )
        return approved

    async def pay(self, who: Any, amount: str, **more: Any) -> crossborder.Payment:
        """Quote, order and, for a business, approve a payment in a foreign currency out of CNY."""
        quote = await self.quote(who, amount, "CNY")
        payment = await self.order(who, amount, quote=quote, **more)
        return await self.approve(payment) if payment.is_business else payment

    async def work(self, steps: int = 4) -> None:
        desk = crossborder.Desk(
            vault=self.town.vault,
            screener=self.screener,
            channel=self.channel,
            rulebook=RULES,
            clock=self.clock,
        )
        for _ in range(steps):
            await crossborder.work_payments(self.town.database, desk)
            self.clock.advance(timedelta(milliseconds=1))
            # What was leased for longer than a step is looked at again.
            await self.make_due()

    async def make_due(self) -> None:
        async def command(uow: Any) -> None:
            await uow.execute(
                """UPDATE payments.crossborder_payments SET due_at = :now
                    WHERE state IN ('initiated', 'screened', 'sending') OR is_return_due
                       OR is_report_due""",
                now=self.now,
            )

        await self.town.database.run(command)

    async def take(self, content: bytes, sender: str = "bank") -> list[str]:
        outcomes = await self.run(
            crossborder.take_message,
            self.town.vault,
            sender=sender,
            content=content,
            rulebook=RULES,
        )
        return [outcome.result for outcome in outcomes]

    async def get(self, payment: crossborder.Payment) -> crossborder.Payment:
        found: crossborder.Payment = await self.town.read(crossborder.get_payment, payment.id)
        return found

    async def dossier(self, payment: crossborder.Payment) -> crossborder.Dossier:
        found: crossborder.Dossier = await self.town.read(
            crossborder.get_dossier, self.town.vault, payment.id
        )
        return found

    async def steps(self, payment: crossborder.Payment) -> list[str]:
        return [event.step for event in (await self.dossier(payment)).events]

    async def balance(self, who: Any, currency: str = "CNY") -> str:
        if currency == "CNY":
            shown: str = await self.town.balance(who.account_id)
            return shown
        accounts = dict(await self.town.read(crossborder.list_accounts, who.id))
        found: str = await self.town.balance(accounts[currency])
        return found

    async def own(self, role: str, currency: str) -> str:
        account = await self.town.read(
            ledger.find_system_account, f"payments.crossborder.{role}.{currency}"
        )
        shown: str = "0.00" if account is None else await self.town.balance(account.id)
        return shown

    async def positions(self) -> dict[str, tuple[int, int, int]]:
        found = await self.run(crossborder.value_positions)
        return {
            each.position.currency: (
                each.position.amount,
                each.position.cost,
                each.position.realised,
            )
            for each in found
        }

    async def quotas(self, who: Any) -> dict[str, str]:
        uses = await self.run(crossborder.list_quotas, who.id, rulebook=RULES)
        return {use.direction.value: use.used.format() for use in uses}

    async def check(self) -> None:
        """Assert that all invariants hold, the ledger's too, and that nothing was lost."""
        await self.town.check_ties()
        await ledger.project_all(self.town.database)
        report = await ledger.verify_ledger(self.town.database, more=payments.INVARIANTS)
        assert report.findings == ()
        assert "fx_positions_are_the_ledger" in report.checked


def payments_id(at: datetime) -> uuid.UUID:
    return uuid7(int(at.timestamp() * 1_000))


async def name_user(
    town: Any, merchant: Any, customer: Any, role: bulk.Role, now: datetime
) -> None:
    user = bulk.BusinessUser(
        merchant_id=merchant.id,
        customer_id=customer.id,
        role=role,
        amount_max=Money.parse("0.00" if role is bulk.Role.VIEWER else "500000.00", "CNY"),
    )
    await town.database.run(lambda uow: bulk.name_business_user(uow, user, now=now))


async def fund(town: Any, account_id: int, amount: str, now: datetime) -> None:
    """Put money on an account, out of an account of our own."""

    async def command(uow: Any) -> None:
        cash = await ledger.ensure_system_account(
            uow, "test:cash", chart_code="1002.01", currency="CNY", name="Cash of the test"
        )
        transfer = ledger.Transfer(
            id=payments_id(now),
            debit_account_id=cash.id,
            credit_account_id=account_id,
            amount=Money.parse(amount, "CNY").minor,
            currency="CNY",
            code=ledger.TransferCode.OPENING,
            effective_on=now.date(),
        )
        entry = ledger.Entry((transfer,))
        (outcome,) = await ledger.post_entries(uow, [ledger.Request(entry)], now=now)
        assert outcome.is_posted

    await town.database.run(command)


async def both(*work: Any) -> list[Any]:
    """Run several things at once; what they raise is among what they return."""
    return await asyncio.gather(*work, return_exceptions=True)
