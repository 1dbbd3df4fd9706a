"""How revisions run their SQL files."""

from pathlib import Path
from typing import Final

from alembic import op

APP_ROLE: Final = "huitong_app"
_FOLDER: Final = Path(__file__).parent / "sql"


def run_sql(name: str) -> None:
    """Run the statements of `sql/<name>.sql` in the revision's transaction."""
    statements = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    # The driver's own call: SQLAlchemy would read the colons of casts as parameters.
    op.get_bind().exec_driver_sql(statements.replace("%", "%%"))


def create_app_role() -> None:
    """Make the application's role if the server does not have it yet.

    Roles belong to the whole server, so two databases on one server share it.
    """
    op.get_bind().exec_driver_sql(
        f"DO $$ BEGIN CREATE ROLE {APP_ROLE} NOLOGIN; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
