"""All whom a request concerns, labels of rejected payments, and a comment that was out of date."""

from huitong.migrations.scripts import run_sql

revision = "0039"
down_revision = "0032"


def upgrade() -> None:
    """Let a request concern several people, and a rejection label a decision."""
    run_sql("0039_whom_acts_concern")
