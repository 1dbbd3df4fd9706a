"""`huitong keys`: API keys for programs, and the master keys that protect personal data."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from huitong.cli.process import load_entry_point
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.cryptography import KeyRing, load_key_ring
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import API_KEY, MERCHANT, read_id, show_id
from huitong.kernel.settings import Settings
from huitong.privacy import count_outdated, retire_master_key, rewrap, rotate_master_key

if TYPE_CHECKING:
    from huitong import identity

Result = TypeVar("Result")

_CALLER: Final = Caller(actor="cli")

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="API keys for programs, and the master keys that protect personal data.",
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(
        app, name="keys", short_help="API keys for programs; master keys for personal data."
    )


@app.command("create", short_help="Make a key and print its secret, once.")
def create(
    *,
    name: Annotated[str, typer.Option(help="What the key is for, so that you know it again.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may do; repeat for several. All scopes if left out.", metavar="SCOPE"
        ),
    ] = None,
    merchant: Annotated[
        str | None,
        typer.Option(help="The only merchant for which it may act (mer_…).", metavar="MERCHANT"),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print the secret and nothing else, for scripts.")
    ] = False,
) -> None:
    """Make an API key and print its secret, which nobody can read again: only a digest is kept.

    Then call the API with [bold]Authorization: Bearer htk_…[/bold]. For example, a key for a shop's
    till: [bold]huitong keys create --name till --scope payments:write --scope payments:read
    --merchant mer_…[/bold]
    """
    known: dict[str, str] = load_entry_point("huitong.api.scopes:SCOPES")
    scopes = scope or sorted(known)
    for each in scopes:
        if each not in known:
            raise InvalidField(
                f"{each!r} is not known. There are: {', '.join(sorted(known))}", field="--scope"
            )
    merchant_id = None if merchant is None else read_id(MERCHANT, merchant, field="--merchant")

    issue = load_entry_point("huitong.identity:issue_api_key")

    async def command(uow: UnitOfWork) -> "identity.IssuedKey":
        issued: identity.IssuedKey = await issue(
            uow, name=name, scopes=scopes, now=SystemClock().now(), merchant_id=merchant_id
        )
        return issued

    issued = _run(command)
    if quiet:
        typer.echo(issued.secret)
        return
    console = Console(highlight=False)
    console.print(f"Key {show_id(API_KEY, issued.key.id)}, {name}", markup=False)
    console.print(f"May: {', '.join(sorted(issued.key.scopes))}", markup=False)
    # Alone on its line and never wrapped, so that it can be copied whole.
    console.print(issued.secret, style="bold", markup=False, soft_wrap=True)
    console.print("Keep it now: it is not shown again.")


@app.command("list", short_help="List keys, without their secrets.")
def list_all(
    *,
    after: Annotated[
        str | None, typer.Option(help="Only keys made after this one (key_…).", metavar="KEY")
    ] = None,
) -> None:
    """List keys, oldest first, revoked ones too."""
    after_id = None if after is None else read_id(API_KEY, after, field="--after")

    list_keys = load_entry_point("huitong.identity:list_api_keys")

    async def command(uow: UnitOfWork) -> "tuple[identity.ApiKey, ...]":
        found: tuple[identity.ApiKey, ...] = await list_keys(
            uow, after_id=after_id, limit=limits.PAGE_SIZE_MAX
        )
        return found

    table = Table("Key", "Name", "May", "Merchant", "Made", "Revoked")
    keys = _run(command)
    for key in keys:
        table.add_row(
            show_id(API_KEY, key.id),
            key.name,
            "\n".join(sorted(key.scopes)),
            "" if key.merchant_id is None else show_id(MERCHANT, key.merchant_id),
            f"{key.created_at:%Y-%m-%d %H:%M}",
            "" if key.revoked_at is None else f"{key.revoked_at:%Y-%m-%d %H:%M}",
        )
    console = Console()
    console.print(table)
    if len(keys) == limits.PAGE_SIZE_MAX:
        console.print(f"More: huitong keys list --after {show_id(API_KEY, keys[-1].id)}")


@app.command("revoke", short_help="Revoke a key.")
def revoke(key: Annotated[str, typer.Argument(help="The key's id (key_…).")]) -> None:
    """Revoke a key from now on; API processes forget it within a few seconds."""
    key_id: uuid.UUID = read_id(API_KEY, key, field="key")

    revoke_key = load_entry_point("huitong.identity:revoke_api_key")

    async def command(uow: UnitOfWork) -> "identity.ApiKey":
        revoked_key: identity.ApiKey = await revoke_key(uow, key_id, now=SystemClock().now())
        return revoked_key

    revoked = _run(command)
    typer.echo(f"{key} ({revoked.name}) is revoked.")


@app.command("rotate-master", short_help="Begin to wrap data keys with a new master key.")
def rotate_master() -> None:
    """Add a new master key to [bold]keys/master.json[/bold], and wrap all data keys with it.

    What was sealed stays as it is and opens as before. Back the file up again afterwards, apart
    from the database's backups. With HUITONG_MASTER_KEYS add the key there, give it to all
    processes, then run [bold]huitong keys rewrap[/bold].
    """
    ring = _load_ring()
    number = _run(lambda uow: rotate_master_key(uow, ring))
    typer.echo(f"Master key {number} wraps data keys from now on.")
    _rewrap_all(ring)


@app.command("rewrap", short_help="Wrap all data keys with the newest master key.")
def rewrap_all() -> None:
    """Wrap the data keys that an older master key wraps; it may be stopped and started again.

    The worker does the same by itself, a step a minute.
    """
    _rewrap_all(_load_ring())


@app.command("retire-master", short_help="Remove an old master key for good.")
def retire_master(
    number: Annotated[int, typer.Argument(min=1, help="The number of the master key.")],
) -> None:
    """Remove an old master key that wraps nothing any more.

    Backups of the database from before the rewrapping can then not be opened by anybody: that is
    how data that was destroyed goes out of backups too. Do it once those backups have served.
    """
    ring = _load_ring()
    _run(lambda uow: retire_master_key(uow, ring, number))
    typer.echo(f"Master key {number} is gone. Remove it from the backups of the keys as well.")


def _load_ring() -> KeyRing:
    settings = Settings.from_environment()
    return load_key_ring(settings.home, settings.master_keys)


def _rewrap_all(ring: KeyRing) -> None:
    cipher = Settings.from_environment().cipher

    async def work(database: Database) -> tuple[int, int]:
        total = 0
        while wrapped := await database.run(lambda uow: rewrap(uow, ring, cipher=cipher), _CALLER):
            total += wrapped
        return total, await database.run(lambda uow: count_outdated(uow, ring), _CALLER)

    total, left = _run_on_database(work)
    typer.echo(f"{total} data keys were wrapped with master key {ring.newest.number}.")
    if left:
        typer.echo(f"{left} are in use just now: the worker wraps them, or run this again.")


def _run(command: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
    return _run_on_database(lambda database: database.run(command, _CALLER))


def _run_on_database(work: Callable[[Database], Awaitable[Result]]) -> Result:
    settings = Settings.from_environment()

    async def run() -> Result:
        url, role = settings.database_app_url, settings.database_app_role
        async with Database(url, role=role, size=1) as database:
            return await work(database)

    return asyncio.run(run())
