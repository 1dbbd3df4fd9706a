"""Risk: versions of rules, their back-tests, and lists."""

from huitong.migrations.scripts import run_sql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Create what `sql/0026_risk_rules.sql` holds."""
    run_sql("0026_risk_rules")
