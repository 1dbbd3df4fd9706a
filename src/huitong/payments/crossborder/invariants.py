"""What must hold between exchange, payments abroad and the journal: see `ledger.Invariant`."""

from typing import Final

from huitong.ledger import Invariant

_POSITIONS: Final = """
    WITH booked AS (
        SELECT a.system_key, b.credits_posted - b.debits_posted AS net
          FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
         WHERE a.system_key LIKE 'payments.crossborder.position.%'
            OR a.system_key LIKE 'payments.crossborder.cost.%'
    ), found AS (
        SELECT right(system_key, 3) AS currency,
               coalesce(sum(net) FILTER (WHERE system_key LIKE '%position%'), 0) AS amount,
               -coalesce(sum(net) FILTER (WHERE system_key LIKE '%cost%'), 0) AS cost
          FROM booked GROUP BY 1
    )
    SELECT coalesce(p.currency, f.currency) AS subject,
           format('%s that cost %s', f.amount, f.cost) AS expected,
           format('%s that cost %s', p.amount, p.cost) AS found
      FROM payments.fx_positions p FULL JOIN found f ON f.currency = p.currency
     WHERE (coalesce(p.amount, 0), coalesce(p.cost, 0))
           IS DISTINCT FROM (coalesce(f.amount, 0), coalesce(f.cost, 0))
"""
_DEALS: Final = """
    WITH sides AS (
        SELECT sell_currency AS currency, sell_amount AS amount FROM payments.fx_deals
         UNION ALL SELECT buy_currency, -buy_amount FROM payments.fx_deals
    ), dealt AS (
        SELECT currency, sum(amount) AS amount FROM sides WHERE currency <> 'CNY' GROUP BY currency
    )
    SELECT coalesce(p.currency, d.currency) AS subject, coalesce(d.amount, 0)::text AS expected,
           coalesce(p.amount, 0)::text AS found
      FROM payments.fx_positions p FULL JOIN dealt d ON d.currency = p.currency
     WHERE coalesce(p.amount, 0) <> coalesce(d.amount, 0)
"""
# What was booked day by day is the last unrealised result, on the position's side and on 6061's.
_REVALUATIONS: Final = """
    WITH last AS (
        SELECT DISTINCT ON (currency) currency, unrealised
          FROM payments.fx_revaluations ORDER BY currency, on_day DESC
    ), summed AS (
        SELECT currency, sum(booked) AS booked FROM payments.fx_revaluations GROUP BY currency
    ), ledger AS (
        SELECT right(a.system_key, 3) AS currency, b.debits_posted - b.credits_posted AS net
          FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
         WHERE a.system_key LIKE 'payments.crossborder.revaluation.%'
    ), result AS (
        SELECT coalesce(sum(b.credits_posted - b.debits_posted), 0) AS net
          FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
         WHERE a.system_key = 'payments.crossborder.unrealised.CNY'
    )
    SELECT coalesce(s.currency, g.currency) AS subject,
           coalesce(l.unrealised, 0) || ' unrealised' AS expected,
           format('%s booked, %s in the ledger', coalesce(s.booked, 0), coalesce(g.net, 0)) AS found
      FROM summed s
      JOIN last l ON l.currency = s.currency
      FULL JOIN ledger g ON g.currency = s.currency
     WHERE coalesce(l.unrealised, 0) <> coalesce(g.net, 0)
        OR coalesce(l.unrealised, 0) <> coalesce(s.booked, 0)
     UNION ALL
    SELECT '6061', coalesce(sum(l.unrealised), 0) || ' unrealised', max(r.net)::text
      FROM result r LEFT JOIN last l ON true
    HAVING coalesce(sum(l.unrealised), 0) <> max(r.net)
"""
_UNDER_WAY: Final = """
    WITH owed AS (
        SELECT direction, currency, sum(settled_amount) AS amount
          FROM payments.crossborder_payments
         WHERE entry_id IS NOT NULL AND settled_entry IS NULL AND ended_entry IS NULL
         GROUP BY direction, currency
    ), booked AS (
        SELECT CASE WHEN a.system_key LIKE '%transit_out%' THEN 'out' ELSE 'in' END AS direction,
               a.currency, b.credits_posted - b.debits_posted AS amount
          FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
         WHERE a.system_key LIKE 'payments.crossborder.transit\\_%'
    )
    SELECT format('%s %s', coalesce(o.direction, k.direction), coalesce(o.currency, k.currency))
               AS subject,
           coalesce(o.amount, 0)::text AS expected, coalesce(k.amount, 0)::text AS found
      FROM owed o
      FULL JOIN booked k ON k.direction = o.direction AND k.currency = o.currency
     WHERE coalesce(o.amount, 0) <> coalesce(k.amount, 0)
"""
_QUOTAS: Final = """
    WITH counted AS (
        SELECT customer_id, year, direction, sum(amount) AS amount
          FROM payments.fx_quota_uses GROUP BY customer_id, year, direction
    )
    SELECT format('%s of %s', q.direction, q.year) AS subject,
           coalesce(c.amount, 0)::text AS expected, q.used::text AS found
      FROM payments.fx_quotas q
      LEFT JOIN counted c USING (customer_id, year, direction)
     WHERE q.used <> coalesce(c.amount, 0)
"""
_QUOTES: Final = """
    SELECT 'fxq_' || replace(q.id::text, '-', '') AS subject,
           'a deal of exactly its amounts if and only if it was taken' AS expected,
           coalesce(d.id::text, 'no deal') AS found
      FROM payments.fx_quotes q LEFT JOIN payments.fx_deals d ON d.quote_id = q.id
     WHERE (q.taken_at IS NULL) <> (d.id IS NULL)
        OR (d.id IS NOT NULL
            AND (q.sell_currency, q.sell_amount, q.buy_currency, q.buy_amount, q.cny_amount)
                <> (d.sell_currency, d.sell_amount, d.buy_currency, d.buy_amount, d.cny_amount))
"""

INVARIANTS: Final = (
    Invariant(
        "fx_positions_are_the_ledger",
        "Positions and their cost are what the ledger says",
        _POSITIONS,
    ),
    Invariant("fx_positions_are_deals", "Positions are the plain sum of all deals", _DEALS),
    Invariant(
        "fx_unrealised_is_booked",
        "What is booked as unrealised is what the last revaluation of each position says",
        _REVALUATIONS,
    ),
    Invariant("fx_quotes_taken_once", "Every taken quote is one deal of its amounts", _QUOTES),
    Invariant("fx_quotas_are_uses", "What is used of a quota is the sum of its uses", _QUOTAS),
    Invariant(
        "crossborder_under_way",
        "Money under way abroad is that of the payments under way",
        _UNDER_WAY,
    ),
)
