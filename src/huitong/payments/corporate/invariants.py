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
)
