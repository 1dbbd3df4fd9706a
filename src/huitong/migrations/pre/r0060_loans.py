"""Products of lending, loans with their schedules and balances, and closing of business days."""

from huitong.migrations.scripts import run_sql

revision = "0060"
down_revision = "0056"


def upgrade() -> None:
    """Create the tables of lending."""
    run_sql("0060_loans")
