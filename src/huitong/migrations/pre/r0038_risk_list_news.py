"""News of lists, so that processes can keep them in memory."""

from huitong.migrations.scripts import run_sql

revision = "0038"
down_revision = "0029"


def upgrade() -> None:
    """Number the changes of entries."""
    run_sql("0038_risk_list_news")
