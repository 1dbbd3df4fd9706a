"""What every room stands on, and what knows none of them.

The kernel owns money and currencies, identifiers, time and business days, refusals and limits,
the unit of work on PostgreSQL with its outbox, idempotency and jobs, the audit trail, settings
and logs, and the rulebook: dated, sourced regulatory and product rules. It imports nothing of
ours. Its face is its modules: a room imports `huitong.kernel.money`, not this package.
"""
