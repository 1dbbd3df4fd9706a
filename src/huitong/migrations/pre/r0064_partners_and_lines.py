"""Partners who lend with us or buy loans, lines of credit, fees of loans, interest off balance."""

from huitong.migrations.scripts import run_sql

revision = "0064"
down_revision = "0063"


def upgrade() -> None:
    """Create the tables of partners, sales and lines, and widen the balances of loans."""
    run_sql("0064_partners_and_lines")
