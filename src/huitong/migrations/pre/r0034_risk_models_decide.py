"""Models that decide beside rules: what they said of a decision, and what becomes of them."""

from huitong.migrations.scripts import run_sql

revision = "0034"
down_revision = "0031"


def upgrade() -> None:
    """Add scores to decisions, approvals and news to models; create their measures and alarms."""
    run_sql("0034_risk_models_decide")
