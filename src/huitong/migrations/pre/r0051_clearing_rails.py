"""Clearing: through which system a payment goes out, and when queued gross payments were offset."""

from huitong.migrations.scripts import run_sql

revision = "0051"
down_revision = "0052"


def upgrade() -> None:
    """Add the systems of channels and of attempts, and the runs of offsetting."""
    run_sql("0051_clearing_rails")
