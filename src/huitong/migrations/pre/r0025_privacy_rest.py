"""What is over is destroyed: tries to log in, ended sessions, applications that came to nothing."""

from huitong.migrations.scripts import run_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Let what the schedule names be destroyed when its time is over, and not before."""
    run_sql("0025_privacy_rest")
