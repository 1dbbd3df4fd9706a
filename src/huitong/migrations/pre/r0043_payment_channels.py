"""Payments: several channels, attempts of an order one after another, breaks, callbacks."""

from huitong.migrations.scripts import run_sql

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Create the register of channels and let an order have several attempts."""
    run_sql("0043_payment_channels")
