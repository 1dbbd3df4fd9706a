"""The tables of `privacy` (see docs/people.md)."""

from huitong.migrations.scripts import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create what `sql/0002_privacy_keys.sql` holds."""
    run_sql("0002_privacy_keys")
