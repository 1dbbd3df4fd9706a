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
)
