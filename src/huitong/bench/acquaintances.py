"""Who pays whom in `bench pay`: mostly people whom one has paid before, as customers do.

Each customer has two regular payees, and has paid each of them in the month before the run; of ten
payments, nine go to one of them and the tenth to anybody.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from huitong import risk
from huitong.bench.population import AMOUNT_MAX
from huitong.bench.scratch import Scratch

REGULAR_PAYEES: Final = 2
_STRANGERS_ONE_IN: Final = 10
_HISTORY_DAYS: Final = 28
_BATCH: Final = 2_000


class Acquaintances:
    """The customers' accounts and who their regular payees are, the same for the same seed."""

    def __init__(self, accounts: Sequence[int], chance: random.Random) -> None:
        """Choose the regular payees; there must be more accounts than one has payees."""
        self.accounts = tuple(accounts)
        self._chance = chance
        self._steps = chance.sample(range(1, len(self.accounts)), REGULAR_PAYEES)

    def draw(self) -> tuple[int, int]:
        """Return the payer and the payee of one payment."""
        at = self._chance.randrange(len(self.accounts))
        is_stranger = self._chance.randrange(_STRANGERS_ONE_IN) == 0
        step = (
            self._chance.randrange(1, len(self.accounts))
            if is_stranger
            else self._chance.choice(self._steps)
        )
        return self.accounts[at], self._payee(at, step)

    async def remember(self, scratch: Scratch, *, now: datetime) -> int:
        """Count the payments of the month before to the regular payees; return how many."""
        counted = 0
        async with scratch.open() as database, database.unit_of_work() as uow:
            connection = await uow.driver()
            for facts, at in self._list_history(now):
                update = risk.make_update(facts, at=at)
                await connection.execute(update.text, *update.arguments)
                counted += len(facts)
        owner = await scratch.connect_owner()
        try:
            await owner.execute("VACUUM ANALYZE risk.features")
        finally:
            await owner.close()
        return counted

    def _list_history(self, now: datetime) -> Iterator[tuple[list[risk.PaymentFacts], datetime]]:
        for step in self._steps:
            places = np.arange(len(self.accounts))
            lots = [places[start : start + _BATCH] for start in range(0, len(places), _BATCH)]
            for number, lot in enumerate(lots):
                ago = timedelta(days=1 + _HISTORY_DAYS * number / len(lots))
                yield [self._make_facts(int(at), step) for at in lot], now - ago

    def _make_facts(self, at: int, step: int) -> risk.PaymentFacts:
        return risk.PaymentFacts(
            payer_account_id=self.accounts[at],
            payee_account_id=self._payee(at, step),
            amount=self._chance.randint(1, AMOUNT_MAX),
            kind="transfer",
            account_class=3,
        )

    def _payee(self, at: int, step: int) -> int:
        return self.accounts[(at + step) % len(self.accounts)]
