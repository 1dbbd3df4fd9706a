"""A journal of many millions of rows in minutes: by COPY, past the ledger, but as it would be.

Rows, sequences and balances are what posting would have left behind, so that the ledger reads
them and posts on; only the way there is shorter.
"""

from datetime import UTC, datetime
from typing import Final

import numpy as np

from huitong.bench import copying
from huitong.bench.population import AMOUNT_MAX, CURRENCY, FILLED_PERIOD, Population
from huitong.bench.types import Say
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.ledger import Columns, TransferCode

_LEDGER: Final = "ledger"
_DRAW_SEQUENCE: Final = "SELECT nextval('ledger.batches') << 16"
_ADD_TO_BALANCES: Final = """
UPDATE ledger.balances b
   SET debits_posted = b.debits_posted + n.debits, credits_posted = b.credits_posted + n.credits
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) n(account_id, debits, credits)
 WHERE b.account_id = n.account_id
"""
_SAY_EVERY_ROWS: Final = 1_000_000
_MILLISECONDS: Final = 1_000
_UUID_BYTES: Final = 16


async def fill_journal(
    owner: DriverConnection,
    population: Population,
    *,
    rows: int,
    merchant_share: float = 0.0,
    seed: int,
    say: Say,
) -> None:
    """Add `rows` random transfers; `merchant_share` of them pay the merchant.

    Their identifiers and recording times are spread over the last FILLED_PERIOD.
    """
    random = np.random.default_rng(seed)
    customers = population.customers
    debits = np.zeros(len(customers) + 1, np.int64)
    credits_ = np.zeros(len(customers) + 1, np.int64)
    accounts = np.append(customers, population.merchant)
    now = datetime.now(UTC)
    for start in range(0, rows, limits.BATCH_TRANSFERS_MAX):
        size = min(limits.BATCH_TRANSFERS_MAX, rows - start)
        payers = random.integers(0, len(customers), size)
        payees = (payers + random.integers(1, len(customers), size)) % len(customers)
        payees[random.random(size) < merchant_share] = len(customers)
        amounts = random.integers(1, AMOUNT_MAX + 1, size)
        np.add.at(debits, payers, amounts)
        np.add.at(credits_, payees, amounts)
        age = FILLED_PERIOD * (1 - start / rows)
        columns = Columns(
            ids=_make_ids(size, int((now - age).timestamp() * _MILLISECONDS), random),
            debit_account_ids=accounts[payers],
            credit_account_ids=accounts[payees],
            amounts=amounts,
            currency=CURRENCY,
            code=int(TransferCode.TRANSFER),
            effective_on=population.on_day,
        )
        sequence = await owner.fetchval(_DRAW_SEQUENCE)
        await copying.copy_encoded(owner, columns.encode_copy(sequence, now - age), schema=_LEDGER)
        if start // _SAY_EVERY_ROWS != (start + size) // _SAY_EVERY_ROWS:
            say(f"{start + size:,} of {rows:,} journal rows")
    await owner.execute(
        _ADD_TO_BALANCES, accounts.tolist(), debits.tolist(), credits_.tolist(), timeout=None
    )


def _make_ids(size: int, now_ms: int, random: np.random.Generator) -> bytes:
    """Return `size` UUIDv7 of one millisecond in order, as bytes, without making objects.

    The 12 bits after the time and 20 bits after the variant count; the rest is random.
    """
    count = np.arange(size, dtype=np.uint64)
    ids = np.empty((size, 2), ">u8")
    ids[:, 0] = np.uint64(now_ms << 16 | 7 << 12) | (count >> np.uint64(8))
    low = (count & np.uint64(0xFF)) << np.uint64(54) | random.integers(0, 2**54, size, np.uint64)
    ids[:, 1] = np.uint64(0b10 << 62) | low
    whole: bytes = ids.tobytes()
    assert len(whole) == size * _UUID_BYTES
    return whole
