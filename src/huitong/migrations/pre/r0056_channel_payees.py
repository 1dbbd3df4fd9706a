"""Whom a bank pays: the accounts of orders that go out, sealed."""

from huitong.migrations.scripts import run_sql

revision = "0056"
down_revision = "0047"


def upgrade() -> None:
    """Create the accounts that orders pay out to, with those of corporate payments."""
    run_sql("0056_channel_payees")
