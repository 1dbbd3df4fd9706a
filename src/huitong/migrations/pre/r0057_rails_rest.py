"""Refunds that draw on reserve and debt, and what is new of sign-in, notices and incidents."""

from huitong.migrations.scripts import run_sql

revision = "0057"
down_revision = "0055"


def upgrade() -> None:
    """Add what a refund takes from elsewhere, and what else this revision names."""
    run_sql("0057_rails_rest")
