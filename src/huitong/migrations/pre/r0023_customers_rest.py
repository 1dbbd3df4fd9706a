"""Restrictions with reasons, minors and guardians, passports, questions about businesses."""

from huitong.migrations.scripts import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the tables and columns that `sql/0023_customers_rest.sql` names."""
    run_sql("0023_customers_rest")
