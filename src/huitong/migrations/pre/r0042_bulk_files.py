"""Files of payments: who may submit and approve them, their lines, what was wrong with them."""

from huitong.migrations.scripts import run_sql

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """Add users of businesses, files, lines and problems."""
    run_sql("0042_bulk_files")
