"""Whatever is done in whatever order, no currency is made or lost: the books tie after it."""

import random
from decimal import Decimal
from typing import Any

import pytest
from tests.payments.crossborder.bureau import RATES, Bureau, money

from huitong.kernel.money import Money
from huitong.payments import InsufficientFunds, crossborder
from huitong.payments.crossborder import ChargeBearer, CorrespondentFault

_STEPS = 25


async def sum_up(bureau: Bureau) -> dict[str, int]:
    """Return debits less credits of all accounts, by currency."""
    async with bureau.town.database.reading() as uow:
        rows = await uow.execute(
            """SELECT currency, sum(debits_posted) - sum(credits_posted) AS net
                 FROM ledger.balances GROUP BY currency"""
        )
    return {row.currency: int(row.net) for row in rows}


class Walk:
    """A drunkard among the desk's commands; what is refused changes nothing and is passed over."""

    def __init__(self, bureau: Bureau, people: list[Any], seed: int) -> None:
        self.bureau, self.people = bureau, people
        self.chance = random.Random(seed)
        self.sent: list[crossborder.Payment] = []

    async def step(self) -> None:
        """Do one thing, with a market that moves."""
        moved = 1 + Decimal(self.chance.randint(-50, 50)) / 10_000
        rates = {
            currency: (str(Decimal(bid) * moved), str(Decimal(ask) * moved))
            for currency, (bid, ask) in RATES.items()
        }
        await self.bureau.set_rates(**rates)
        act = self.chance.choice([self.exchange, self.pay, self.pay, self.report, self.give_back])
        try:
            await act()
        except (crossborder.AmountTooSmall, InsufficientFunds):
            return

    async def exchange(self) -> None:
        """Buy or sell between any two currencies."""
        who = self.chance.choice(self.people)
        one, other = self.chance.sample(["CNY", *RATES], 2)
        amount = "700" if one == "JPY" else Money(self.chance.randint(1, 30_000), "CNY").format()
        is_sell = self.chance.random() < 0.5
        quote = await self.bureau.quote(who, f"{amount} {one}", other, is_sell=is_sell)
        await self.bureau.exchange(who, quote)

    async def pay(self) -> None:
        """Pay abroad, by whichever way of bearing fees, over a bank that may refuse."""
        who = self.chance.choice(self.people)
        currency = self.chance.choice(list(RATES))
        amount = "9000" if currency == "JPY" else f"{self.chance.randint(50, 300)}.00"
        self.bureau.correspondent.fault = self.chance.choice(
            [None, None, CorrespondentFault.REFUSES, CorrespondentFault.ANSWER_LOST]
        )
        payment = await self.bureau.pay(
            who, f"{amount} {currency}", bearer=self.chance.choice(list(ChargeBearer))
        )
        await self.bureau.work(self.chance.randint(0, 3))
        self.bureau.correspondent.fault = None
        self.sent.append(payment)

    async def report(self) -> None:
        """Let the bank abroad say anything of any payment, at any time."""
        if self.sent:
            payment = self.chance.choice(self.sent)
            status = self.chance.choice(["ACSP", "ACCC", "RJCT", "PDNG"])
            await self.bureau.take(
                self.bureau.correspondent.write_status(str(payment.uetr), status)
            )

    async def give_back(self) -> None:
        """Let the bank abroad return anything of any payment."""
        if self.sent:
            payment = self.chance.choice(self.sent)
            part = money(f"{payment.settled.format()} {payment.settled.currency}")
            await self.bureau.take(self.bureau.correspondent.write_return(str(payment.uetr), part))


@pytest.mark.parametrize("seed", [1823, 2026])
async def test_a_random_walk_loses_nothing(bureau: Bureau, town: Any, seed: int) -> None:
    people = [await town.add_customer(name, "20000.00") for name in ("赵敏", "周芷若")]
    walk = Walk(bureau, [*people, bureau.merchant], seed)
    for _ in range(_STEPS):
        await walk.step()
        assert set((await sum_up(bureau)).values()) == {0}
    await bureau.work(6)
    await bureau.check()
    assert len(walk.sent) >= 3
