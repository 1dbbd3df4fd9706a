"""Members of staff have passkeys, in the tables of the customers' ones."""

from huitong.migrations.scripts import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Let a passkey and a challenge be of a member of staff, and a session begin with one."""
    run_sql("0021_staff_passkeys")
