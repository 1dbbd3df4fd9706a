"""Payments: channels of all kinds, breaks that are cured, and instruments of pay-ins."""

from huitong.migrations.scripts import run_sql

revision = "0049"
down_revision = "0045"


def upgrade() -> None:
    """Let breaks be cured and attempts name a card or a wallet's code."""
    run_sql("0049_channel_cures")
