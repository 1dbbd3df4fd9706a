"""Payments abroad: rates, quotes, positions, quotas, screening, and payments in and out."""

from huitong.migrations.scripts import run_sql

revision = "0047"
down_revision = "0044"


def upgrade() -> None:
    """Create the tables of exchange and of payments abroad."""
    run_sql("0047_crossborder")
