"""`huitong backup` and `huitong restore`: encrypted copies of everything, and back again."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from huitong.kernel import limits
from huitong.kernel.backup import RecoveryKey
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.errors import InvalidField
from huitong.kernel.settings import Settings
from huitong.ledger import VerifyReport, verify_ledger
from huitong.wiring.backups import (
    OnProgress,
    Restored,
    back_up,
    check_backup,
    record_restore,
    restore,
    running_database,
)
from huitong.wiring.invariants import INVARIANTS

_KEY_VARIABLE: Final = "HUITONG_BACKUP_KEY"
_KEY_FILE_MODE: Final = 0o600
_STEPS: Final = {
    "dump": "Copying the database",
    "check": "Checking every byte",
    "load": "Restoring",
}
_WITH_KEYS: Final = (
    "Put the files of HUITONG_HOME/keys, the master keys among them, into the backup. Then the "
    "backup and its recovery key open everything, also the data of people whose data keys were "
    "destroyed after it was made: destroy such backups when the law wants the data gone. Without "
    "it, keep the master keys apart; a backup is worth nothing for sealed fields without them."
)
_KEY_FILE: Final = typer.Option(
    "--key-file",
    envvar="HUITONG_BACKUP_KEY_FILE",
    help=f"File with the recovery key; or put the key into {_KEY_VARIABLE}.",
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("backup", short_help="Make an encrypted backup, also while the platform runs.")(
        backup
    )
    app.command("restore", short_help="Restore a backup into an empty home or database.")(
        restore_command
    )


def backup(
    *,
    to: Annotated[
        Path | None,
        typer.Option(help="The new file.", show_default="HUITONG_HOME/backups/huitong-….backup"),
    ] = None,
    key_file: Annotated[Path | None, _KEY_FILE] = None,
    with_keys: Annotated[bool, typer.Option("--with-keys", help=_WITH_KEYS)] = False,
    new_key: Annotated[
        bool,
        typer.Option(
            "--new-key",
            help="Make a recovery key, print it once (or write it to --key-file), and end.",
        ),
    ] = False,
    check: Annotated[
        bool, typer.Option(help="Read the backup again afterwards, from first to last byte.")
    ] = True,
) -> None:
    """Copy the whole database, as it is at one instant, into one encrypted file.

    Begin with [bold]huitong backup --new-key[/bold] and keep the key apart from this machine:
    without it no backup can be read, by nobody. The file is compressed and sealed with AES-256-GCM
    in chunks, so that a change, a gap or a missing end is found.

    For the database of HUITONG_DATABASE_URL if that is set. Servers that demand TLS need a pg_dump
    that can: see HUITONG_POSTGRES_BIN.
    """
    settings = Settings.from_environment()
    if new_key:
        _make_key(settings, key_file)
        return
    key = _read_key(settings, key_file)
    now = SystemClock().now()
    path = (to or settings.home / "backups" / _file_name(now)).expanduser().absolute()
    console = Console(highlight=False, soft_wrap=True)
    with _progress() as on_progress:
        made = back_up(settings, path, key, now=now, with_keys=with_keys, on_progress=on_progress)
        if check:
            check_backup(path, key, on_progress=on_progress)
    console.print(f"Backup: {path}", markup=False)
    console.print(
        f"{made.script_bytes:,} bytes of data in {made.file_bytes:,} bytes, sealed with the "
        f"recovery key {key.id}; {'with' if with_keys else 'without'} the keys of the home."
    )


def restore_command(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    *,
    key_file: Annotated[Path | None, _KEY_FILE] = None,
) -> None:
    """Restore a backup into an empty HUITONG_HOME, or the empty database of HUITONG_DATABASE_URL.

    First checks the key, the version and every byte; then restores in one transaction, so that an
    interruption leaves nothing half-made; then runs `huitong ledger verify` on the result and ends
    with exit code 1 if the books do not tie.

    Data keys that were destroyed after the backup was made are back: destroy them again.
    """
    settings = Settings.from_environment()
    key = _read_key(settings, key_file)
    console = Console(highlight=False, soft_wrap=True)
    with _progress() as on_progress:
        restored = restore(settings, file.expanduser(), key, on_progress=on_progress)
    _describe(console, restored, settings)
    console.print("Verifying the books …")
    with running_database(settings) as running:
        record_restore(running, restored)
        report = asyncio.run(_verify(running))
    if not report.is_clean:
        console.print(
            f"The data are restored as they were backed up, but {len(report.findings)} of "
            f"{len(report.checked)} invariants do not hold: run `huitong ledger verify`.",
            style="red",
        )
        raise typer.Exit(code=1)
    console.print(
        f"[green]The ledger is right:[/green] all {len(report.checked)} invariants hold over "
        f"{report.transfers:,} transfers and {report.accounts:,} accounts."
    )


async def _verify(settings: Settings) -> VerifyReport:
    async with Database(
        settings.database_app_url, role=settings.database_app_role, size=1
    ) as database:
        return await verify_ledger(database, more=INVARIANTS)


def _describe(console: Console, restored: Restored, settings: Settings) -> None:
    header = restored.header
    console.print(
        f"Restored the backup of {header.made_at} (Huitong {header.huitong_version}): "
        f"{restored.script_bytes:,} bytes of data."
    )
    if restored.key_files:
        console.print(f"Keys put into {settings.home}/keys: {', '.join(restored.key_files)}")
    else:
        console.print(
            f"The backup holds no keys. Copy those of the old home into {settings.home}/keys "
            "before you start the platform; if the signing keys are lost, begin with new ones: "
            "`huitong log checkpoint --new-key` and `huitong audit checkpoint --new-key`."
        )


def _make_key(settings: Settings, key_file: Path | None) -> None:
    key = RecoveryKey.generate()
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if key_file is None:
        typer.echo(key.show())
        console.print(
            f"This is the recovery key {key.id}; it is shown once and kept nowhere. Keep it apart "
            "from this machine: without it no backup can be read."
        )
        return
    path = key_file.expanduser().absolute()
    if path.is_relative_to(settings.home):
        raise InvalidField(
            "lies in HUITONG_HOME, where who steals the data finds it too", field="--key-file"
        )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _KEY_FILE_MODE)
    except OSError as error:
        raise InvalidField(
            f"{path} cannot be made: {error.strerror}", field="--key-file"
        ) from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{key.show()}\n")
        file.flush()
        os.fsync(descriptor)
    console.print(f"The recovery key {key.id} is in {path}. Keep a copy apart from this machine.")


def _read_key(settings: Settings, key_file: Path | None) -> RecoveryKey:
    if key_file is not None:
        try:
            with key_file.expanduser().open("rb") as file:
                text = file.read(limits.BACKUP_KEY_FILE_BYTES_MAX).decode("ascii", "replace")
        except OSError as error:
            raise InvalidField(
                f"{key_file} cannot be read: {error.strerror}", field="--key-file"
            ) from error
        return RecoveryKey.parse(text, field="--key-file")
    if settings.backup_key is None:
        raise InvalidField(
            f"or {_KEY_VARIABLE} must give the recovery key. Make one with "
            "`huitong backup --new-key`",
            field="--key-file",
        )
    return RecoveryKey.parse(settings.backup_key, field=_KEY_VARIABLE)


def _file_name(now: datetime) -> str:
    return f"huitong-{now:%Y%m%dT%H%M%SZ}.backup"


@contextmanager
def _progress() -> Iterator[OnProgress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks = {}

        def on_progress(step: str, done: int, total: int | None) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(_STEPS[step], total=total)
            progress.update(tasks[step], completed=done, total=total)

        yield on_progress
