"""Clearing between banks."""

from huitong.migrations.scripts import run_sql

revision = "0041"
down_revision = "0039"


def upgrade() -> None:
    """Create the tables of participants, netting windows, positions and payments."""
    run_sql("0041_clearing")
