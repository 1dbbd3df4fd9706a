"""Risk: online features."""

from huitong.migrations.scripts import run_sql

revision = "0020"
down_revision = "0008"


def upgrade() -> None:
    """Create what `sql/0020_risk_features.sql` holds."""
    run_sql("0020_risk_features")
