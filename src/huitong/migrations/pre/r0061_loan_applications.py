"""Applications for loans and their steps."""

from huitong.migrations.scripts import run_sql

revision = "0061"
down_revision = "0060"


def upgrade() -> None:
    """Create the tables of applications."""
    run_sql("0061_loan_applications")
