"""What must hold between payment orders, accounts and the journal: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant
from huitong.payments import bulk, clearing, corporate, crossborder, merchants, reconciliation

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
# Three tables tell of a held payment: each must have the other two beside it. 305 is the code
# PAYMENT_HELD.
_HELD_ORDERS_HAVE_HOLDS: Final = """
    WITH open_holds AS (
        SELECT h.id, h.amount, h.currency, h.debit_account_id, h.credit_account_id, h.expires_at
          FROM ledger.holds h
          JOIN ledger.transfers t ON t.id = h.id AND t.kind = 1
         WHERE h.state = 0 AND t.code = 305
    ), held AS (
        SELECT * FROM payments.orders WHERE status = 'held'
    ), stops AS (
        SELECT * FROM payments.stopped_payments WHERE state = 'held'
    )
    SELECT 'pay_' || replace(coalesce(o.id, h.id, s.id)::text, '-', '') AS subject,
           'a held order, its open hold without an end, and why it is held' AS expected,
           format('order %s %s, hold %s %s, stop %s %s', o.amount, o.currency, h.amount,
                  h.currency, s.amount, s.currency) AS found
      FROM held o
      FULL JOIN open_holds h ON h.id = o.transfer_id
      FULL JOIN stops s ON s.id = coalesce(o.id, h.id)
     WHERE o.id IS NULL OR h.id IS NULL OR s.id IS NULL OR h.id <> o.id
        OR h.expires_at IS NOT NULL
        OR (o.amount, o.currency, o.payer_account_id, o.payee_account_id)
           <> (h.amount, h.currency, h.debit_account_id, h.credit_account_id)
        OR (o.amount, o.currency, o.payer_account_id, o.payee_account_id)
           <> (s.amount, s.currency, s.payer_account_id, s.payee_account_id)
"""
_STOPPED_PAYMENTS_ENDED_ONCE: Final = """
    SELECT 'pay_' || replace(s.id::text, '-', '') AS subject,
           format('%s: order, hold and decision that say the same', s.state) AS expected,
           format('order %s, hold in state %s with %s posted, decision %s', o.status, h.state,
                  h.posted_amount, d.action) AS found
      FROM payments.stopped_payments s
      LEFT JOIN payments.orders o ON o.id = s.id
      LEFT JOIN ledger.holds h ON h.id = s.id
      LEFT JOIN risk.decisions d ON d.id = s.id
     WHERE CASE s.state
               WHEN 'held' THEN false
               WHEN 'paid' THEN coalesce(o.status, '') NOT IN
                                ('succeeded', 'partly_refunded', 'refunded')
                             OR (h.state, h.posted_amount) IS DISTINCT FROM (1, s.amount)
                             OR h.resolved_by <> o.transfer_id
               WHEN 'given_back' THEN (o.status, h.state) IS DISTINCT FROM ('closed', 2)
               ELSE o.id IS NOT NULL OR h.id IS NOT NULL
           END
        OR d.action IS DISTINCT FROM
           CASE s.action WHEN 'review' THEN 2 WHEN 'delay' THEN 3 ELSE 4 END
"""

# 413 is the code PROFIT_SHARE_HELD.
_HELD_SHARES_HAVE_HOLDS: Final = """
    WITH open_holds AS (
        SELECT h.debit_account_id AS account_id, h.currency, sum(h.amount) AS amount,
               count(*) AS count
          FROM ledger.holds h JOIN ledger.transfers t ON t.id = h.id AND t.kind = 1
         WHERE h.state = 0 AND t.code = 413
         GROUP BY h.debit_account_id, h.currency
    ), held AS (
        SELECT merchant_account_id AS account_id, currency, sum(amount) AS amount,
               sum(jsonb_array_length(receivers)) AS count
          FROM payments.held_shares WHERE state = 'held'
         GROUP BY merchant_account_id, currency
    )
    SELECT 'account ' || coalesce(s.account_id, h.account_id) AS subject,
           format('%s held in %s parts', coalesce(s.amount, 0), coalesce(s.count, 0)) AS expected,
           format('%s reserved in %s parts', coalesce(h.amount, 0), coalesce(h.count, 0)) AS found
      FROM held s FULL JOIN open_holds h
           ON h.account_id = s.account_id AND h.currency = s.currency
     WHERE (s.amount, s.count) IS DISTINCT FROM (h.amount, h.count)
     UNION ALL
    SELECT 'entry ' || s.entry_id, s.amount || ' passed on',
           coalesce(sum(p.amount), 0) || ' passed on'
      FROM payments.held_shares s LEFT JOIN payments.shares p ON p.entry_id = s.entry_id
     WHERE s.state <> 'held'
     GROUP BY s.entry_id
    HAVING coalesce(sum(p.amount), 0) <> CASE s.state WHEN 'paid' THEN s.amount ELSE 0 END
"""

# Channel suspense holds what channels paid out and should not have, until the break is cured.
_SUSPENSE_IS_BREAKS: Final = """
    WITH open AS (
        SELECT b.currency, sum(b.amount) AS amount
          FROM payments.channel_breaks b JOIN payments.channel_orders c ON c.id = b.channel_order_id
         WHERE b.kind = 'success_after_failure' AND b.cure IS NULL AND c.direction = 'out'
         GROUP BY b.currency
    ), kept AS (
        SELECT a.currency, b.debits_posted - b.credits_posted AS amount
          FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
         WHERE a.system_key LIKE 'payments.channel_suspense.___'
    )
    SELECT 'channel suspense in ' || coalesce(o.currency, k.currency) AS subject,
           coalesce(o.amount, 0) || ' of open breaks' AS expected,
           coalesce(k.amount, 0)::text AS found
      FROM open o FULL JOIN kept k ON k.currency = o.currency
     WHERE coalesce(o.amount, 0) <> coalesce(k.amount, 0)
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
    Invariant(
        "held_orders_have_holds",
        "Every held order has its open hold and says why, and every such hold its order",
        _HELD_ORDERS_HAVE_HOLDS,
    ),
    Invariant(
        "stopped_payments_ended_once",
        "What was stopped was paid once, given back once, or never reserved",
        _STOPPED_PAYMENTS_ENDED_ONCE,
    ),
    Invariant(
        "held_shares_have_holds",
        "Profit shares that are held are reserved, and were passed on once or not at all",
        _HELD_SHARES_HAVE_HOLDS,
    ),
    Invariant(
        "channel_suspense_is_breaks",
        "What lies in channel suspense is the sum of the open breaks of channels",
        _SUSPENSE_IS_BREAKS,
    ),
    *bulk.INVARIANTS,
    *clearing.INVARIANTS,
    *corporate.INVARIANTS,
    *reconciliation.INVARIANTS,
    *merchants.INVARIANTS,
    *crossborder.INVARIANTS,
)
