"""Files of payments: names compared by a digest, and lines that are not written twice."""

from huitong.migrations.scripts import run_sql

revision = "0054"
down_revision = "0047"


def upgrade() -> None:
    """Add the digests of names, and let a file's place say which of its lines are paid."""
    run_sql("0054_bulk_speed")
