"""What must hold between loans, their partners and the general ledger: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant

# Every part is split at the ends of what was paid, left off and is owed, as loans/sharing.py does.
_ACCOUNTS: Final = """
    WITH plans AS (
        SELECT p.id AS plan_id, s.place, s.partner_id, s.fee_share,
               array_prepend(p.own_share, array_agg(s.share) OVER w) AS shares,
               array_prepend(p.own_loss_share, array_agg(s.loss_share) OVER w) AS losses
          FROM lending.funding_plans p JOIN lending.plan_shares s ON s.plan_id = p.id
        WINDOW w AS (PARTITION BY p.id ORDER BY s.place
                     ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    ), amounts AS (
        SELECT f.*, b.lent - f.base_lent AS lent, b.recovered, b.provision,
               (NOT b.suspended)::int::bigint AS kept,
               b.principal_paid - f.base_principal_paid AS p_paid, b.principal_off AS p_off,
               b.not_due + b.due + b.overdue AS p_owed,
               b.interest_paid - f.base_interest_paid AS i_paid, b.interest_off AS i_off,
               b.carried + b.accrued + b.interest_due + b.interest_overdue AS i_owed,
               b.penalty_paid - f.base_penalty_paid AS n_paid, b.penalty_off AS n_off,
               b.penalty + b.compound AS n_owed,
               b.fees_paid - f.base_fees_paid AS f_paid, b.fees_off AS f_off, b.fees AS f_owed
          FROM lending.fundings f JOIN lending.balances b ON b.loan = f.loan
    ), ends AS (
        SELECT p.plan_id, p.partner_id, p.fee_share, a.kept, a.base_interest, a.base_fees,
               a.base_provision, (lending.split(a.lent, p.shares))[p.place + 1] AS lent,
               (lending.split(p_paid, p.shares))[p.place + 1] AS p0,
               (lending.split(p_paid + p_off, p.shares))[p.place + 1] AS p1,
               (lending.split(p_paid + p_off + p_owed, p.shares))[p.place + 1] AS p2,
               (lending.split(i_paid, p.shares))[p.place + 1] AS i0,
               (lending.split(i_paid + i_off, p.shares))[p.place + 1] AS i1,
               (lending.split(i_paid + i_off + i_owed, p.shares))[p.place + 1] AS i2,
               (lending.split(n_paid, p.shares))[p.place + 1] AS n0,
               (lending.split(n_paid + n_off, p.shares))[p.place + 1] AS n1,
               (lending.split(n_paid + n_off + n_owed, p.shares))[p.place + 1] AS n2,
               (lending.split(f_paid, p.shares))[p.place + 1] AS f0,
               (lending.split(f_paid + f_off, p.shares))[p.place + 1] AS f1,
               (lending.split(f_paid + f_off + f_owed, p.shares))[p.place + 1] AS f2,
               (lending.split(p_off + f_off + a.kept * (i_off + n_off), p.losses))[p.place + 1]
                   AS lost,
               (lending.split(a.recovered, p.losses))[p.place + 1] AS recovered,
               (lending.split(a.provision, p.losses))[p.place + 1] AS provision
          FROM amounts a JOIN plans p ON p.plan_id = a.plan_id
    ), parts AS (
        SELECT e.plan_id, e.partner_id, x.part, x.amount
          FROM ends e
         CROSS JOIN LATERAL (SELECT floor((i0 + n0)::numeric * fee_share / 1000000)::bigint AS fee,
                                    lost - (p1 - p0) - (f1 - f0) - kept * (i1 - i0 + n1 - n0)
                                        AS more) k
         CROSS JOIN LATERAL (VALUES
               ('principal', p1 - p2),
               ('interest', kept * (i1 - i2 + n1 - n2)),
               ('fees', f1 - f2),
               ('interest_income', i0 + n0 + kept * (i2 - i0 + n2 - n0) - base_interest),
               ('fee_income', f2 - base_fees),
               ('provision', provision),
               ('impairment', base_provision - provision - lost + recovered),
               ('service_fee', -fee),
               ('position', lent + more + fee - p0 - i0 - n0 - f0 - recovered)) AS x(part, amount)
         UNION ALL
        SELECT plan_id, partner_id, part, amount FROM lending.ended_shares
    )
    SELECT format('plan %s, partner %s, %s', c.plan_id, c.partner_id, c.part) AS subject,
           coalesce(s.amount, 0)::text AS expected,
           (b.debits_posted - b.credits_posted)::text AS found
      FROM lending.plan_accounts c
      JOIN ledger.balances b ON b.account_id = c.account_id
      LEFT JOIN (SELECT plan_id, partner_id, part, sum(amount) AS amount FROM parts
                  GROUP BY plan_id, partner_id, part) s
        ON (s.plan_id, s.partner_id, s.part) = (c.plan_id, c.partner_id, c.part)
     WHERE b.debits_posted - b.credits_posted <> coalesce(s.amount, 0)
     UNION ALL
    SELECT format('flows of plan %s, partner %s', s.plan_id, s.partner_id), (-s.amount)::text,
           f.owed::text
      FROM (SELECT plan_id, partner_id, sum(amount) AS amount FROM parts WHERE part = 'position'
             GROUP BY plan_id, partner_id) s
      LEFT JOIN (SELECT plan_id, partner_id, sum(owed) AS owed FROM lending.partner_flows
                  GROUP BY plan_id, partner_id) f
        ON (f.plan_id, f.partner_id) = (s.plan_id, s.partner_id)
     WHERE coalesce(f.owed, 0) <> -s.amount
"""
_POSITIONS: Final = """
    SELECT 'partner ' || p.code AS subject,
           (coalesce(f.owed, 0) - coalesce(s.amount, 0))::text AS expected,
           (b.credits_posted - b.debits_posted)::text AS found
      FROM lending.partners p
      JOIN ledger.balances b ON b.account_id = p.position_account_id
      LEFT JOIN (SELECT partner_id, sum(owed) AS owed FROM lending.partner_flows GROUP BY 1) f
        ON f.partner_id = p.id
      LEFT JOIN (SELECT partner_id, sum(amount) AS amount FROM lending.partner_settlements
                  GROUP BY 1) s
        ON s.partner_id = p.id
     WHERE b.credits_posted - b.debits_posted <> coalesce(f.owed, 0) - coalesce(s.amount, 0)
"""
_MOVED: Final = """
    WITH entries AS (
        SELECT format('loan %s with partner %s', loan, partner_id) AS subject, entry_id
          FROM lending.partner_flows
         UNION ALL
        SELECT format('settlement with partner %s', partner_id), entry_id
          FROM lending.partner_settlements
         UNION ALL
        SELECT 'sale ' || id, entry_id FROM lending.sales
    )
    SELECT e.subject, 'an entry in the journal' AS expected, 'none' AS found
      FROM entries e
     WHERE NOT EXISTS (SELECT FROM ledger.transfers t WHERE t.entry_id = e.entry_id)
"""
_SOLD: Final = """
    SELECT 'sold loan ' || coalesce(s.loan, f.loan) AS subject,
           coalesce(s.sale_id::text, 'not sold') AS expected,
           coalesce(f.sale_id::text, 'not funded') AS found
      FROM (SELECT loan, sale_id FROM lending.sold_loans WHERE bought_back_on IS NULL) s
      FULL JOIN (SELECT f.loan, p.sale_id FROM lending.fundings f
                   JOIN lending.funding_plans p ON p.id = f.plan_id
                  WHERE p.sale_id IS NOT NULL) f ON f.loan = s.loan
     WHERE s.sale_id IS DISTINCT FROM f.sale_id
"""

INVARIANTS: Final = (
    Invariant(
        "partner_shares_are_accounts",
        "Partners' shares of loans sum to their accounts, part by part, and to their flows",
        _ACCOUNTS,
    ),
    Invariant(
        "partner_positions",
        "What is between partners and us is what moved and was not settled",
        _POSITIONS,
    ),
    Invariant("partner_money_moved", "What moved with partners stands in the journal", _MOVED),
    Invariant("sold_loans_are_funded", "A loan that is sold is its buyer's, and no other", _SOLD),
)
