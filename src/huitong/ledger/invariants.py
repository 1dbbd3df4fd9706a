"""What must hold in the ledger, as queries for everything that breaks it.

Each query returns `subject`, `expected` and `found`, as text, and no row if all is well. They work
on whole sets, because a journal has millions of rows, and do not rely on the constraints that
should have kept such rows out: those may have been switched off by whoever did it.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence that must be true, and the query for the rows that make it false."""

    name: str
    title: str
    differences: str


_ACCOUNT_HAS_BALANCE: Final = """
    SELECT 'acct_' || coalesce(a.id, b.account_id) AS subject,
           'an account and a balance in one currency, closed at the same time' AS expected,
           format('account in %s, balance in %s, state %s, closed %s', a.currency, b.currency,
                  b.state, a.closed_at) AS found
      FROM ledger.accounts a FULL JOIN ledger.balances b ON b.account_id = a.id
     WHERE a.id IS NULL OR b.account_id IS NULL OR a.currency <> b.currency
        OR (b.state = 3) <> (a.closed_at IS NOT NULL)
"""
_CHECK_DIGITS: Final = """
    SELECT 'acct_' || id AS subject, 'a remainder of 1 when divided by 97' AS expected,
           (id % 97)::text AS found
      FROM ledger.accounts WHERE id <= 0 OR id % 97 <> 1
"""
_CHART: Final = """
    SELECT 'acct_' || a.id AS subject, 'a code of the chart, on its normal side' AS expected,
           format('%s, %s, %s', a.chart_code, c.kind, c.normal_side) AS found
      FROM ledger.accounts a LEFT JOIN ledger.chart c ON c.code = a.chart_code
     WHERE c.code IS NULL OR (c.kind IN ('asset', 'expense')) <> (c.normal_side = 'debit')
"""
_LIMITS: Final = """
    SELECT 'acct_' || account_id AS subject,
           format('limit %s, maximum %s, state %s', limits, balance_max, state) AS expected,
           format('debits %s + %s pending, credits %s + %s pending', debits_posted, debits_pending,
                  credits_posted, credits_pending) AS found
      FROM ledger.balances
     WHERE least(debits_posted, credits_posted, debits_pending, credits_pending) < 0
        OR limits = 1 AND debits_posted + debits_pending > credits_posted
        OR limits = 2 AND credits_posted + credits_pending > debits_posted
        OR credits_posted + credits_pending - debits_posted > balance_max
        OR state = 3 AND (debits_posted <> credits_posted OR debits_pending + credits_pending <> 0)
"""
_TRANSFERS_SOUND: Final = """
    SELECT 'tr_' || replace(id::text, '-', '') AS subject,
           'an amount, two accounts and a place that fit its kind' AS expected,
           format('kind %s, amount %s, accounts %s and %s, sequence %s', kind, amount,
                  debit_account_id, credit_account_id, sequence) AS found
      FROM ledger.transfers
     WHERE (amount > 0) <> (kind IN (0, 1, 2)) OR amount < 0 OR kind NOT BETWEEN 0 AND 4
        OR debit_account_id = credit_account_id
        OR (kind >= 2) <> (pending_id IS NOT NULL)
        OR sequence & 65535 = 0
        OR sequence >> 16 NOT BETWEEN 1 AND (SELECT last_value FROM ledger.batches)
"""
_SEQUENCES_UNIQUE: Final = """
    SELECT 'sequence ' || sequence AS subject, '1 transfer' AS expected,
           count(*) || ' transfers' AS found
      FROM ledger.transfers GROUP BY sequence HAVING count(*) > 1
"""
# Entries commit whole: had two batches each a part, a crash could have come between them.
_ENTRIES_WHOLE: Final = """
    SELECT 'je_' || replace(entry_id::text, '-', '') AS subject, 'one batch' AS expected,
           format('batches %s to %s', min(sequence >> 16), max(sequence >> 16)) AS found
      FROM ledger.transfers
     WHERE entry_id IS NOT NULL
     GROUP BY entry_id HAVING min(sequence >> 16) <> max(sequence >> 16)
"""
_ACCOUNTS_EXIST: Final = """
    SELECT 'acct_' || j.account_id AS subject, 'an account in ' || j.currency AS expected,
           coalesce('an account in ' || a.currency, 'no account') AS found
      FROM (SELECT debit_account_id AS account_id, currency FROM ledger.transfers GROUP BY 1, 2
             UNION
            SELECT credit_account_id, currency FROM ledger.transfers GROUP BY 1, 2) j
      LEFT JOIN ledger.accounts a ON a.id = j.account_id
     WHERE a.id IS NULL OR a.currency <> j.currency
"""
# What pending transfers reserve is rebuilt from the journal alone: those that no later transfer
# resolves. The table of holds is compared by itself.
_BALANCES: Final = """
    WITH posted AS (
        SELECT debit_account_id AS account_id, sum(amount) AS debits, 0 AS credits,
               0 AS debits_pending, 0 AS credits_pending
          FROM ledger.transfers WHERE kind IN (0, 2) GROUP BY debit_account_id
         UNION ALL
        SELECT credit_account_id, 0, sum(amount), 0, 0
          FROM ledger.transfers WHERE kind IN (0, 2) GROUP BY credit_account_id
    ), pending AS (
        SELECT debit_account_id, credit_account_id, amount
          FROM ledger.transfers p
         WHERE kind = 1 AND NOT EXISTS (SELECT FROM ledger.transfers r
                                         WHERE r.kind >= 2 AND r.pending_id = p.id)
    ), rebuilt AS (
        SELECT account_id, sum(debits) AS debits, sum(credits) AS credits,
               sum(debits_pending) AS debits_pending, sum(credits_pending) AS credits_pending
          FROM (SELECT * FROM posted
                 UNION ALL
                SELECT debit_account_id, 0, 0, amount, 0 FROM pending
                 UNION ALL
                SELECT credit_account_id, 0, 0, 0, amount FROM pending) e
         GROUP BY account_id
    )
    SELECT 'acct_' || coalesce(b.account_id, r.account_id) AS subject,
           format('debits %s + %s pending, credits %s + %s pending', coalesce(r.debits, 0),
                  coalesce(r.debits_pending, 0), coalesce(r.credits, 0),
                  coalesce(r.credits_pending, 0)) AS expected,
           format('debits %s + %s pending, credits %s + %s pending', b.debits_posted,
                  b.debits_pending, b.credits_posted, b.credits_pending) AS found
      FROM ledger.balances b FULL JOIN rebuilt r ON r.account_id = b.account_id
     WHERE (b.debits_posted, b.credits_posted, b.debits_pending, b.credits_pending)
           IS DISTINCT FROM (coalesce(r.debits, 0)::bigint, coalesce(r.credits, 0)::bigint,
                             coalesce(r.debits_pending, 0)::bigint,
                             coalesce(r.credits_pending, 0)::bigint)
"""
_HOLDS: Final = """
    SELECT 'tr_' || replace(coalesce(p.id, h.id)::text, '-', '') AS subject,
           format('%s %s from %s to %s, resolved by %s with kind %s and %s', p.amount, p.currency,
                  p.debit_account_id, p.credit_account_id, r.id, r.kind, r.amount) AS expected,
           format('%s %s from %s to %s, resolved by %s with state %s and %s', h.amount, h.currency,
                  h.debit_account_id, h.credit_account_id, h.resolved_by, h.state,
                  h.posted_amount) AS found
      FROM (SELECT * FROM ledger.transfers WHERE kind = 1) p
      FULL JOIN ledger.holds h ON h.id = p.id
      LEFT JOIN (SELECT * FROM ledger.transfers WHERE kind >= 2) r
             ON r.pending_id = coalesce(p.id, h.id)
     WHERE (h.debit_account_id, h.credit_account_id, h.amount, h.currency, h.resolved_by)
           IS DISTINCT FROM (p.debit_account_id, p.credit_account_id, p.amount, p.currency, r.id)
        OR h.state <> coalesce(r.kind - 1, 0)
        OR h.posted_amount <> coalesce(r.amount, 0)
"""
_RESOLUTIONS: Final = """
    SELECT 'tr_' || replace(r.id::text, '-', '') AS subject,
           format('at most %s %s from %s to %s, after %s', p.amount, p.currency,
                  p.debit_account_id, p.credit_account_id, p.sequence) AS expected,
           format('%s %s from %s to %s, at %s', r.amount, r.currency, r.debit_account_id,
                  r.credit_account_id, r.sequence) AS found
      FROM (SELECT * FROM ledger.transfers WHERE kind >= 2) r
      LEFT JOIN (SELECT * FROM ledger.transfers WHERE kind = 1) p ON p.id = r.pending_id
     WHERE p.id IS NULL OR r.amount > p.amount OR r.sequence <= p.sequence
        OR (r.debit_account_id, r.credit_account_id, r.currency)
           <> (p.debit_account_id, p.credit_account_id, p.currency)
"""
_RESOLVED_ONCE: Final = """
    SELECT 'tr_' || replace(pending_id::text, '-', '') AS subject, 'resolved once' AS expected,
           count(*) || ' times' AS found
      FROM ledger.transfers WHERE kind >= 2 GROUP BY pending_id HAVING count(*) > 1
"""
_TIES: Final = """
    SELECT currency::text AS subject,
           format('debits %s, pending %s', sum(debits_posted), sum(debits_pending)) AS expected,
           format('credits %s, pending %s', sum(credits_posted), sum(credits_pending)) AS found
      FROM ledger.balances GROUP BY currency
    HAVING sum(debits_posted) <> sum(credits_posted) OR sum(debits_pending) <> sum(credits_pending)
"""
# One pass: each line against its transfer, and against the line before it. With every line right
# and their sequences growing along each account, no line is there twice.
_LINES: Final = """
    SELECT format('acct_%s line %s', account_id, line) AS subject,
           'the next line of that account, as the journal has the transfer' AS expected,
           format('transfer %s, side %s, amount %s, balance %s after line %s with %s', transfer_id,
                  side, amount, balance_after, line_before, balance_before) AS found
      FROM (SELECT l.*, t.sequence,
                   t.id IS NOT NULL AND t.kind IN (0, 2)
                   AND t.sequence <= (SELECT sequence FROM ledger.projection)
                   AND l.amount = t.amount AND l.code = t.code AND l.effective_on = t.effective_on
                   AND l.recorded_at = greatest(t.recorded_at, lag(l.recorded_at) OVER by_account)
                   AND (l.account_id, l.other_id)
                       = CASE l.side WHEN 1 THEN (t.debit_account_id, t.credit_account_id)
                                     ELSE (t.credit_account_id, t.debit_account_id) END AS is_same,
                   lag(l.line, 1, 0::bigint) OVER by_account AS line_before,
                   lag(l.balance_after, 1, 0::bigint) OVER by_account AS balance_before,
                   lag(t.sequence, 1, 0::bigint) OVER by_account AS sequence_before
              FROM ledger.lines l LEFT JOIN ledger.transfers t ON t.id = l.transfer_id
            WINDOW by_account AS (PARTITION BY l.account_id ORDER BY l.line)) c
     WHERE is_same IS NOT TRUE OR side NOT IN (-1, 1)
        OR line <> line_before + 1
        OR balance_after <> balance_before - side * amount
        OR sequence <= sequence_before
"""
# The totals are compared first; only if they differ does the database look for the transfers.
_LINES_COMPLETE: Final = """
    WITH journal AS (
        SELECT id FROM ledger.transfers
         WHERE kind IN (0, 2) AND sequence <= (SELECT sequence FROM ledger.projection)
    )
    SELECT 'tr_' || replace(j.id::text, '-', '') AS subject, '2 lines' AS expected,
           coalesce(l.lines, 0) || ' lines' AS found
      FROM journal j
      LEFT JOIN (SELECT transfer_id, count(*) AS lines FROM ledger.lines GROUP BY transfer_id) l
             ON l.transfer_id = j.id
     WHERE l.lines IS DISTINCT FROM 2
       AND (SELECT 2 * count(*) FROM journal) <> (SELECT count(*) FROM ledger.lines)
"""
_HEADS: Final = """
    SELECT 'acct_' || coalesce(h.account_id, l.account_id) AS subject,
           format('%s lines, balance %s', l.lines, l.balance) AS expected,
           format('%s lines, balance %s', h.line, h.balance) AS found
      FROM ledger.line_heads h
      FULL JOIN (SELECT account_id, count(*) AS lines, sum(-side * amount)::bigint AS balance
                   FROM ledger.lines GROUP BY account_id) l ON l.account_id = h.account_id
     WHERE (h.line, h.balance) IS DISTINCT FROM (l.lines, l.balance)
"""
_NEVER_OVERDRAWN: Final = """
    SELECT format('acct_%s line %s', l.account_id, l.line) AS subject,
           format('limit %s held at every line', b.limits) AS expected,
           'balance ' || l.balance_after AS found
      FROM ledger.lines l JOIN ledger.balances b ON b.account_id = l.account_id
     WHERE b.limits = 1 AND l.balance_after < 0 OR b.limits = 2 AND l.balance_after > 0
"""
_MOVEMENTS: Final = """
    WITH rebuilt AS (
        SELECT account_id, effective_on, sum(debits)::bigint AS debits,
               sum(credits)::bigint AS credits, sum(lines)::bigint AS lines
          FROM (SELECT debit_account_id AS account_id, effective_on, sum(amount) AS debits,
                       0 AS credits, count(*) AS lines
                  FROM ledger.transfers
                 WHERE kind IN (0, 2) AND sequence <= (SELECT sequence FROM ledger.projection)
                 GROUP BY debit_account_id, effective_on
                 UNION ALL
                SELECT credit_account_id, effective_on, 0, sum(amount), count(*)
                  FROM ledger.transfers
                 WHERE kind IN (0, 2) AND sequence <= (SELECT sequence FROM ledger.projection)
                 GROUP BY credit_account_id, effective_on) e
         GROUP BY account_id, effective_on
    )
    SELECT format('acct_%s on %s', coalesce(m.account_id, r.account_id),
                  coalesce(m.effective_on, r.effective_on)) AS subject,
           format('debits %s, credits %s, %s lines', r.debits, r.credits, r.lines) AS expected,
           format('debits %s, credits %s, %s lines', m.debits, m.credits, m.lines) AS found
      FROM ledger.movements m
      FULL JOIN rebuilt r ON (r.account_id, r.effective_on) = (m.account_id, m.effective_on)
     WHERE (m.debits, m.credits, m.lines) IS DISTINCT FROM (r.debits, r.credits, r.lines)
"""
# Days are closed in order, so a transfer is in all snapshots from the first one whose day is not
# before its effective day and whose sequence is not before its own. What each snapshot adds to the
# one before is compared with the transfers that it is the first to hold: one pass over the journal
# for any number of days.
_SNAPSHOTS: Final = """
    WITH days AS (
        SELECT array_agg(on_day ORDER BY on_day) AS on_days,
               array_agg(sequence ORDER BY on_day) AS sequences
          FROM ledger.closed_days
    ), journal AS (
        SELECT t.debit_account_id, t.credit_account_id, t.amount,
               1 + greatest(width_bucket(t.effective_on - 1, d.on_days),
                            width_bucket(t.sequence - 1, d.sequences)) AS nth
          FROM ledger.transfers t CROSS JOIN days d
         WHERE t.kind IN (0, 2) AND d.on_days IS NOT NULL
    ), rebuilt AS (
        SELECT account_id, nth, sum(debits) AS debits, sum(credits) AS credits
          FROM (SELECT debit_account_id AS account_id, nth, sum(amount) AS debits, 0 AS credits
                  FROM journal GROUP BY 1, 2
                 UNION ALL
                SELECT credit_account_id, nth, 0, sum(amount) FROM journal GROUP BY 1, 2) e
         WHERE nth <= (SELECT cardinality(on_days) FROM days)
         GROUP BY account_id, nth
    ), kept AS (
        SELECT s.account_id, s.on_day, n.nth, s.debits, s.credits,
               lag(s.debits, 1, 0::bigint) OVER by_account AS debits_before,
               lag(s.credits, 1, 0::bigint) OVER by_account AS credits_before,
               lag(n.nth) OVER by_account AS nth_before
          FROM ledger.snapshots s
          LEFT JOIN (SELECT on_day, row_number() OVER (ORDER BY on_day) AS nth
                       FROM ledger.closed_days) n ON n.on_day = s.on_day
        WINDOW by_account AS (PARTITION BY s.account_id ORDER BY s.on_day)
    )
    SELECT format('acct_%s on %s', coalesce(k.account_id, r.account_id),
                  coalesce(k.on_day, (SELECT on_days[r.nth] FROM days))) AS subject,
           format('debits %s and credits %s more than the day before', coalesce(r.debits, 0),
                  coalesce(r.credits, 0)) AS expected,
           format('debits %s and credits %s more', k.debits - k.debits_before,
                  k.credits - k.credits_before) AS found
      FROM kept k FULL JOIN rebuilt r ON (r.account_id, r.nth) = (k.account_id, k.nth)
     WHERE k.account_id IS NULL OR k.nth IS NULL OR k.nth <> coalesce(k.nth_before + 1, k.nth)
        OR k.debits - k.debits_before <> coalesce(r.debits, 0)
        OR k.credits - k.credits_before <> coalesce(r.credits, 0)
     UNION ALL
    SELECT format('acct_%s', account_id), 'in every snapshot from its first on',
           format('in none after %s', max(on_day))
      FROM ledger.snapshots
     GROUP BY account_id
    HAVING max(on_day) < (SELECT max(on_day) FROM ledger.closed_days)
     UNION ALL
    SELECT 'closed day ' || on_day, 'a place in the journal not before that of the day before',
           'sequence ' || sequence
      FROM (SELECT on_day, sequence, lag(sequence) OVER (ORDER BY on_day) AS sequence_before
              FROM ledger.closed_days) d
     WHERE sequence < sequence_before OR sequence > (SELECT sequence FROM ledger.projection)
"""

