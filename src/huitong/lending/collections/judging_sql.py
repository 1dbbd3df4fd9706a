"""The statements of `judging`, over loans from number :first until :end, as :today begins."""

from typing import Final

#: What is to be paid now.
OWED: Final = (
    "b.due + b.overdue + b.interest_due + b.interest_overdue + b.penalty + b.compound + b.fees"
)
_PAID: Final = """
    SELECT p.id, coalesce(sum(e.amount
                          + coalesce((e.details->>'waived')::bigint, 0)), 0)::bigint AS paid
      FROM lending.collection_promises p
      LEFT JOIN lending.loan_events e
        ON e.loan = p.loan AND e.kind IN ('repayment', 'early_repayment', 'waiver')
       AND e.recorded_at >= p.made_at AND e.on_day <= p.pay_by
       AND NOT EXISTS (SELECT FROM lending.loan_events r WHERE r.reverses = e.id)
"""
IN_FORCE: Final = """
    SELECT DISTINCT ON (purpose, currency) id, purpose, currency
      FROM lending.collection_strategies WHERE effective_from <= :today
     ORDER BY purpose, currency, effective_from DESC
"""

IS_DONE: Final = """
    SELECT EXISTS (SELECT FROM lending.collection_chunks WHERE day = :day AND chunk = :chunk)
"""
#: A promise is kept by what was paid, or waived, after it was made and until its day ended.
JUDGE_PROMISES: Final = f"""
    WITH paid AS ({_PAID}
         WHERE p.state = 'open' AND p.pay_by <= :day AND p.loan >= :first AND p.loan < :end
         GROUP BY p.id)
    UPDATE lending.collection_promises p
       SET state = CASE WHEN paid.paid >= p.amount THEN 'kept' ELSE 'broken' END,
           paid = paid.paid, judged_on = :day
      FROM paid WHERE paid.id = p.id
    RETURNING p.state
"""  # noqa: S608 - constants of ours
CLOSE_CASES: Final = """
    UPDATE lending.collection_cases c
       SET closed_on = :day, outcome = CASE
             WHEN l.state = 'written_off' THEN 'written_off'
             WHEN b.is_active AND EXISTS (SELECT FROM lending.loan_events e
                   WHERE e.loan = c.loan AND e.kind = 'rescheduling' AND e.on_day >= c.opened_on)
             THEN 'eased' ELSE 'paid' END
      FROM lending.balances b JOIN lending.loans l ON l.number = b.loan
     WHERE c.closed_on IS NULL AND c.loan >= :first AND c.loan < :end AND b.loan = c.loan
       AND (NOT b.is_active OR b.since_day >= :today)
    RETURNING c.loan
"""
#: Whoever paid all that was overdue has kept what they promised for later.
END_PROMISES: Final = f"""
    WITH paid AS ({_PAID} WHERE p.state = 'open' AND p.loan = ANY(:loans) GROUP BY p.id)
    UPDATE lending.collection_promises p
       SET state = CASE c.outcome WHEN 'paid' THEN 'kept' ELSE 'void' END,
           paid = paid.paid, judged_on = :day
      FROM paid, lending.collection_cases c WHERE paid.id = p.id AND c.number = p.case_number
"""  # noqa: S608 - constants of ours
END_TASKS: Final = """
    UPDATE lending.collection_tasks SET state = 'needless', ended_at = :now
     WHERE loan = ANY(:loans) AND state IN ('waiting', 'taken') AND case_number IS NOT NULL
"""
OPEN_CASES: Final = f"""
    INSERT INTO lending.collection_cases (loan, customer_id, purpose, opened_on, since_day, as_of,
                                          days, owed, score)
    SELECT b.loan, l.customer_id, v.terms->>'purpose', :today, b.since_day, :today,
           CAST(:today AS date) - b.since_day, {OWED}, 0
      FROM lending.balances b
      JOIN lending.loans l ON l.number = b.loan
      JOIN lending.product_versions v
        ON v.product_id = l.product_id AND v.version = l.product_version
     WHERE b.loan >= :first AND b.loan < :end AND b.is_active AND b.since_day < :today
       AND NOT EXISTS (SELECT FROM lending.collection_cases c
                        WHERE c.loan = b.loan AND c.closed_on IS NULL)
     ORDER BY b.loan
        ON CONFLICT (loan) WHERE closed_on IS NULL DO NOTHING
    RETURNING number
"""  # noqa: S608 - constants of ours
REFRESH_CASES: Final = f"""
    WITH in_force AS MATERIALIZED ({IN_FORCE}), scored AS MATERIALIZED (
        SELECT c.number, c.purpose, l.currency, b.since_day,
               CAST(:today AS date) - b.since_day AS days, {OWED} AS owed,
               greatest(0, CAST(:score_start AS integer)
                 - CAST(:score_case AS integer) * (SELECT count(*) FROM lending.collection_cases x
                    WHERE x.customer_id = c.customer_id AND x.closed_on >= :since)
                 - CAST(:score_broken AS integer) * h.broken
                 + CAST(:score_kept AS integer) * h.kept)::integer AS score
          FROM lending.collection_cases c
          JOIN lending.balances b ON b.loan = c.loan
          JOIN lending.loans l ON l.number = c.loan
         CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE p.state = 'broken') AS broken,
                    count(*) FILTER (WHERE p.state = 'kept') AS kept
               FROM lending.collection_promises p
              WHERE p.customer_id = c.customer_id AND p.judged_on >= :since) h
         WHERE c.closed_on IS NULL AND c.loan >= :first AND c.loan < :end AND b.since_day < :today
    ), placed AS (
        SELECT s.*, g.strategy_id, g.code FROM scored s LEFT JOIN LATERAL (
            SELECT g.strategy_id, g.code
              FROM in_force f JOIN lending.collection_segments g ON g.strategy_id = f.id
             WHERE f.purpose = s.purpose AND f.currency = s.currency AND g.place > 0
               AND s.days >= g.days_min AND s.owed >= g.amount_min
               AND (g.score_max IS NULL OR s.score <= g.score_max)
             ORDER BY g.place LIMIT 1) g ON true
    )
    UPDATE lending.collection_cases c
       SET since_day = p.since_day, as_of = :today, days = p.days, owed = p.owed, score = p.score,
           strategy_id = p.strategy_id, segment = p.code
      FROM placed p WHERE p.number = c.number
"""  # noqa: S608 - constants of ours
LAPSE_TASKS: Final = """
    UPDATE lending.collection_tasks SET state = 'lapsed', ended_at = :now
     WHERE is_automatic AND state = 'waiting' AND on_day < :today
       AND loan >= :first AND loan < :end
"""
#: A task is taken for a day: who is away keeps nothing from being done.
RELEASE_TASKS: Final = """
    UPDATE lending.collection_tasks SET state = 'waiting', assigned_to = NULL
     WHERE NOT is_automatic AND state = 'taken' AND loan >= :first AND loan < :end
"""
PLAN_STEPS: Final = """
    INSERT INTO lending.collection_tasks (loan, customer_id, case_number, strategy_id, segment, day,
                                          channel, is_automatic, about_day, on_day)
    SELECT c.loan, c.customer_id, c.number, s.strategy_id, s.segment, s.day, s.channel,
           s.is_automatic, c.since_day, :today
      FROM lending.collection_cases c
      JOIN lending.collection_steps s
        ON s.strategy_id = c.strategy_id AND s.segment = c.segment AND s.day = c.days
     WHERE c.closed_on IS NULL AND c.as_of = :today AND c.loan >= :first AND c.loan < :end
        ON CONFLICT (loan, about_day, day, channel) DO NOTHING
    RETURNING id
"""
DAYS_BEFORE_DUE: Final = f"""
    SELECT DISTINCT s.day FROM ({IN_FORCE}) f
      JOIN lending.collection_steps s ON s.strategy_id = f.id AND s.segment = 'before_due'
"""  # noqa: S608 - constants of ours
#: On the due day itself the payment is due already, and the next one's day stands in `due_day`.
PLAN_REMINDERS: Final = f"""
    WITH in_force AS MATERIALIZED ({IN_FORCE}), soon AS (
        SELECT b.loan, x.about, CAST(:today AS date) - x.about AS day
          FROM lending.balances b
         CROSS JOIN LATERAL (VALUES
               (b.due_day, b.next_principal + b.accrues + b.carried),
               (CASE WHEN b.from_day = :today THEN b.from_day END, b.due + b.interest_due))
               AS x(about, amount)
         WHERE b.loan >= :first AND b.loan < :end AND b.is_active AND b.since_day >= :today
           AND (b.due_day = ANY(:dues) OR b.from_day = :today)
           AND x.amount > 0 AND (x.about = ANY(:dues) OR x.about = :today)
    )
    INSERT INTO lending.collection_tasks (loan, customer_id, strategy_id, segment, day, channel,
                                          is_automatic, about_day, on_day)
    SELECT l.number, l.customer_id, s.strategy_id, s.segment, s.day, s.channel, true, n.about,
           :today
      FROM soon n
      JOIN lending.loans l ON l.number = n.loan
      JOIN lending.product_versions v
        ON v.product_id = l.product_id AND v.version = l.product_version
      JOIN in_force f ON f.purpose = v.terms->>'purpose' AND f.currency = l.currency
      JOIN lending.collection_steps s
        ON s.strategy_id = f.id AND s.segment = 'before_due' AND s.day = n.day
        ON CONFLICT (loan, about_day, day, channel) DO NOTHING
    RETURNING id
"""  # noqa: S608 - constants of ours
INSERT_CHUNK: Final = """
    INSERT INTO lending.collection_chunks (day, chunk, opened, closed, kept, broken, planned,
                                           done_at)
    VALUES (:day, :chunk, :opened, :closed, :kept, :broken, :planned, :now)
"""
BEGUN_DAY: Final = """
    SELECT day, chunk_size, chunks FROM lending.collection_days WHERE done_at IS NULL
"""
#: The closed day after the last one that was looked at; at first the last closed one.
NEXT_DAY: Final = """
    SELECT CASE WHEN EXISTS (SELECT FROM lending.collection_days)
                THEN (SELECT min(day) FROM lending.closed_days
                       WHERE done_at IS NOT NULL
                         AND day > (SELECT max(day) FROM lending.collection_days))
                ELSE (SELECT max(day) FROM lending.closed_days WHERE done_at IS NOT NULL) END
"""
OPEN_DAY: Final = """
    INSERT INTO lending.collection_days (day, chunk_size, chunks, started_at)
    SELECT :day, :size, coalesce(max(number), -1) / CAST(:size AS integer) + 1, :now
      FROM lending.loans
    RETURNING day, chunk_size, chunks
"""
UNDONE: Final = """
    SELECT n AS chunk FROM generate_series(0, CAST(:chunks AS integer) - 1) n
     WHERE NOT EXISTS (SELECT FROM lending.collection_chunks c WHERE c.day = :day AND c.chunk = n)
     ORDER BY n
"""
END_DAY: Final = """
    UPDATE lending.collection_days SET done_at = :now WHERE day = :day AND done_at IS NULL
"""
SUMS: Final = """
    SELECT d.day, coalesce(sum(c.opened), 0)::bigint AS opened,
           coalesce(sum(c.closed), 0)::bigint AS closed, coalesce(sum(c.kept), 0)::bigint AS kept,
           coalesce(sum(c.broken), 0)::bigint AS broken,
           coalesce(sum(c.planned), 0)::bigint AS planned
      FROM lending.collection_days d LEFT JOIN lending.collection_chunks c ON c.day = d.day
     WHERE d.day = :day GROUP BY d.day
"""
