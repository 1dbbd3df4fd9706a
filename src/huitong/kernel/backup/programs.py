"""PostgreSQL's client programs: which ones to run, and how to tell them the address.

The wheel's programs are there on every machine, but were built without TLS. For a server that
demands TLS, or is newer than they are, HUITONG_POSTGRES_BIN names the directory of others.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import IO, Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from huitong.kernel import limits
from huitong.kernel.backup.faults import BackupFault
from huitong.kernel.database.cluster import find_installation

#: Variables of libpq that say how to reach a server, and not which one.
_KEPT_PREFIXES: Final = ("PGSSL", "PGPASSFILE")
#: What the programs say when they are too old for the server, or cannot speak TLS and must.
_NEEDS_OTHER_PROGRAMS: Final = (
    "SSL support is not compiled in",
    "server version mismatch",
    "no encryption",
)
_STOP_SECONDS_MAX: Final = 10


def find_program(name: str, directory: Path | None) -> Path:
    """Return the program `name` of `directory`, or of the wheel; raises BackupFault."""
    program = (find_installation() / "bin" if directory is None else directory) / name
    if not program.is_file():
        raise BackupFault(
            f"{program} is not there. Name the directory of PostgreSQL's client programs in "
            "HUITONG_POSTGRES_BIN."
        )
    return program


class Program:
    """A running client program: its pipe, and its last words if it fails."""

    def __init__(self, process: "Popen[bytes]", words: IO[bytes], name: str) -> None:
        self.process = process
        self._words = words
        self._name = name

    def describe_failure(self) -> str:
        """Return what the program said, from its end; it never says the password."""
        self._words.seek(0)
        text = self._words.read().decode("utf-8", errors="replace").strip()
        said = " | ".join(line for line in text.splitlines() if line.strip()).rstrip(".")
        said = said[-limits.BACKUP_PROGRAM_WORDS_MAX :] or "it gave no reason"
        advice = ""
        if any(text in said for text in _NEEDS_OTHER_PROGRAMS):
            advice = (
                " Name the directory of a pg_dump and psql that can in HUITONG_POSTGRES_BIN "
                "(Debian: /usr/lib/postgresql/NN/bin)."
            )
        return f"{self._name} failed: {said}.{advice}"


@contextmanager
def running(
    program: Path, arguments: tuple[str, ...], url: str, *, is_reading: bool
) -> Iterator[Program]:
    """Run a client program on the database at `url`; it is gone when the block ends.

    With `is_reading` its output is a pipe, otherwise its input is. The password travels in the
    environment, which only this user may see, and never on the command line.
    """
    address = conninfo_to_dict(url)
    password = address.pop("password", None)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "HUITONG_", "LC_")) or name.startswith(_KEPT_PREFIXES)
    } | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PGAPPNAME": f"huitong {program.name}"}
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    target = make_conninfo("", **address)
    with (
        tempfile.TemporaryFile() as words,
        Popen(  # noqa: S603 - a client program of PostgreSQL, arguments of our own
            [program, *arguments, f"--dbname={target}"],
            env=environment,
            stdin=DEVNULL if is_reading else PIPE,
            stdout=PIPE if is_reading else DEVNULL,
            stderr=words,
            # Ctrl-C reaches us alone; we then end the program.
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Program(process, words, program.name)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(_STOP_SECONDS_MAX)
