"""Large batches write their journal rows before they lock any balance."""

from huitong.migrations.scripts import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create places, and the functions that draw and keep them."""
    run_sql("0008_journal_first")
