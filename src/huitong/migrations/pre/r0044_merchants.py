"""Merchants: fee plans, terms, stores, settlement sheets, reserves, disputes."""

from huitong.migrations.scripts import run_sql

revision = "0044"
down_revision = "0048"


def upgrade() -> None:
    """Create the tables of merchants' settlement and disputes."""
    run_sql("0044_merchants")
