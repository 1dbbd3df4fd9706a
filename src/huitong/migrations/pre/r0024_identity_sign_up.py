"""Sign-up sessions, and what a step-up was used for."""

from huitong.migrations.scripts import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Create `identity.sign_ups`, and let a step-up name the order that used it up."""
    run_sql("0024_identity_sign_up")