INVARIANTS: Final = (
    Invariant("accounts", "Every account has one balance in its currency", _ACCOUNT_HAS_BALANCE),
    Invariant("check_digits", "Account numbers carry right check digits", _CHECK_DIGITS),
    Invariant("chart", "Every account has a code of the chart", _CHART),
    Invariant("limits", "Balances keep to their limits, closed ones are empty", _LIMITS),
    Invariant("trial_balance", "Debits equal credits in each currency", _TIES),
    Invariant("transfers", "Transfers are sound in themselves", _TRANSFERS_SOUND),
    Invariant("sequences", "No two transfers share a sequence", _SEQUENCES_UNIQUE),
    Invariant("entries", "Every entry stands in one batch", _ENTRIES_WHOLE),
    Invariant("journal_accounts", "Transfers are between accounts in their currency",
              _ACCOUNTS_EXIST),
    Invariant("balances", "Balances are the sums of the journal", _BALANCES),
    Invariant("holds", "Holds are what the journal says", _HOLDS),
    Invariant("resolutions", "Resolutions fit the holds that they name", _RESOLUTIONS),
    Invariant("resolved_once", "No hold is resolved twice", _RESOLVED_ONCE),
    Invariant("lines", "Statement lines run on and match the journal", _LINES),
    Invariant("lines_complete", "Every projected transfer has its two lines", _LINES_COMPLETE),
    Invariant("line_heads", "Line heads are where the lines end", _HEADS),
    Invariant("never_overdrawn", "No line ever broke its account's limit", _NEVER_OVERDRAWN),
    Invariant("movements", "Movements by day are the sums of the journal", _MOVEMENTS),
    Invariant("snapshots", "Snapshots are what was known when days were closed", _SNAPSHOTS),
)  # fmt: skip
