"""What must hold between payment orders, accounts and the journal: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant

# Instead of foreign keys (decision 0020), which lock the account of every payer and payee.
_ORDERS_NAME_WHAT_EXISTS: Final = """
    SELECT 'pay_' || replace(o.id::text, '-', '') AS subject,
           'accounts in the currency of the order, and a merchant that exists' AS expected,
           format('payer %s in %s, payee %s in %s, merchant %s', o.payer_account_id, p.currency,
                  o.payee_account_id, q.currency, o.merchant_id) AS found
      FROM payments.orders o
      LEFT JOIN ledger.accounts p ON p.id = o.payer_account_id
      LEFT JOIN ledger.accounts q ON q.id = o.payee_account_id
      LEFT JOIN customers.merchants m ON m.id = o.merchant_id
     WHERE (o.payer_account_id IS NOT NULL AND p.currency IS DISTINCT FROM o.currency)
        OR (o.payee_account_id IS NOT NULL AND q.currency IS DISTINCT FROM o.currency)
        OR (o.merchant_id IS NOT NULL AND m.id IS NULL)
"""
_PAID_ORDERS_MOVED_MONEY: Final = """
    SELECT 'pay_' || replace(o.id::text, '-', '') AS subject,
           format('%s %s in the journal', o.amount, o.currency) AS expected,
           coalesce(t.amount || ' ' || t.currency, 'nothing') AS found
      FROM payments.orders o
      LEFT JOIN ledger.transfers t
             ON t.kind IN (0, 2) AND t.id = o.transfer_id
     WHERE o.status IN ('succeeded', 'partly_refunded', 'refunded')
       AND (t.id IS NULL OR t.currency <> o.currency OR t.amount <> o.amount)
"""

#: What `huitong ledger verify` checks of this room, after the ledger's own invariants.
INVARIANTS: Final = (
    Invariant(
        "orders_name_what_exists",
        "Payment orders name accounts in their currency, and merchants that exist",
        _ORDERS_NAME_WHAT_EXISTS,
    ),
    Invariant(
        "paid_orders_moved_money",
        "What a paid order is about stands in the journal",
        _PAID_ORDERS_MOVED_MONEY,
    ),
)
