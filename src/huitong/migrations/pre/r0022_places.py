"""A try to log in says which region, city and coordinates its address is at."""

from huitong.migrations.scripts import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the columns."""
    run_sql("0022_places")
