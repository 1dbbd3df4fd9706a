"""The tables of `identity` (see docs/people.md)."""

from huitong.migrations.scripts import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create what `sql/0006_identity_staff.sql` holds."""
    run_sql("0006_identity_staff")
