"""`huitong keys`: API keys for programs; the secret is printed once."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from huitong.cli.process import load_entry_point
from huitong.kernel import api_keys, limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import API_KEY, MERCHANT, read_id, show_id
from huitong.kernel.settings import Settings

Result = TypeVar("Result")

_CALLER: Final = Caller(actor="cli")

app: Final = typer.Typer(no_args_is_help=True, help="API keys for programs.")


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="keys", short_help="Make, list and revoke API keys.")


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

    async def command(uow: UnitOfWork) -> api_keys.IssuedKey:
        return await api_keys.issue(
            uow, name=name, scopes=scopes, now=SystemClock().now(), merchant_id=merchant_id
        )

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

    async def command(uow: UnitOfWork) -> tuple[api_keys.ApiKey, ...]:
        return await api_keys.list_keys(uow, after_id=after_id, limit=limits.PAGE_SIZE_MAX)

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

    async def command(uow: UnitOfWork) -> api_keys.ApiKey:
        return await api_keys.revoke(uow, key_id, now=SystemClock().now())

    revoked = _run(command)
    typer.echo(f"{key} ({revoked.name}) is revoked.")


def _run(command: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
    settings = Settings.from_environment()

    async def run() -> Result:
        url, role = settings.database_app_url, settings.database_app_role
        async with Database(url, role=role, size=1) as database:
            return await database.run(command, _CALLER)

    return asyncio.run(run())
