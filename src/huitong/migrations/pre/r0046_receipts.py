"""Documents: electronic receipts."""

from huitong.migrations.scripts import run_sql

revision = "0046"
down_revision = "0050"


def upgrade() -> None:
    """Create the table of receipts."""
    run_sql("0046_receipts")
