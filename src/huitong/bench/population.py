"""Accounts with money, and batches of random transfers between them.

Customers' accounts cannot be overdrawn, and have so much that no transfer of a run is refused
unless the run means it to be.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huitong.bench.scratch import Scratch
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.kernel.ids import uuid7
from huitong.ledger import (
    BalanceLimit,
    Columns,
    Outcome,
    TransferCode,
    Verdict,
    add_partitions,
    install_chart,
    post_columns,
)

CURRENCY: Final = "CNY"
AMOUNT_MAX: Final = 1_000
ACCOUNTS: Final = 100_000
#: What each customer starts with; 100,000 payments of the largest amount do not use it up.
OPENING_BALANCE: Final = 100_000_000
#: How far back the identifiers of a journal that was filled in bulk may reach.
FILLED_PERIOD: Final = timedelta(hours=1)

_OPEN: Final = """
WITH numbered AS (
    SELECT nextval('ledger.account_numbers') AS serial FROM generate_series(1, $1)
), opened AS (
    INSERT INTO ledger.accounts (id, chart_code, currency, name)
    SELECT serial * 100 + 98 - serial * 100 % 97, $2, $3, 'Benchmark ' || serial FROM numbered
    RETURNING id
)
INSERT INTO ledger.balances (account_id, currency, limits)
SELECT id, $3, $4 FROM opened ORDER BY id RETURNING account_id
"""

Integers = NDArray[np.int64]


class Population:
    """The accounts of a run, and the random transfers between them.

    `merchant` is the account that half of all transfers pay in a hot batch; it is not among
    `customers`.
    """

    def __init__(self, bank: int, merchant: int, customers: Integers, seed: int) -> None:
        """Take the accounts as they are; the same seed makes the same transfers."""
        self.bank = bank
        self.merchant = merchant
        self.customers = customers
        self.on_day: date = business_day(datetime.now(UTC))
        self._random = np.random.default_rng(seed)

    def make_batch(self, size: int, *, is_hot: bool = False) -> Columns:
        """Return `size` transfers of 1 to AMOUNT_MAX between two customers each.

        Identifiers are made as clients make them: now, in order.
        """
        count = len(self.customers)
        payers = self._random.integers(0, count, size)
        # Another step round the circle than a whole one never ends at the payer.
        payees = (payers + self._random.integers(1, count, size)) % count
        credits_ = self.customers[payees]
        if is_hot:
            credits_[::2] = self.merchant
        return self.columns(
            debits=self.customers[payers],
            credits_=credits_,
            amounts=self._random.integers(1, AMOUNT_MAX + 1, size),
        )

    def columns(
        self,
        *,
        debits: Integers,
        credits_: Integers,
        amounts: Integers,
        code: TransferCode = TransferCode.TRANSFER,
    ) -> Columns:
        """Return transfers with new identifiers."""
        return Columns(
            ids=b"".join([uuid7().bytes for _ in range(len(amounts))]),
            debit_account_ids=debits,
            credit_account_ids=credits_,
            amounts=amounts,
            currency=CURRENCY,
            code=int(code),
            effective_on=self.on_day,
        )


async def populate(
    scratch: Scratch, owner: DriverConnection, *, accounts: int, seed: int
) -> Population:
    """Open and fund `accounts` customers, a merchant and the bank's own account.

    The opening balances are posted through the ledger, so that its books tie from the start.
    """
    now = datetime.now(UTC)
    async with scratch.open_as_owner() as database, database.unit_of_work() as uow:
        await install_chart(uow)
        await add_partitions(uow, now=now - FILLED_PERIOD)
    unlimited, limited = BalanceLimit.NONE, BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS
    bank = (await owner.fetchrow(_OPEN, 1, "1003.01", CURRENCY, int(unlimited)))["account_id"]
    rows = await owner.fetch(_OPEN, accounts + 1, "2011.01", CURRENCY, int(limited))
    numbers = np.array(sorted(row["account_id"] for row in rows), np.int64)
    population = Population(bank, int(numbers[-1]), numbers[:-1], seed)
    for start in range(0, accounts, limits.BATCH_TRANSFERS_MAX):
        some = numbers[start : min(accounts, start + limits.BATCH_TRANSFERS_MAX)]
        opening = population.columns(
            debits=np.full(len(some), bank),
            credits_=some,
            amounts=np.full(len(some), OPENING_BALANCE),
            code=TransferCode.OPENING,
        )
        check_posted(await post_columns(owner, opening, now=datetime.now(UTC)))
    await owner.execute("VACUUM ANALYZE")
    return population


def check_posted(outcomes: list[Outcome]) -> int:
    """Return how many transfers were posted; raises if any was not."""
    for outcome in outcomes:
        if outcome.verdict is not Verdict.POSTED:
            raise AssertionError(f"a transfer that nothing speaks against was {outcome}")
    return len(outcomes)
