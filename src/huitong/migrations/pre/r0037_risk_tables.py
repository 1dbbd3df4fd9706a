"""Back-tests that staff ask for, and decision tables."""

from huitong.migrations.scripts import run_sql

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Create the tables of runs of back-tests, of decision tables and of what they answered."""
    run_sql("0037_risk_tables")
