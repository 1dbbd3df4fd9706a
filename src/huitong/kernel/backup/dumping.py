"""One consistent script of a whole database, and loading it into an empty one, all or nothing.

`pg_dump` reads in one REPEATABLE READ transaction, so the copy is the database at one instant
though payments go on. Loading is one transaction too: psql gets BEGIN first and COMMIT last, and
whoever dies in between leaves nothing. (Its own --single-transaction would commit what it has got
when its input ends early, which is what a killed restore looks like.)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import psycopg

from huitong.kernel import limits
from huitong.kernel.backup.faults import BackupFault
from huitong.kernel.backup.programs import Program, find_program, running
from huitong.kernel.database.migrations import MIGRATION_LOCK
from huitong.kernel.database_address import APP_ROLE

SERVER_VERSION_MIN: Final = 150_000
_KNOWS_TRANSACTION_TIMEOUT: Final = 170_000
# At the top of what pg_dump 17 and newer write, and unknown to older servers.
_TRANSACTION_TIMEOUT: Final = b"SET transaction_timeout = 0;\n"
_SCRIPT_START_BYTES: Final = 8_192
_DUMP: Final = (
    "--format=plain",
    "--encoding=UTF8",
    "--no-owner",
    "--no-tablespaces",
    "--no-publications",
    "--no-subscriptions",
    "--quote-all-identifiers",
    f"--lock-wait-timeout={limits.BACKUP_LOCK_SECONDS_MAX}s",
    "--no-password",
)
_LOAD: Final = (
    "--no-psqlrc",
    "--quiet",
    "--no-password",
    "--set=ON_ERROR_STOP=1",
    "--file=-",
)
_BEGIN: Final = f"""\
SET client_min_messages = warning;
BEGIN;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
CREATE ROLE {APP_ROLE} NOLOGIN; END IF; END $$;
"""
_COUNT_OBJECTS: Final = """
    WITH ours AS (
        SELECT oid, nspname FROM pg_catalog.pg_namespace
         WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    )
    SELECT (SELECT count(*) FROM ours WHERE nspname <> 'public')
         + (SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM ours))
         + (SELECT count(*) FROM pg_catalog.pg_proc WHERE pronamespace IN (SELECT oid FROM ours))
"""


class DatabaseNotEmpty(BackupFault):
    """There is something in the database already, which a restore would mix with the backup."""

    code = "database_not_empty"
    title = "The database is not empty"


class DumpFailed(BackupFault):
    """One of PostgreSQL's programs did not do its work."""

    code = "dump_failed"
    title = "The database could not be copied"


def dump_database(url: str, *, programs: Path | None = None) -> Iterator[bytes]:
    """Yield the script of the whole database at `url` as it is at one instant.

    The script is whole only if the iterator ends without an error. Raises DumpFailed.
    """
    program = find_program("pg_dump", programs)
    with running(program, _DUMP, url, is_reading=True) as dump:
        output = _pipe(dump.process.stdout)
        while block := output.read(limits.BACKUP_BLOCK_BYTES_MAX):
            yield block
        if dump.process.wait() != 0:
            raise DumpFailed(dump.describe_failure())


@contextmanager
def restoring(url: str) -> Iterator[int]:
    """Keep everybody else from filling the empty database at `url`; yields the server's version.

    Migrations and other restores wait until the block ends. Raises DatabaseNotEmpty, BackupFault.
    """
    try:
        connection = psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError as error:
        raise BackupFault(f"The database cannot be reached: {error}") from error
    with connection:
        version = connection.info.server_version
        if version < SERVER_VERSION_MIN:
            raise BackupFault("PostgreSQL 15 or newer is needed.")
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (MIGRATION_LOCK,)).fetchone()
        if row is None or not row[0]:
            raise BackupFault("Another process migrates or restores this database. Wait for it.")
        row = connection.execute(_COUNT_OBJECTS).fetchone()
        if row is None or row[0] > 0:
            raise DatabaseNotEmpty(
                "There are tables in the database already, and a restore never touches those. "
                "Choose an empty HUITONG_HOME, or name an empty database in HUITONG_DATABASE_URL."
            )
        yield version


def load_script(
    url: str,
    blocks: Iterator[bytes],
    *,
    server_version: int,
    after: str = "",
    programs: Path | None = None,
) -> None:
    """Run a dump's script on the database at `url`, then `after`, and commit it all at once.

    Whatever `blocks` raises ends it with nothing changed, and so does `kill -9`. Raises DumpFailed.
    """
    program = find_program("psql", programs)
    with running(program, _LOAD, url, is_reading=False) as psql:
        pipe = _pipe(psql.process.stdin)
        try:
            pipe.write(_BEGIN.encode())
            for block in _fit(blocks, server_version):
                pipe.write(block)
            # Only here has every byte of the backup been seen and found to be right.
            pipe.write(f"\n{after}\nCOMMIT;\n".encode())
            pipe.close()
        except BrokenPipeError:
            _fail(psql)
        except BaseException:
            # Before the pipe is closed: psql must not see an end and think that it has done.
            psql.process.kill()
            raise
        if psql.process.wait() != 0:
            _fail(psql)


def _fail(psql: Program) -> None:
    psql.process.wait()
    raise DumpFailed(f"{psql.describe_failure()} Nothing was changed in the database.")


def _fit(blocks: Iterator[bytes], server_version: int) -> Iterator[bytes]:
    """Take out of the script's beginning what an older server does not know."""
    start = b""
    for block in blocks:
        start += block
        if len(start) >= _SCRIPT_START_BYTES:
            break
    if server_version < _KNOWS_TRANSACTION_TIMEOUT:
        start = start.replace(_TRANSACTION_TIMEOUT, b"", 1)
    yield start
    yield from blocks


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "the program was started with a pipe"
    return pipe
