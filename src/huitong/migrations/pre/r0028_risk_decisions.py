"""The record of decisions."""

from huitong.migrations.scripts import run_sql

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Create the tables of decisions and of the names of their features."""
    run_sql("0028_risk_decisions")
