"""What must hold between clearing and the journal: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant

_SUM_TO_ZERO: Final = """
    SELECT 'window ' || w.number AS subject, 'positions that sum to zero' AS expected,
           format('%s sent, %s received, %s and %s taken back', sum(p.sent), sum(p.received),
                  sum(p.unwound_sent), sum(p.unwound_received)) AS found
      FROM payments.clearing_windows w JOIN payments.clearing_positions p ON p.window_id = w.id
     GROUP BY w.id, w.number
    HAVING sum(p.sent) <> sum(p.received) OR sum(p.unwound_sent) <> sum(p.unwound_received)
"""
_ARE_THE_PAYMENTS: Final = """
    WITH moved AS (
        SELECT window_id, debtor, creditor, sum(amount) AS amount, count(*) AS count,
               coalesce(sum(amount) FILTER (WHERE state = 'unwound'), 0) AS unwound
          FROM payments.clearing_payments WHERE window_id IS NOT NULL
         GROUP BY window_id, debtor, creditor
    ), sides AS (
        SELECT window_id, debtor AS participant, amount AS sent, 0 AS received,
               unwound AS unwound_sent, 0 AS unwound_received FROM moved
         UNION ALL
        SELECT window_id, creditor, 0, amount, 0, unwound FROM moved
    ), naive AS (
        SELECT window_id, participant, sum(sent) AS sent, sum(received) AS received,
               sum(unwound_sent) AS unwound_sent, sum(unwound_received) AS unwound_received
          FROM sides GROUP BY window_id, participant
    )
    SELECT format('window %s, %s', coalesce(p.window_id, n.window_id),
                  coalesce(p.participant, n.participant)) AS subject,
           format('%s sent, %s received, %s and %s taken back', n.sent, n.received,
                  n.unwound_sent, n.unwound_received) AS expected,
           format('%s sent, %s received, %s and %s taken back', p.sent, p.received,
                  p.unwound_sent, p.unwound_received) AS found
      FROM payments.clearing_positions p
      FULL JOIN naive n ON n.window_id = p.window_id AND n.participant = p.participant
     WHERE p.window_id IS NULL
        OR (p.sent, p.received, p.unwound_sent, p.unwound_received)
           <> (coalesce(n.sent, 0), coalesce(n.received, 0), coalesce(n.unwound_sent, 0),
               coalesce(n.unwound_received, 0))
     UNION ALL
    SELECT format('window %s, %s to %s', coalesce(b.window_id, m.window_id),
                  coalesce(b.debtor, m.debtor), coalesce(b.creditor, m.creditor)),
           format('%s in %s, %s taken back', m.amount, m.count, m.unwound),
           format('%s in %s, %s taken back', b.amount, b.count, b.unwound)
      FROM payments.clearing_bilateral b
      FULL JOIN moved m ON (m.window_id, m.debtor, m.creditor)
                           = (b.window_id, b.debtor, b.creditor)
     WHERE (b.amount, b.count, b.unwound) IS DISTINCT FROM (m.amount, m.count, m.unwound)
"""
_WITHIN_CAPS: Final = """
    SELECT format('window %s, %s', p.window_id, p.participant) AS subject,
           format('at most %s owed', p.cap) AS expected,
           format('%s owed, %s of windows before', p.sent - p.received, p.carried) AS found
      FROM payments.clearing_positions p
     WHERE greatest(p.sent - p.received, 0) + p.carried > p.cap
"""
# A window that is settled has one entry whose sides on each settlement account, without what came
# out of collateral, are the position; 512 is the code CLEARING.
_SETTLED_ARE_POSITIONS: Final = """
    WITH moved AS (
        SELECT entry_id, debit_account_id AS account_id, -amount AS amount
          FROM ledger.transfers WHERE code = 512 AND kind = 0
         UNION ALL
        SELECT entry_id, credit_account_id, amount
          FROM ledger.transfers WHERE code = 512 AND kind = 0
    ), paid AS (
        SELECT entry_id, account_id, sum(amount) AS amount FROM moved GROUP BY entry_id, account_id
    )
    SELECT format('window %s, %s', w.number, p.participant) AS subject,
           (p.received - p.unwound_received - p.sent + p.unwound_sent)::text AS expected,
           coalesce(m.amount, 0)::text AS found
      FROM payments.clearing_windows w
      JOIN payments.clearing_positions p ON p.window_id = w.id
      JOIN payments.clearing_participants b ON b.code = p.participant
      LEFT JOIN paid m ON m.entry_id = w.entry_id AND m.account_id = b.account_id
     WHERE w.state = 'settled'
       AND coalesce(m.amount, 0) <> p.received - p.unwound_received - p.sent + p.unwound_sent
     UNION ALL
    SELECT 'window ' || w.number, 'no payment that is not settled or taken back', x.state
      FROM payments.clearing_windows w
      JOIN payments.clearing_payments x ON x.window_id = w.id
     WHERE (w.state = 'settled') <> (x.state IN ('settled', 'unwound'))
     UNION ALL
    SELECT a.system_key, 'nothing left', (b.credits_posted - b.debits_posted)::text
      FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
     WHERE a.system_key LIKE 'payments.clearing.___' AND b.credits_posted <> b.debits_posted
"""
# Straight from one bank to the other, or set off through the account of clearing.
_GROSS_MOVED_MONEY: Final = """
    SELECT 'payment ' || x.id AS subject, x.amount || ' in the journal' AS expected,
           coalesce(t.amount::text, 'nothing') AS found
      FROM payments.clearing_payments x
      JOIN payments.clearing_participants d ON d.code = x.debtor
      JOIN payments.clearing_participants c ON c.code = x.creditor
      LEFT JOIN ledger.accounts a ON a.system_key = 'payments.clearing.CNY'
      LEFT JOIN ledger.transfers t ON t.id = x.transfer_id
     WHERE x.rail = 'hvps' AND x.state = 'settled'
       AND (t.amount, t.debit_account_id, t.credit_account_id)
           IS DISTINCT FROM (x.amount, d.account_id, c.account_id)
       AND NOT coalesce((t.amount, t.debit_account_id, t.credit_account_id)
                        = (x.amount, d.account_id, a.id)
                        AND EXISTS (SELECT FROM ledger.transfers o
                                     WHERE o.entry_id = t.entry_id AND o.debit_account_id = a.id
                                       AND o.credit_account_id = c.account_id
                                       AND o.amount = x.amount), false)
"""

INVARIANTS: Final = (
    Invariant(
        "clearing_positions_sum_to_zero",
        "The positions of every netting window sum to zero",
        _SUM_TO_ZERO,
    ),
    Invariant(
        "clearing_positions_are_payments",
        "Positions are the plain sum of the payments of their window",
        _ARE_THE_PAYMENTS,
    ),
    Invariant(
        "clearing_within_caps",
        "No participant owes more than its net debit cap",
        _WITHIN_CAPS,
    ),
    Invariant(
        "clearing_settled_as_positions",
        "What a window settled is its positions, and all of it",
        _SETTLED_ARE_POSITIONS,
    ),
    Invariant(
        "clearing_gross_moved_money",
        "Every settled gross payment stands in the journal",
        _GROSS_MOVED_MONEY,
    ),
)
