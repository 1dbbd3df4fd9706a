"""What became known of decisions afterwards."""

from huitong.migrations.scripts import run_sql

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Create the table of labels."""
    run_sql("0029_risk_labels")
