"""Making a backup of a platform that may be running, and restoring one into an empty place."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, Final, Literal

import psycopg

from huitong import ledger
from huitong.kernel import audit, limits
from huitong.kernel.backup import (
    ArchiveReader,
    ArchiveWriter,
    BackupFault,
    Contents,
    Header,
    Manifest,
    RecoveryKey,
    dump_database,
    load_script,
    restoring,
)
from huitong.kernel.database import embedded
from huitong.kernel.database.migrations import PHASES, find_revisions, list_revisions
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.settings import Settings
from huitong.kernel.signing_keys import KEYS_FOLDER
from huitong.wiring.platform import LOCK_NAME
from huitong.wiring.preparation import prepare

#: The step, what of it is done, and how much there is in all; None if nobody knows.
Step = Literal["dump", "check", "load"]
OnProgress = Callable[[Step, int, int | None], None]

_CALLER: Final = Caller(actor="cli")
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBackup:
    """A finished backup."""

    path: Path
    header: Header
    file_bytes: int
    script_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore put back."""

    header: Header
    script_bytes: int
    key_files: tuple[str, ...]


def back_up(
    settings: Settings,
    path: Path,
    key: RecoveryKey,
    *,
    now: datetime,
    with_keys: bool = False,
    on_progress: OnProgress,
) -> MadeBackup:
    """Write a backup of the platform's database to `path`, whole or not at all.

    Payments may go on meanwhile. Memory does not grow with the database. With `with_keys` the
    files of `HUITONG_HOME/keys` are in it. Raises BackupFault, DatabaseNotConfigured.
    """
    if path.exists():
        raise BackupFault(f"{path} exists already, and a backup never overwrites anything.")
    files = _read_key_files(settings.home) if with_keys else {}
    with running_database(settings) as running:
        url = running.database_owner_url
        header = _make_header(url, key, now=now, with_keys=with_keys)
        asyncio.run(_make_room(url, now))
        deed = {"key_id": key.id, "with_keys": with_keys}
        # Before the dump, so that the backup itself says who made it.
        asyncio.run(_record(running, "kernel.make_backup", subject=path.name, details=deed))
        script_bytes = 0
        with _unfinished(path) as file:
            writer = ArchiveWriter(file, key, header, Manifest(files))
            for block in dump_database(url, programs=settings.postgres_programs):
                writer.write(block)
                script_bytes += len(block)
                on_progress("dump", script_bytes, None)
            writer.finish()
    return MadeBackup(
        path=path, header=header, file_bytes=path.stat().st_size, script_bytes=script_bytes
    )


def check_backup(path: Path, key: RecoveryKey, *, on_progress: OnProgress) -> Contents:
    """Read a backup from its first byte to its last and return what is in it.

    Raises WrongRecoveryKey, BackupDamaged, BackupFault.
    """
    with _open(path) as file:
        return _check(file, ArchiveReader(file), key, on_progress)


def restore(
    settings: Settings, path: Path, key: RecoveryKey, *, on_progress: OnProgress
) -> Restored:
    """Restore a backup into the empty database of `settings`, all of it or nothing.

    Checks the key, the version and every byte before anything is changed. The database is brought
    up to this version's schema. Raises WrongRecoveryKey, BackupDamaged, DatabaseNotEmpty and
    BackupFault.
    """
    with _open(path) as file:
        reader = ArchiveReader(file)
        _check_version(reader.header)
        contents = _check(file, reader, key, on_progress)
        _check_key_files(settings.home, contents.manifest.key_files)
        with running_database(settings, is_made=True) as running:
            _load(running, reader, key, contents, on_progress)
            # Old backups come with old schemas. An interruption here is made up for by the next
            # `huitong up`, which does the same.
            prepare(running, with_start_model=False)
    return Restored(
        header=reader.header,
        script_bytes=contents.script_bytes,
        key_files=tuple(sorted(contents.manifest.key_files)),
    )


@contextlib.contextmanager
def running_database(settings: Settings, *, is_made: bool = False) -> Iterator[Settings]:
    """Have the embedded database running while the block does, and leave it as it was found.

    Yields the settings with the address that it has now. With `is_made` one is made if there is
    none; otherwise that raises BackupFault.
    """
    if not settings.is_database_embedded:
        yield settings
        return
    found = embedded.status(settings.home)
    if not found.is_initialised and not is_made:
        raise BackupFault(f"There is no database in {settings.home} yet.")
    if found.is_running:
        embedded.start(settings.home)
        yield settings.with_embedded_database()
        return
    with _platform_kept_out(settings.home) as is_ours:
        embedded.start(settings.home)
        try:
            yield settings.with_embedded_database()
        finally:
            if is_ours:
                embedded.stop(settings.home)


@contextlib.contextmanager
def _platform_kept_out(home: Path) -> Iterator[bool]:
    """Keep `huitong up` from starting in a home; yields False if it is at that already.

    Otherwise it would begin to use a database that is stopped under it a moment later.
    """
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _load(
    settings: Settings,
    reader: ArchiveReader,
    key: RecoveryKey,
    contents: Contents,
    on_progress: OnProgress,
) -> None:
    url = settings.database_owner_url
    with (
        restoring(url) as server_version,
        _key_files_placed(settings.home, contents.manifest.key_files),
    ):
        _, blocks = reader.open(key)

        def count() -> Iterator[bytes]:
            done = 0
            for block in blocks:
                yield block
                done += len(block)
                on_progress("load", done, contents.script_bytes)

        load_script(
            url,
            count(),
            server_version=server_version,
            after=ledger.AFTER_RESTORE,
            programs=settings.postgres_programs,
        )


