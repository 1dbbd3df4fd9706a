"""Collections: strategies, cases, contacts, promises, hardship, complaints; texts of reminders."""

from huitong.migrations.scripts import run_sql

revision = "0063"
down_revision = "0062"


def upgrade() -> None:
    """Create the tables of collections, and let notices carry a text."""
    run_sql("0063_collections")
