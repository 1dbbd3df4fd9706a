"""Random stories of shared, sold and other loans: after each business day all books agree."""

import random
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from tests.lending.loans.conftest import RULES, Bank, cny, new_id
from tests.lending.loans.partnering import add_partner, agree

from huitong import lending
from huitong.kernel.errors import Refusal
from huitong.lending import partners, sales

ACTS = ("repay", "backdate", "early", "reverse", "charge", "rate", "ease", "sell", "buy_back")


class Story:
    """Loans of three kinds, and what happens to them by chance."""

    def __init__(self, bank: Bank, seed: int) -> None:
        self.bank, self.chance = bank, random.Random(seed)
        self.loans: list[lending.Loan] = []
        self.done: list[tuple[lending.Loan, lending.LoanEvent]] = []
        self.sold: dict[Any, Any] = {}

    async def begin(self) -> None:
        bank = self.bank
        await bank.add_product(early_fee=10_000, service_fee=500, late_fee=7_00)
        await bank.add_product("own", disbursement_fee=3_000)
        for code in ("north", "south"):
            partner = await add_partner(bank, code, may_guarantee=True)
            await bank.give(partner.deposit_account_id, 100_000_00)
        losses = [("north", 300_001, 123_457, 99_999), ("south", 312_345, 700_000, 1)]
        await agree(bank, *losses)
        borrower = await bank.add_borrower(money=500_000_00)
        for product in ("cash", "own", "cash", "own"):
            principal = self.chance.randrange(1_000_00, 20_000_00)
            self.loans.append(await bank.lend(borrower, product, principal=principal))

    async def step(self) -> None:
        loan, act = self.chance.choice(self.loans), self.chance.choice(ACTS)
        with suppress(Refusal):
            await getattr(self, act)(loan)

    async def repay(self, loan: lending.Loan) -> None:
        owed = (await self.bank.state(loan)).owed_now
        amount = self.chance.choice([owed, max(owed // 3, 1)])
        self.done.append((loan, await self.bank.repay(loan, max(amount, 1))))

    async def backdate(self, loan: lending.Loan) -> None:
        on = self.bank.today - timedelta(days=self.chance.randrange(1, 20))
        amount = self.chance.randrange(1, 900_00)
        self.done.append((loan, await self.bank.repay(loan, amount, on=on)))

    async def early(self, loan: lending.Loan) -> None:
        event = await self.bank.run(
            lending.repay_early,
            loan.id,
            repayment_id=new_id(self.bank.now),
            amount=cny(self.chance.randrange(1_00, 9_000_00)),
            mode=self.chance.choice(list(lending.EarlyMode)),
        )
        self.done.append((loan, event))

    async def reverse(self, _: lending.Loan) -> None:
        if self.done:
            loan, event = self.done.pop(self.chance.randrange(len(self.done)))
            ids = {"reversal_id": new_id(self.bank.now), "event_id": event.id}
            await self.bank.run(lending.reverse, loan.id, **ids)

    async def charge(self, loan: lending.Loan) -> None:
        event = await self.bank.run(
            lending.charge, loan.id, charge_id=new_id(self.bank.now), amount=33_33
        )
        self.done.append((loan, event))

    async def rate(self, loan: lending.Loan) -> None:
        rate = self.chance.randrange(0, 200_000)
        await self.bank.run(
            lending.change_rate, loan.id, change_id=new_id(), rate=rate, rulebook=RULES
        )

    async def ease(self, loan: lending.Loan) -> None:
        await self.bank.run(
            lending.reschedule,
            loan.id,
            rescheduling_id=new_id(),
            easing=lending.Easing.RE_AGE,
            count=self.chance.randrange(1, 9),
            rate=None,
            rulebook=RULES,
        )

    async def sell(self, loan: lending.Loan) -> None:
        new = sales.NewSale(
            buyer="south",
            loans=(loan.id,),
            price_share=self.chance.randrange(500_000, 1_200_000),
            fee_share=12_345,
        )
        sale = await self.bank.run(
            sales.sell_loans, new, sale_id=new_id(self.bank.now), rulebook=RULES
        )
        self.sold[loan.id] = sale.id

    async def buy_back(self, loan: lending.Loan) -> None:
        if loan.id in self.sold:
            new = sales.NewBuyBack(
                sale_id=self.sold[loan.id], loans=(loan.id,), price_share=999_999
            )
            await self.bank.run(sales.buy_back, new, buy_back_id=new_id(self.bank.now))


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_all_books_agree_after_each_day_of_a_story(bank: Bank, seed: int) -> None:
    story = Story(bank, seed)
    await story.begin()
    for _ in range(8):
        await bank.close(story.chance.randrange(1, 12))
        for _ in range(5):
            await story.step()
        await partners.settle_partners(bank.database, now=bank.now)
        await bank.check_ties()
    assert story.done
