"""Messages that tell people what happened to their account."""

from huitong.migrations.scripts import run_sql

revision = "0052"
down_revision = "0043"


def upgrade() -> None:
    """Add what people are told, until it was sent or given up."""
    run_sql("0052_notices")
