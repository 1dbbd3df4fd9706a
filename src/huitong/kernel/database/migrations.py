"""Migrations in two phases, so that a rolling deployment never meets a schema it cannot use.

`pre` runs before new code starts and only adds; `post` runs after the last old process has
stopped and only takes away. Each phase is a line of revisions of its own.
"""

from pathlib import Path
from typing import Final, Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url

import huitong
from huitong.kernel.settings import Settings

Phase = Literal["pre", "post"]

PHASES: Final[tuple[Phase, ...]] = ("pre", "post")
_FOLDER: Final = Path(huitong.__file__).parent / "migrations"
#: The advisory lock of whoever migrates or fills a database. Any number will do, as long as every
#: such process uses the same one.
MIGRATION_LOCK: Final = 4_071_823


def upgrade(settings: Settings, phase: Phase | Literal["all"] = "all") -> dict[Phase, str | None]:
    """Bring the database to the newest revision; returns each phase's revision.

    Safe to run from many processes at once: they queue on an advisory lock.
    """
    return upgrade_url(settings.database_owner_url, phase)


def upgrade_url(url: str, phase: Phase | Literal["all"] = "all") -> dict[Phase, str | None]:
    """Bring the database at `url` (its owner's) to the newest revision."""
    engine = _open(url)
    phases = PHASES if phase == "all" else (phase,)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
            for each in phases:
                command.upgrade(_configure(connection, each), "head")
                connection.commit()
            return {each: _find_revision(connection, each) for each in PHASES}
    finally:
        engine.dispose()


def list_pending(url: str) -> dict[Phase, list[str]]:
    """Return, for each phase, the revisions that the database at `url` has not had yet."""
    engine = _open(url)
    try:
        with engine.connect() as connection:
            return {each: _list_pending(connection, each) for each in PHASES}
    finally:
        engine.dispose()


def find_revisions(url: str) -> dict[Phase, str | None]:
    """Return the revision of each phase that the database at `url` has; None before the first."""
    engine = _open(url)
    try:
        with engine.connect() as connection:
            return {each: _find_revision(connection, each) for each in PHASES}
    finally:
        engine.dispose()


def list_revisions(phase: Phase) -> set[str]:
    """Return all revisions that this version knows in a phase."""
    scripts = ScriptDirectory.from_config(_locate(phase))
    return {script.revision for script in scripts.walk_revisions()}


def _open(url: str) -> Engine:
    return create_engine(make_url(url).set(drivername="postgresql+psycopg"))


def _locate(phase: Phase) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("version_locations", str(_FOLDER / phase))
    config.set_main_option("path_separator", "os")
    return config


def _configure(connection: Connection, phase: Phase) -> Config:
    config = _locate(phase)
    config.attributes["connection"] = connection
    config.attributes["version_table"] = f"alembic_version_{phase}"
    return config


def _find_revision(connection: Connection, phase: Phase) -> str | None:
    options = {"version_table": f"alembic_version_{phase}"}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _list_pending(connection: Connection, phase: Phase) -> list[str]:
    scripts = ScriptDirectory.from_config(_configure(connection, phase))
    current = _find_revision(connection, phase)
    head = scripts.get_current_head()
    if head is None or head == current:
        return []
    return [script.revision for script in scripts.iterate_revisions(head, current or "base")][::-1]
