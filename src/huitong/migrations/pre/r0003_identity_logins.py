"""The tables of `identity` (see docs/people.md)."""

from huitong.migrations.scripts import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create what `sql/0003_identity_logins.sql` holds."""
    run_sql("0003_identity_logins")
