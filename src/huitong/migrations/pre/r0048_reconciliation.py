"""Payments: files of channels, what does not agree, its cures, and suspense."""

from huitong.migrations.scripts import run_sql

revision = "0048"
down_revision = "0046"


def upgrade() -> None:
    """Create the tables of reconciliation."""
    run_sql("0048_reconciliation")
