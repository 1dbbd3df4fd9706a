"""Log-ins and applications that risk decides about."""

from huitong.migrations.scripts import run_sql

revision = "0036"
down_revision = "0034"


def upgrade() -> None:
    """Add what decisions about log-ins and applications are made from, and what follows."""
    run_sql("0036_risk_logins")
