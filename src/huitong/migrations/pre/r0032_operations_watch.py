"""Operational monitoring: signals, incidents and counter-measures."""

from huitong.migrations.scripts import run_sql

revision = "0032"
down_revision = "0033"


def upgrade() -> None:
    """Create the tables in which the platform watches itself."""
    run_sql("0032_operations_watch")
