"""Alerts, the cases that people work on, and decisions that were found wrong."""

from huitong.migrations.scripts import run_sql

revision = "0033"
down_revision = "0037"


def upgrade() -> None:
    """Create alerts, links, cases and overturned decisions; lists may hold pairs."""
    run_sql("0033_risk_cases")
