"""The registry of models."""

from huitong.migrations.scripts import run_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Create the table of models."""
    run_sql("0027_risk_models")
