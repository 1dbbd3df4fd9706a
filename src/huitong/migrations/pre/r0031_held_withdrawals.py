"""Withdrawals that wait before they are sent to a bank."""

from huitong.migrations.scripts import run_sql

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Let channel orders be held, until a time or until staff release them, and be cancelled."""
    run_sql("0031_held_withdrawals")
