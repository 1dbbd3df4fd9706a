"""What must hold between breaks, suspense and the journal: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant

_SUSPENSE_IS_ITEMS: Final = """
    WITH items AS (
        SELECT account_id, sum(amount) AS amount
          FROM payments.recon_suspense WHERE cleared_id IS NULL GROUP BY account_id
    ), kept AS (
        SELECT a.id, a.system_key,
               CASE WHEN a.system_key LIKE '%.payable.%' THEN b.credits_posted - b.debits_posted
                    ELSE b.debits_posted - b.credits_posted END AS amount
          FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
         WHERE a.system_key LIKE 'payments.reconciliation.payable.___'
            OR a.system_key LIKE 'payments.reconciliation.receivable.___'
    )
    SELECT coalesce(k.system_key, 'acct_' || i.account_id) AS subject,
           coalesce(i.amount, 0) || ' in open items' AS expected,
           coalesce(k.amount, 0)::text AS found
      FROM items i FULL JOIN kept k ON k.id = i.account_id
     WHERE coalesce(i.amount, 0) <> coalesce(k.amount, 0)
"""
_ITEMS_MOVED_MONEY: Final = """
    SELECT 'sus_' || replace(s.id::text, '-', '') AS subject,
           s.amount || ' into suspense, and out of it if it is cleared' AS expected,
           format('in %s, out %s', i.amount, o.amount) AS found
      FROM payments.recon_suspense s
      LEFT JOIN ledger.transfers i ON i.id = s.id AND i.kind = 0 AND s.account_id =
           CASE s.side WHEN 'payable' THEN i.credit_account_id ELSE i.debit_account_id END
      LEFT JOIN ledger.transfers o ON o.id = s.cleared_id AND o.kind = 0 AND s.account_id =
           CASE s.side WHEN 'payable' THEN o.debit_account_id ELSE o.credit_account_id END
     WHERE i.amount IS DISTINCT FROM s.amount
        OR (s.cleared_id IS NOT NULL AND o.amount IS DISTINCT FROM s.amount)
"""
_CURES_ARE_APPROVED: Final = """
    SELECT 'brk_' || replace(b.id::text, '-', '') AS subject,
           'a request that two members of staff agreed on' AS expected,
           coalesce(a.act || ' ' || a.state, 'none') AS found
      FROM payments.recon_breaks b LEFT JOIN identity.approvals a ON a.id = b.approval_id
     WHERE b.state = 'cured'
       AND (a.act, a.state) IS DISTINCT FROM ('reconciliation.cure', 'approved')
"""

INVARIANTS: Final = (
    Invariant(
        "reconciliation_suspense_is_items",
        "What is in suspense of reconciliation is its open items",
        _SUSPENSE_IS_ITEMS,
    ),
    Invariant(
        "reconciliation_items_moved_money",
        "Every item of suspense came in, and if it is cleared went out, once and whole",
        _ITEMS_MOVED_MONEY,
    ),
    Invariant(
        "reconciliation_cures_are_approved",
        "Every break that was cured was cured by two",
        _CURES_ARE_APPROVED,
    ),
)