def record_restore(settings: Settings, restored: Restored) -> None:
    """Record in the audit trail of the restored database that and from what it was restored."""
    header = restored.header
    deed = {"made_at": header.made_at, "key_id": header.key_id}
    asyncio.run(_record(settings, "kernel.restore_backup", subject=header.made_at, details=deed))


async def _record(
    settings: Settings, action: str, *, subject: str, details: Mapping[str, object]
) -> None:
    subject = subject[-limits.AUDIT_SUBJECT_LENGTH_MAX :]
    async with Database(settings.database_owner_url, size=1) as database:
        await database.run(
            lambda uow: audit.record(uow, action=action, subject=subject, details=details), _CALLER
        )


async def _make_room(url: str, now: datetime) -> None:
    """Make the journal's partitions so far ahead that nobody makes one during the dump.

    That takes an exclusive lock of the journal, which would wait for the dump, and all payments
    would wait for it.
    """
    ahead = ledger.MONTHS_AHEAD + 1
    async with Database(url, size=1) as database:
        await database.run(lambda uow: ledger.add_partitions(uow, now=now, months_ahead=ahead))


def _make_header(url: str, key: RecoveryKey, *, now: datetime, with_keys: bool) -> Header:
    revisions = find_revisions(url)
    if revisions["pre"] is None:
        raise BackupFault("The database holds no platform yet: nothing to back up.")
    with psycopg.connect(url) as connection:
        server_version = connection.info.server_version
    return Header.make(
        key,
        made_at=now.isoformat(timespec="seconds"),
        huitong_version=version("huitong"),
        server_version=server_version,
        revisions=dict(revisions),
        has_keys=with_keys,
    )


def _check_version(header: Header) -> None:
    for phase in PHASES:
        revision = header.revisions.get(phase)
        if revision is not None and revision not in list_revisions(phase):
            raise BackupFault(
                f"The backup was made by Huitong {header.huitong_version} with the schema "
                f"{phase} {revision}, which this version ({version('huitong')}) does not know. "
                "Restore it with that version or a newer one."
            )


def _check(
    file: BinaryIO, reader: ArchiveReader, key: RecoveryKey, on_progress: OnProgress
) -> Contents:
    total = os.fstat(file.fileno()).st_size
    manifest, blocks = reader.open(key)
    script_bytes = 0
    for block in blocks:
        script_bytes += len(block)
        on_progress("check", file.tell(), total)
    return Contents(manifest, script_bytes)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise BackupFault(f"{path} cannot be read: {error.strerror}.") from error


@contextlib.contextmanager
def _unfinished(path: Path) -> Iterator[BinaryIO]:
    """Yield a private file that gets the name `path` when the block ends well.

    After `kill -9` it stays as `….unfinished`, which no restore takes and the next backup of this
    name writes over.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    except OSError as error:
        raise BackupFault(f"{unfinished} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFault(f"Another backup is being written to {path}.") from None
        file.truncate(0)
        try:
            yield file
            file.flush()
            os.fsync(descriptor)
            # A link, unlike a rename, never overwrites what came there in the meantime.
            path.hardlink_to(unfinished)
        except OSError as error:
            raise BackupFault(f"{path} could not be written: {error.strerror}.") from error
        finally:
            unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_key_files(home: Path) -> dict[str, bytes]:
    folder = home / KEYS_FOLDER
    paths = folder.iterdir() if folder.exists() else ()
    # A hidden file is one that is just being made.
    names = sorted(path.name for path in paths if path.is_file() and path.name[0] != ".")
    if len(names) > limits.BACKUP_KEY_FILES_MAX:
        raise BackupFault(f"{folder} holds more than {limits.BACKUP_KEY_FILES_MAX} files.")
    files = {name: (folder / name).read_bytes() for name in names}
    for name, data in files.items():
        if len(data) > limits.BACKUP_KEY_FILE_BYTES_MAX:
            raise BackupFault(f"{folder / name} is too large for a key file.")
    return files


def _check_key_files(home: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = home / KEYS_FOLDER / name
        if path.name != name or name.startswith("."):
            raise BackupFault("The backup names a key file that lies outside the keys' folder.")
        if path.exists() and path.read_bytes() != data:
            raise BackupFault(
                f"{path} is there already and is another key than the one in the backup. Restore "
                "into a home without keys."
            )


@contextlib.contextmanager
def _key_files_placed(home: Path, files: Mapping[str, bytes]) -> Iterator[None]:
    """Put key files into the home before the data come, and take them out again if they don't.

    In this order, because a restore that is killed can be repeated over keys that are there, but
    not over data.
    """
    folder = home / KEYS_FOLDER
    placed: list[Path] = []
    if files:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    try:
        for name, data in files.items():
            if not (folder / name).exists():
                placed.append(folder / name)
                _write_private(folder / name, data)
        yield
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise


def _write_private(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.unfinished")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
