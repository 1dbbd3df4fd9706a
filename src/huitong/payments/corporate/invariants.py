"""What must hold between corporate accounts and the journal: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant

_APPROVED_WERE_PAID: Final = """
    SELECT 'ins_' || replace(i.id::text, '-', '') AS subject,
           format('an order of %s %s, and %s approvals by others', i.amount, i.currency,
                  i.approvers) AS expected,
           format('an order of %s %s, and %s', o.amount, o.currency, a.count) AS found
      FROM payments.corporate_instructions i
      LEFT JOIN payments.orders o ON o.id = i.order_id
      CROSS JOIN LATERAL (SELECT count(*) FROM payments.corporate_approvals a
                           WHERE a.instruction_id = i.id AND a.approved_by <> i.made_by) a
     WHERE a.count <> i.approved
        OR (i.order_id IS NOT NULL
            AND (o.amount, o.currency) IS DISTINCT FROM (i.amount, i.currency))
        OR (i.kind = 'schedule' AND i.state = 'approved')
           <> EXISTS (SELECT FROM payments.standing_orders s WHERE s.id = i.id)
"""
_RUNS_ARE_WHOLE: Final = """
    SELECT 'ins_' || replace(s.id::text, '-', '') AS subject,
           'each date before number ' || s.number || ' decided once, in order' AS expected,
           format('%s decided, from %s to %s', r.count, r.first, r.last) AS found
      FROM payments.standing_orders s
      CROSS JOIN LATERAL (
           SELECT count(*), min(number) AS first, max(number) AS last FROM payments.standing_runs r
            WHERE r.standing_order_id = s.id) r
     WHERE r.count > 0
       AND (r.count <> r.last - r.first + 1
            OR r.last <> CASE s.state WHEN 'done' THEN s.number ELSE s.number - 1 END)
     UNION ALL
    SELECT format('ins_%s, number %s', replace(r.standing_order_id::text, '-', ''), r.number),
           r.amount || ' ordered', coalesce(o.amount::text, 'nothing')
      FROM payments.standing_runs r LEFT JOIN payments.orders o ON o.id = r.order_id
     WHERE r.state = 'paid' AND o.amount IS DISTINCT FROM r.amount
"""

# 222 and 223 are the codes POOL_UP and POOL_DOWN.
_POSITIONS_ARE_THE_JOURNAL: Final = """
    WITH journal AS (
        SELECT CASE code WHEN 222 THEN credit_account_id ELSE debit_account_id END AS header,
               CASE code WHEN 222 THEN debit_account_id ELSE credit_account_id END AS member,
               sum(CASE code WHEN 222 THEN amount ELSE -amount END) AS lent
          FROM ledger.transfers WHERE code IN (222, 223) AND kind = 0 GROUP BY 1, 2
    )
    SELECT format('acct_%s to acct_%s', coalesce(p.member_account_id, j.member),
                  coalesce(p.header_account_id, j.header)) AS subject,
           coalesce(j.lent, 0)::text AS expected, coalesce(p.lent, 0)::text AS found
      FROM payments.pool_positions p
      FULL JOIN journal j ON (j.header, j.member) = (p.header_account_id, p.member_account_id)
     WHERE coalesce(p.lent, 0) <> coalesce(j.lent, 0)
     UNION ALL
    SELECT 'pol_' || replace(s.pool_id::text, '-', '') || ', sweep ' || s.number,
           format('%s up and %s down in one entry', s.up, s.down),
           format('%s up and %s down', t.up, t.down)
      FROM payments.pool_sweeps s
      CROSS JOIN LATERAL (
           SELECT coalesce(sum(amount) FILTER (WHERE code = 222), 0) AS up,
                  coalesce(sum(amount) FILTER (WHERE code = 223), 0) AS down
             FROM ledger.transfers WHERE entry_id = s.entry_id) t
     WHERE (t.up, t.down) <> (s.up, s.down)
"""

_PARTS_ARE_THE_WHOLE: Final = """
    SELECT 'acct_' || m.account_id AS subject,
           (b.credits_posted - b.debits_posted) || ' in parts' AS expected,
           format('%s in parts, %s counted', coalesce(sum(a.balance), 0), m.held) AS found
      FROM payments.virtual_masters m
      JOIN ledger.balances b ON b.account_id = m.account_id
      LEFT JOIN payments.virtual_accounts a ON a.master_id = m.id
     GROUP BY m.id, m.account_id, m.held, b.credits_posted, b.debits_posted
    HAVING coalesce(sum(a.balance), 0) <> b.credits_posted - b.debits_posted
        OR m.held <> b.credits_posted - b.debits_posted
     UNION ALL
    SELECT 'vac_' || replace(a.id::text, '-', ''),
           format('%s there of %s received', e.balance, p.received),
           format('%s there of %s received', a.balance, a.received)
      FROM payments.virtual_accounts a
      CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS balance
                            FROM payments.virtual_entries e WHERE e.account_id = a.id) e
      CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS received
                            FROM payments.pay_ins p WHERE p.account_id = a.id) p
     WHERE (a.balance, a.received) <> (e.balance, p.received)
"""
_PAY_INS_ARE_BOOKED: Final = """
    SELECT 'pin_' || replace(p.id::text, '-', '') AS subject,
           p.amount || ' in the journal' AS expected,
           coalesce(t.amount::text, 'nothing') AS found
      FROM payments.pay_ins p LEFT JOIN ledger.transfers t ON t.id = p.transfer_id
     WHERE (t.amount, t.currency) IS DISTINCT FROM (p.amount, p.currency)
     UNION ALL
    SELECT a.system_key, coalesce(sum(p.amount), 0) || ' of payments without an owner',
           (b.credits_posted - b.debits_posted)::text
      FROM ledger.accounts a
      JOIN ledger.balances b ON b.account_id = a.id
      LEFT JOIN payments.pay_ins p ON p.master_id IS NULL AND p.currency = a.currency
     WHERE a.system_key LIKE 'payments.corporate.unassigned.___'
     GROUP BY a.system_key, b.credits_posted, b.debits_posted
    HAVING coalesce(sum(p.amount), 0) <> b.credits_posted - b.debits_posted
"""

INVARIANTS: Final = (
    Invariant(
        "corporate_approved_were_paid",
        "Every approved instruction has its approvals, and its order or its standing order",
        _APPROVED_WERE_PAID,
    ),
    Invariant(
        "standing_orders_decided_once",
        "Every due date of a standing order was decided once, and paid what it says",
        _RUNS_ARE_WHOLE,
    ),
    Invariant(
        "pool_positions_are_the_journal",
        "What members of pools have lent is what the journal moved, sweep by sweep",
        _POSITIONS_ARE_THE_JOURNAL,
    ),
    Invariant(
        "virtual_accounts_are_their_master",
        "Virtual accounts hold together what their collection account holds, each by its entries",
        _PARTS_ARE_THE_WHOLE,
    ),
    Invariant(
        "pay_ins_are_booked",
        "Every payment that came in stands in the journal, and what has no owner waits with us",
        _PAY_INS_ARE_BOOKED,
    ),
)
