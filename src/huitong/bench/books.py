"""After a run the books must tie: a fast benchmark that loses money measures nothing."""

from typing import Final

from huitong.bench.types import BenchmarkFailed
from huitong.kernel.database.unit_of_work import DriverConnection

_COUNT: Final = "SELECT count(*) FROM ledger.transfers"
_TOTALS: Final = """
SELECT sum(debits_posted) AS debits, sum(credits_posted) AS credits FROM ledger.balances
"""
_DIFFERENT_ACCOUNTS: Final = """
WITH sides AS (
    SELECT debit_account_id AS account_id, amount AS debits, 0 AS credits FROM ledger.transfers
     UNION ALL
    SELECT credit_account_id, 0, amount FROM ledger.transfers
), sums AS (
    SELECT account_id, sum(debits) AS debits, sum(credits) AS credits FROM sides GROUP BY account_id
)
SELECT count(*)
  FROM ledger.balances b FULL JOIN sums s ON s.account_id = b.account_id
 WHERE b.debits_posted IS DISTINCT FROM coalesce(s.debits, 0)
    OR b.credits_posted IS DISTINCT FROM coalesce(s.credits, 0)
"""


async def check(owner: DriverConnection, *, posted: int, opening: int) -> None:
    """Raise BenchmarkFailed unless the journal holds exactly what was acknowledged.

    `posted` transfers and `opening` balances; and every stored balance is the sum of its rows.
    """
    found = await owner.fetchval(_COUNT)
    if found != posted + opening:
        raise BenchmarkFailed(
            f"{posted + opening} transfers were acknowledged and {found} are in the journal",
            retryable=False,
        )
    totals = await owner.fetchrow(_TOTALS)
    assert totals is not None
    if totals["debits"] != totals["credits"]:
        raise BenchmarkFailed(f"debits and credits differ: {dict(totals)}", retryable=False)
    different = await owner.fetchval(_DIFFERENT_ACCOUNTS)
    if different:
        raise BenchmarkFailed(
            f"the balances of {different} accounts are not the sums of their journal rows",
            retryable=False,
        )
