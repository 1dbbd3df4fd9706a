"""The registry of models."""

from huitong.migrations.scripts import run_sql

revision = "0024"
down_revision = "0008"


def upgrade() -> None:
    """Create the schema of risk and the table of models."""
    run_sql("0024_risk_models")
