"""Risk: versions of rules, their back-tests, and lists."""

from huitong.migrations.scripts import run_sql

revision = "0022"
down_revision = "0020"


def upgrade() -> None:
    """Create what `sql/0022_risk_rules.sql` holds."""
    run_sql("0022_risk_rules")
