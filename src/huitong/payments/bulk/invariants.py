"""What must hold between files of payments and the journal: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant

# Lines that failed are still in transit until the file is done: their money goes back as one sum.
# A hold moves nothing, so an approved file has nothing in transit yet.
_TRANSIT_IS_WHAT_IS_DUE: Final = """
    WITH due AS (
        SELECT 'payments.bulk.' || currency AS system_key, sum(total - paid) AS amount
          FROM payments.bulk_files WHERE state = 'paying' GROUP BY currency
    ), kept AS (
        SELECT a.system_key, b.credits_posted - b.debits_posted AS amount
          FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
         WHERE a.system_key LIKE 'payments.bulk.___'
    )
    SELECT system_key AS subject,
           coalesce(due.amount, 0) || ' for files that are being paid' AS expected,
           coalesce(kept.amount, 0)::text AS found
      FROM due FULL JOIN kept USING (system_key)
     WHERE coalesce(due.amount, 0) <> coalesce(kept.amount, 0)
"""

INVARIANTS: Final = (
    Invariant(
        "bulk_transit_is_what_is_due",
        "What is in transit is what files of payments still have to pay or give back",
        _TRANSIT_IS_WHAT_IS_DUE,
    ),
)
