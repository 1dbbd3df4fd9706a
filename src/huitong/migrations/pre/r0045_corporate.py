"""Corporate accounts: mandates, instructions, standing orders, pools, virtual sub-accounts."""

from huitong.migrations.scripts import run_sql

revision = "0045"
down_revision = "0051"


def upgrade() -> None:
    """Create what businesses pay by, and let people look without acting for them."""
    run_sql("0045_corporate")
