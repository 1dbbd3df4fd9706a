"""The plain names and mobile numbers of customers go, once everybody is sealed."""

from huitong.migrations.scripts import run_sql

revision = "post_0004"
down_revision = None


def upgrade() -> None:
    """Drop what `sql/post_0004_customers_sealed.sql` names."""
    run_sql("post_0004_customers_sealed")
