"""How revisions run their SQL files."""

from pathlib import Path
from typing import Final

from alembic import op
from procrastinate.schema import SchemaManager

APP_ROLE: Final = "huitong_app"
_FOLDER: Final = Path(__file__).parent / "sql"


def run_sql(name: str) -> None:
    """Run the statements of `sql/<name>.sql` in the revision's transaction."""
    run_statements((_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))


def run_statements(statements: str) -> None:
    """Run statements as they are, in the revision's transaction."""
    # The driver's own call: SQLAlchemy would read the colons of casts as parameters.
    op.get_bind().exec_driver_sql(statements.replace("%", "%%"))


def create_job_tables() -> None:
    """Make Procrastinate's own tables and functions, in the schema `jobs`.

    Their text comes from the installed library, which knows no schemas: it is steered by the
    search path.
    """
    run_statements("CREATE SCHEMA jobs; SET LOCAL search_path = jobs, pg_catalog")
    run_statements(SchemaManager.get_schema())
    run_statements("SET LOCAL search_path TO DEFAULT")


def create_app_role() -> None:
    """Make the application's role if the server does not have it yet.

    Roles belong to the whole server, so two databases on one server share it.
    """
    op.get_bind().exec_driver_sql(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN "
        f"CREATE ROLE {APP_ROLE} NOLOGIN; END IF; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
