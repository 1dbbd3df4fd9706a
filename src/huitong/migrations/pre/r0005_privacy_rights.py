"""The tables of `privacy` (see docs/people.md)."""

from huitong.migrations.scripts import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create what `sql/0005_privacy_rights.sql` holds."""
    run_sql("0005_privacy_rights")
