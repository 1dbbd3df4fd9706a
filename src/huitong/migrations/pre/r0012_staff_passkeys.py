"""Members of staff have passkeys, in the tables of the customers' ones."""

from huitong.migrations.scripts import run_sql

revision = "0012"
down_revision = "0008"


def upgrade() -> None:
    """Let a passkey and a challenge be of a member of staff, and a session begin with one."""
    run_sql("0012_staff_passkeys")
