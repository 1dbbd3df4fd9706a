"""Payments that risk holds back or blocks."""

from huitong.migrations.scripts import run_sql

revision = "0030"
down_revision = "0038"


def upgrade() -> None:
    """Let orders be held, and create the table of what was stopped."""
    run_sql("0030_stopped_payments")
