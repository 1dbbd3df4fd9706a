"""Payment orders no longer lock the accounts and the merchant that they name."""

from huitong.migrations.scripts import run_sql

revision = "post_0009"
down_revision = "post_0004"


def upgrade() -> None:
    """Drop the foreign keys that `sql/post_0009_orders_without_locks.sql` names."""
    run_sql("post_0009_orders_without_locks")
