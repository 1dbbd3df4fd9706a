"""What was left of the rails: whom banks pay, and receipts from abroad that are confirmed."""

from huitong.migrations.scripts import run_sql

revision = "0056"
down_revision = "0057"


def upgrade() -> None:
    """Create the accounts that orders pay out to, and revaluations; let receipts be confirmed."""
    run_sql("0056_rails_left")
