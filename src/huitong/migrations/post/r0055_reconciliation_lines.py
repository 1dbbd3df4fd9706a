"""Lines of channels' files are no longer kept one by one."""

from huitong.migrations.scripts import run_sql

revision = "post_0055"
down_revision = "post_0009"


def upgrade() -> None:
    """Drop the table of lines."""
    run_sql("post_0055_reconciliation_lines")
