"""Risk: the same conditions on decisions and counters, checked at less cost."""

from huitong.migrations.scripts import run_sql

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    """Put the many checks of two tables into one each."""
    run_sql("0050_risk_checks")
