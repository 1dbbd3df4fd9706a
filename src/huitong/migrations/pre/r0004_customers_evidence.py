"""The tables of `customers` (see docs/people.md)."""

from huitong.migrations.scripts import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create what `sql/0004_customers_evidence.sql` holds."""
    run_sql("0004_customers_evidence")
