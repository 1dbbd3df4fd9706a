"""What must hold between settlement sheets and the journal: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant

# 520 to 529 are the codes of what sheets move themselves.
_LINES_ARE_STATEMENT_LINES: Final = """
    WITH expected AS (
        SELECT l.account_id, l.line, l.transfer_id, -l.side * l.amount AS amount
          FROM payments.settled_accounts a
          JOIN ledger.lines l ON l.account_id = a.account_id AND l.line <= a.line_to
         WHERE l.code NOT BETWEEN 520 AND 529
    )
    SELECT format('account %s, line %s', coalesce(e.account_id, s.account_id),
                  coalesce(e.line, s.line)) AS subject,
           coalesce(e.amount::text, 'no line') AS expected,
           coalesce(s.amount::text, 'no line') AS found
      FROM expected e
      FULL JOIN payments.settlement_lines s ON s.account_id = e.account_id AND s.line = e.line
     WHERE (e.amount, e.transfer_id) IS DISTINCT FROM (s.amount, s.transfer_id)
"""
_SHEETS_SUM: Final = """
    WITH sums AS (
        SELECT sheet_id, count(*) AS count, sum(amount) AS amount, sum(plan_fee) AS plan_fee
          FROM payments.settlement_lines GROUP BY sheet_id
    )
    SELECT 'sheet ' || s.id AS subject,
           format('%s lines, %s and %s by plan', n.count, n.amount, n.plan_fee) AS expected,
           format('%s lines, %s and %s by plan', s.line_count, s.payments + s.refunds + s.fees
                  + s.shares + s.chargebacks + s.dispute_fees + s.others, s.plan_fees) AS found
      FROM payments.settlement_sheets s LEFT JOIN sums n ON n.sheet_id = s.id
     WHERE (s.line_count, s.payments + s.refunds + s.fees + s.shares + s.chargebacks
            + s.dispute_fees + s.others, s.plan_fees)
           <> (coalesce(n.count, 0), coalesce(n.amount, 0), coalesce(n.plan_fee, 0))
"""
_SHEETS_FOLLOW: Final = """
    WITH chain AS (
        SELECT s.*, lag(s.number, 1, 0) OVER w AS last_number, lag(s.carried, 1, 0::bigint) OVER w
               AS last_carried, lag(s.line_to, 1, 0::bigint) OVER w AS last_line
          FROM payments.settlement_sheets s
        WINDOW w AS (PARTITION BY s.account_id ORDER BY s.number)
    )
    SELECT format('account %s, sheet %s', account_id, number) AS subject,
           format('%s opened with %s', last_number + 1, last_carried) AS expected,
           format('%s opened with %s', number, opening) AS found
      FROM chain
     WHERE (number, opening) <> (last_number + 1, last_carried) OR line_from <= last_line
     UNION ALL
    SELECT 'account ' || a.account_id, format('%s, %s carried', s.number, s.carried),
           format('%s, %s carried', a.number, a.carried)
      FROM payments.settled_accounts a
      LEFT JOIN LATERAL (SELECT number, carried FROM payments.settlement_sheets s
                          WHERE s.account_id = a.account_id ORDER BY number DESC LIMIT 1) s ON true
     WHERE (a.number, a.carried) <> (coalesce(s.number, 0), coalesce(s.carried, 0))
"""
# What one entry of a sheet moved on each account is what the sheet says, and nothing else has
# these codes.
_SHEETS_MOVED_MONEY: Final = """
    WITH moved AS (
        SELECT entry_id, debit_account_id AS account_id, -amount AS amount
          FROM ledger.transfers WHERE code BETWEEN 520 AND 529 AND kind = 0
         UNION ALL
        SELECT entry_id, credit_account_id, amount
          FROM ledger.transfers WHERE code BETWEEN 520 AND 529 AND kind = 0
    ), found AS (
        SELECT entry_id, account_id, sum(amount) AS amount FROM moved GROUP BY entry_id, account_id
    ), said AS (
        SELECT s.entry_id, x.account_id, sum(x.amount) AS amount
          FROM payments.settlement_sheets s
          JOIN payments.settled_accounts a ON a.account_id = s.account_id
         CROSS JOIN LATERAL (VALUES
               (a.account_id, s.plan_fees + s.advanced - s.recovered - s.reserve_held
                              + s.reserve_released - s.payout),
               (a.payout_account_id, s.payout - s.recovered_direct),
               (a.reserve_account_id, s.reserve_held - s.reserve_released),
               (a.owed_account_id, s.recovered + s.recovered_direct - s.advanced))
               AS x(account_id, amount)
         WHERE s.entry_id IS NOT NULL AND x.account_id IS NOT NULL
         GROUP BY s.entry_id, x.account_id
    )
    SELECT format('entry %s, account %s', coalesce(s.entry_id, f.entry_id),
                  coalesce(s.account_id, f.account_id)) AS subject,
           coalesce(s.amount, 0)::text AS expected, coalesce(f.amount, 0)::text AS found
      FROM said s
      FULL JOIN found f ON f.entry_id = s.entry_id AND f.account_id = s.account_id
     WHERE coalesce(s.amount, 0) <> coalesce(f.amount, 0)
       AND NOT EXISTS (SELECT FROM ledger.accounts a
                        WHERE a.id = f.account_id AND a.system_key LIKE 'payments.fee_income.%')
