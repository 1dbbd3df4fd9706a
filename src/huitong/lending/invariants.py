"""What must hold between loans and the general ledger: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant
from huitong.lending import collections
from huitong.lending.partners.invariants import INVARIANTS as PARTNER_INVARIANTS

_SCHEDULES_SUM: Final = """
    WITH sums AS (
        SELECT loan, sum(principal) AS principal, sum(principal_paid) AS principal_paid,
               sum(interest_paid) AS interest_paid
          FROM lending.instalments GROUP BY loan
    ), ahead AS (
        SELECT b.loan, sum(i.principal) AS principal
          FROM lending.balances b JOIN lending.instalments i
            ON i.loan = b.loan AND i.number >= b.next_number
         WHERE b.is_active GROUP BY b.loan
    )
    SELECT 'loan ' || b.loan AS subject,
           format('lent %s, paid %s and %s, not due %s', b.lent, b.principal_paid, b.interest_paid,
                  b.not_due) AS expected,
           format('lent %s, paid %s and %s, not due %s', s.principal, s.principal_paid,
                  s.interest_paid, coalesce(a.principal, 0)) AS found
      FROM lending.balances b
      LEFT JOIN sums s ON s.loan = b.loan
      LEFT JOIN ahead a ON a.loan = b.loan
     WHERE (b.lent, b.principal_paid, b.interest_paid)
           IS DISTINCT FROM (s.principal, s.principal_paid, s.interest_paid)
        OR b.is_active AND b.not_due <> coalesce(a.principal, 0)
"""
_PRINCIPAL_SUMS: Final = """
    SELECT 'loan ' || l.number AS subject, l.principal::text AS expected,
           coalesce((b.not_due + b.due + b.overdue + b.principal_paid + b.principal_off)::text,
                    'no balances') AS found
      FROM lending.loans l LEFT JOIN lending.balances b ON b.loan = l.number
     WHERE l.principal IS DISTINCT FROM
           b.not_due + b.due + b.overdue + b.principal_paid + b.principal_off
"""
_NONE_NEGATIVE: Final = """
    SELECT 'loan ' || loan AS subject, 'no balance below zero' AS expected,
           least(not_due, due, overdue, carried, accrued, interest_due, interest_overdue, penalty,
                 compound, fees, provision)::text AS found
      FROM lending.balances
     WHERE least(not_due, due, overdue, carried, accrued, interest_due, interest_overdue, penalty,
                 compound, fees, provision) < 0
"""
_SUB_LEDGER: Final = """
    WITH sums AS (
        SELECT b.product_id, x.part, sum(x.amount) AS amount
          FROM lending.balances b
         CROSS JOIN LATERAL (SELECT (NOT suspended)::int::bigint AS on_books,
                                    suspended::int::bigint AS off_books,
                                    carried + accrued + interest_due + interest_overdue
                                    + interest_off + penalty + compound + penalty_off AS doubtful) k
         CROSS JOIN LATERAL (VALUES
               ('principal', not_due + due),
               ('overdue', overdue),
               ('interest', on_books * (carried + accrued + interest_due + interest_overdue)),
               ('penalty', on_books * (penalty + compound)),
               ('fees', fees),
               ('provision', -provision),
               ('interest_income', -interest_paid - on_books
                   * (carried + accrued + interest_due + interest_overdue + interest_off)),
               ('penalty_income', -penalty_paid - on_books * (penalty + compound + penalty_off)),
               ('fee_income', -(fees + fees_paid + fees_off)),
               ('impairment', provision + principal_off + fees_off
                              + on_books * (interest_off + penalty_off) - recovered),
               ('memo', off_books * doubtful),
               ('memo_contra', -off_books * doubtful)) AS x(part, amount)
         GROUP BY b.product_id, x.part
    )
    SELECT format('product %s, %s', c.product_id, c.part) AS subject,
           coalesce(s.amount, 0)::text AS expected,
           (b.debits_posted - b.credits_posted)::text AS found
      FROM lending.control_accounts c
      JOIN ledger.balances b ON b.account_id = c.account_id
      LEFT JOIN sums s ON s.product_id = c.product_id AND s.part = c.part
     WHERE b.debits_posted - b.credits_posted <> coalesce(s.amount, 0)
"""
_MONEY_MOVED: Final = """
    WITH entries AS (
        SELECT 'loan ' || number AS subject, entry_id FROM lending.loans
         UNION ALL
        SELECT format('event %s of loan %s', position, loan), entry_id
          FROM lending.loan_events WHERE entry_id IS NOT NULL
         UNION ALL
        SELECT format('chunk %s of %s', chunk, day), unnest(entry_ids) FROM lending.closed_chunks
    )
    SELECT e.subject, 'an entry in the journal' AS expected, 'none' AS found
      FROM entries e
     WHERE NOT EXISTS (SELECT FROM ledger.transfers t WHERE t.entry_id = e.entry_id)
"""
_STATES: Final = """
    SELECT 'loan ' || l.number AS subject, l.state AS expected,
           CASE WHEN b.is_active THEN 'active'
                WHEN b.principal_off + b.interest_off > 0 THEN 'written_off'
                ELSE 'paid_off' END AS found
      FROM lending.loans l JOIN lending.balances b ON b.loan = l.number
     WHERE l.state <> CASE WHEN b.is_active THEN 'active'
                           WHEN b.principal_off + b.interest_off > 0 THEN 'written_off'
                           ELSE 'paid_off' END
"""

INVARIANTS: Final = (
    Invariant(
        "loan_principal_sums", "Parts of a loan's principal sum to what was lent", _PRINCIPAL_SUMS
    ),
    Invariant(
        "loan_schedules_sum",
        "A loan's instalments sum to what was lent, was paid and is not due",
        _SCHEDULES_SUM,
    ),
    Invariant("loan_balances_positive", "No balance of a loan is below zero", _NONE_NEGATIVE),
    Invariant(
        "loans_are_control_accounts",
        "Loans sum to the control accounts of their product, part by part",
        _SUB_LEDGER,
    ),
    Invariant("loan_money_moved", "What moved a loan's money stands in the journal", _MONEY_MOVED),
    Invariant(
        "loan_states", "A loan is active, paid off or written off as its balances say", _STATES
    ),
    *collections.INVARIANTS,
    *PARTNER_INVARIANTS,
)
