"""Lines of channels' files are kept in ranges."""

from huitong.migrations.scripts import run_sql

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    """Keep ranges as they were read, and know files that were given up."""
    run_sql("0055_reconciliation_ranges")