"""
_RESERVES_AND_DEBTS: Final = """
    WITH kept AS (
        SELECT account_id, sum(remaining) AS amount FROM payments.reserve_tranches
         GROUP BY account_id
    ), owed AS (
        SELECT account_id, sum(advanced - recovered - recovered_direct) AS amount
          FROM payments.settlement_sheets GROUP BY account_id
    ), charged AS (
        SELECT account_id, sum(amount) AS amount
          FROM (SELECT account_id, from_owed AS amount FROM payments.disputes
                 UNION ALL
                SELECT account_id, from_owed FROM payments.refund_covers) x
         GROUP BY account_id
    )
    SELECT 'reserve of account ' || a.account_id AS subject,
           coalesce(k.amount, 0)::text AS expected,
           (b.credits_posted - b.debits_posted)::text AS found
      FROM payments.settled_accounts a
      JOIN ledger.balances b ON b.account_id = a.reserve_account_id
      LEFT JOIN kept k ON k.account_id = a.account_id
     WHERE b.credits_posted - b.debits_posted <> coalesce(k.amount, 0)
     UNION ALL
    SELECT 'owed by account ' || a.account_id,
           (coalesce(o.amount, 0) + coalesce(c.amount, 0))::text,
           (b.debits_posted - b.credits_posted)::text
      FROM payments.settled_accounts a
      JOIN ledger.balances b ON b.account_id = a.owed_account_id
      LEFT JOIN owed o ON o.account_id = a.account_id
      LEFT JOIN charged c ON c.account_id = a.account_id
     WHERE b.debits_posted - b.credits_posted <> coalesce(o.amount, 0) + coalesce(c.amount, 0)
"""
# 541 and 542 are the codes of what covers refunds; a refund's entry has its id.
_REFUNDS_ARE_COVERED: Final = """
    WITH found AS (
        SELECT entry_id, credit_account_id AS account_id,
               sum(amount) FILTER (WHERE code = 541) AS from_reserve,
               sum(amount) FILTER (WHERE code = 542) AS from_owed
          FROM ledger.transfers WHERE code IN (541, 542)
         GROUP BY entry_id, credit_account_id
    )
    SELECT 'refund ' || coalesce(c.refund_id, f.entry_id) AS subject,
           format('%s and %s to account %s', coalesce(c.from_reserve, 0),
                  coalesce(c.from_owed, 0), c.account_id) AS expected,
           format('%s and %s to account %s', coalesce(f.from_reserve, 0),
                  coalesce(f.from_owed, 0), f.account_id) AS found
      FROM payments.refund_covers c FULL JOIN found f ON f.entry_id = c.refund_id
     WHERE (c.account_id, coalesce(c.from_reserve, 0), coalesce(c.from_owed, 0))
           IS DISTINCT FROM (f.account_id, coalesce(f.from_reserve, 0), coalesce(f.from_owed, 0))
"""
# Money in dispute is what was taken of customers' disputes that are open.
_DISPUTES_HOLD_MONEY: Final = """
    SELECT 'disputes in ' || a.currency AS subject, coalesce(d.amount, 0)::text AS expected,
           (b.credits_posted - b.debits_posted)::text AS found
      FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
      LEFT JOIN (SELECT currency, sum(amount) AS amount FROM payments.disputes
                  WHERE is_charged AND outcome IS NULL AND origin = 'customer'
                  GROUP BY currency) d ON d.currency = a.currency
     WHERE a.system_key LIKE 'payments.disputes.%'
       AND b.credits_posted - b.debits_posted <> coalesce(d.amount, 0)
     UNION ALL
    SELECT 'dispute ' || d.id, d.steps || ' steps', count(s.number) || ' steps'
      FROM payments.disputes d LEFT JOIN payments.dispute_steps s ON s.dispute_id = d.id
     GROUP BY d.id, d.steps HAVING count(s.number) <> d.steps
     UNION ALL
    SELECT 'dispute ' || d.id, 'an entry for each step that moves money',
           count(s.entry_id) || ' entries'
      FROM payments.disputes d LEFT JOIN payments.dispute_steps s ON s.dispute_id = d.id
     GROUP BY d.id
    HAVING count(s.entry_id) <> CASE WHEN NOT d.is_charged THEN 0
                                     WHEN d.outcome = 'won' THEN 2
                                     WHEN d.outcome = 'lost' AND d.origin = 'customer' THEN 2
                                     ELSE 1 END
"""

INVARIANTS: Final = (
    Invariant(
        "sheet_lines_are_statement_lines",
        "Every statement line up to the last sheet is in one sheet, as it is",
        _LINES_ARE_STATEMENT_LINES,
    ),
    Invariant("sheets_sum", "Every settlement sheet is the sum of its lines", _SHEETS_SUM),
    Invariant("sheets_follow", "Every sheet begins where the one before it ended", _SHEETS_FOLLOW),
    Invariant(
        "sheets_moved_money",
        "What a settlement sheet says it moved stands in the journal, once",
        _SHEETS_MOVED_MONEY,
    ),
    Invariant(
        "reserves_and_debts",
        "Reserves and debts of merchants are what sheets, disputes and refunds made them",
        _RESERVES_AND_DEBTS,
    ),
    Invariant(
        "refunds_are_covered",
        "What a refund took from a reserve, or as a debt, stands in the journal, once",
        _REFUNDS_ARE_COVERED,
    ),
    Invariant(
        "disputes_hold_money",
        "Money in dispute is that of open disputes, moved once at each step",
        _DISPUTES_HOLD_MONEY,
    ),
)
