"""What is known of people leaves applications for loans."""

from huitong.migrations.scripts import run_sql

revision = "0062"
down_revision = "0061"


def upgrade() -> None:
    """Add what erasing needs: marks, and a history of which parts may be taken away."""
    run_sql("0062_loan_applications_erased")
