"""The audit trail's chain: which record stands where, and what was signed over them."""

from huitong.migrations.scripts import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create what `sql/0007_audit_chain.sql` holds."""
    run_sql("0007_audit_chain")
