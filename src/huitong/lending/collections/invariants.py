"""What must hold of contacts with debtors, over all of them: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant

_CAPS: Final = """
    SELECT format('debtor %s on %s, %s', customer_id, day, counts_as) AS subject,
           format('at most %s, numbered from 1', min(most)) AS expected,
           format('%s, the last is %s', count(*), max(nth)) AS found
      FROM lending.collection_contacts
     GROUP BY customer_id, day, counts_as
    HAVING count(*) > min(most) OR max(nth) <> count(*) OR min(nth) <> 1
"""
_COMPLAINTS: Final = """
    SELECT 'contact ' || c.id AS subject, 'none while a complaint is open' AS expected,
           format('complaint %s was made at %s', x.id, x.made_at) AS found
      FROM lending.collection_contacts c
      JOIN lending.collection_complaints x ON x.customer_id = c.customer_id
     WHERE c.made_at > x.made_at AND c.made_at < coalesce(x.answered_at, 'infinity')
"""
_BORROWERS: Final = """
    SELECT x.what || ' ' || x.id AS subject,
           'loan ' || l.number || ' of ' || l.customer_id AS expected,
           x.customer_id::text AS found
      FROM (SELECT 'contact' AS what, id, loan, customer_id FROM lending.collection_contacts
             UNION ALL SELECT 'task', id, loan, customer_id FROM lending.collection_tasks
             UNION ALL SELECT 'case', id, loan, customer_id FROM lending.collection_cases
             UNION ALL SELECT 'promise', id, loan, customer_id FROM lending.collection_promises
             UNION ALL SELECT 'hardship', id, loan, customer_id FROM lending.collection_hardships) x
      JOIN lending.loans l ON l.number = x.loan
     WHERE l.customer_id <> x.customer_id
"""

INVARIANTS: Final = (
    Invariant(
        "collection_contacts_capped",
        "Contacts of a debtor's day are within the cap over all loans and agents",
        _CAPS,
    ),
    Invariant(
        "collection_complaints_stop",
        "Nobody is contacted while their complaint is open",
        _COMPLAINTS,
    ),
    Invariant(
        "collection_borrowers_only",
        "Collections know a loan's borrower and nobody else",
        _BORROWERS,
    ),
)
