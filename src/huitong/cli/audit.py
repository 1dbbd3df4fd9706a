"""`huitong audit`: prove that nobody changed the audit trail."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from huitong.kernel import audit, audit_chain, limits
from huitong.kernel.audit_chain import AuditReport, Trust
from huitong.kernel.checkpoints import Published
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.notes import PublicKey
from huitong.kernel.settings import Settings

Result = TypeVar("Result")

_CALLER: Final = Caller(actor="cli")

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help=(
        "The audit trail, and the proof that nobody changed it.\n\n"
        "Every record becomes a leaf of a Merkle tree, which is signed once a minute. "
        "[bold]verify[/bold] finds a record that was changed, deleted or slipped in, also by a "
        "database superuser."
    ),
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="audit", short_help="Verify the audit trail.")


@app.command("verify", short_help="Find records that were changed, deleted or slipped in.")
def verify(
    *,
    public_key: Annotated[
        list[str] | None,
        typer.Option(
            "--public-key",
            help="A key that signed, besides the one of this home; repeat for several.",
            metavar="KEY",
        ),
    ] = None,
    checkpoint_file: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint",
            help="A signed checkpoint that you kept; the trail must continue it. Repeat for more.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Compare every record with what was sealed and signed, in one snapshot; changes nothing.

    Also compares with the newest checkpoint that the worker keeps in the home, and with those that
    you kept elsewhere, which show a trail whose end was cut off. Ends with exit code 1 if anything
    differs, and names the records.
    """
    settings = Settings.from_environment()
    report = _run_on_database(
        lambda database: _verify(database, settings.home, public_key or [], checkpoint_file or [])
    )
    _print_report(Console(), report)
    if not report.is_clean:
        raise typer.Exit(code=1)


@app.command("checkpoint", short_help="Seal what is recorded and print a signed checkpoint.")
def checkpoint(
    *,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Sign with this home's key though another was used.")
    ] = False,
) -> None:
    """Seal all records, sign the chain as it stands, and print the note: keep it elsewhere.

    The worker does the same once a minute and keeps the note in the home.
    """
    home = Settings.from_environment().home
    published = _run_on_database(lambda database: _publish(database, home, new_key))
    if published is None:
        Console(stderr=True).print("Nothing has been recorded yet, so there is nothing to sign.")
        raise typer.Exit(code=1)
    typer.echo(published.note, nl=False)


@app.command("key", short_help="Print the public key that checks this trail.")
def key() -> None:
    """Print the public key with which checkpoints of this home are checked."""
    private_key = audit_chain.load_audit_key(Settings.from_environment().home)

    async def read(database: Database) -> PublicKey:
        return await database.run(lambda uow: audit_chain.get_audit_key(uow, private_key))

    typer.echo(_run_on_database(read))


async def _verify(
    database: Database, home: Path, keys: list[str], files: list[Path]
) -> AuditReport:
    trusted = [PublicKey.parse(text, field="--public-key") for text in keys]
    own = audit_chain.find_audit_key(home)
    if own is not None:
        trusted.append(await database.run(lambda uow: audit_chain.get_audit_key(uow, own)))
    notes = []
    for file in files:
        note = audit_chain.read_kept_checkpoint(file)
        if note is None:
            raise InvalidField(f"{file} is not there", field="--checkpoint")
        notes.append(note)
    kept = audit_chain.read_kept_checkpoint(home / audit_chain.CHECKPOINT_FILE)
    if kept is not None:
        notes.append(kept)
    return await audit_chain.verify_audit(database, Trust(keys=tuple(trusted), notes=tuple(notes)))


async def _publish(database: Database, home: Path, is_new_key_wanted: bool) -> Published | None:
    private_key = audit_chain.load_audit_key(home)
    now = SystemClock().now()
    if is_new_key_wanted:

        async def note_new_key(uow: UnitOfWork) -> None:
            public_key = await audit_chain.get_audit_key(uow, private_key)
            await audit.record(uow, action="kernel.change_audit_key", subject=str(public_key))

        await database.run(note_new_key, _CALLER)
    while await database.run(audit_chain.seal_records) == limits.AUDIT_SEAL_ROWS_MAX:
        pass
    kept = audit_chain.read_kept_checkpoint(home / audit_chain.CHECKPOINT_FILE)
    published = await database.run(
        lambda uow: audit_chain.publish_audit_checkpoint(
            uow, key=private_key, now=now, kept=kept, is_new_key_wanted=is_new_key_wanted
        )
    )
    if published is not None:
        audit_chain.keep_checkpoint(home, published)
    return published


def _run_on_database(work: Callable[[Database], Awaitable[Result]]) -> Result:
    settings = Settings.from_environment()

    async def run() -> Result:
        url, role = settings.database_app_url, settings.database_app_role
        async with Database(url, role=role, size=1) as database:
            return await work(database)

    return asyncio.run(run())


def _print_report(console: Console, report: AuditReport) -> None:
    looked_at = (
        f"{report.sealed:,} sealed records and {report.checkpoints:,} signed checkpoints; "
        f"{report.waiting:,} records wait to be sealed"
    )
    if report.is_clean:
        console.print(f"[green]The audit trail is as it was sealed:[/green] {looked_at}.")
        if report.checkpoints == 0:
            console.print("Nothing is signed yet: run `huitong audit checkpoint`, or the worker.")
        return
    table = Table("Where", "Must be", "Is", title=f"Audit trail: {report.count:,} differ")
    for difference in report.differences:
        table.add_row(*(escape(text) for text in difference))
    console.print(table)
    console.print(f"[red]The audit trail was changed[/red] ({looked_at}).")
