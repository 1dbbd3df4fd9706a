"""Stages and expected loss of loans, and the portfolio's figures by business day."""

from huitong.migrations.scripts import run_sql

revision = "0065"
down_revision = "0064"


def upgrade() -> None:
    """Add stages to balances, and create the tables of the portfolio."""
    run_sql("0065_loan_portfolio")
