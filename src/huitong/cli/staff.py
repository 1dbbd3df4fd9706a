"""`huitong staff`: the first administrators, whom nobody could approve."""

import asyncio
import uuid
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.console import Console

from huitong.cli.process import load_entry_point
from huitong.kernel.clock import SystemClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.ids import STAFF, show_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.privacy import Vault

_CALLER: Final = Caller(actor="cli")

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="The first two administrators. They add everybody else, two of them together.",
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="staff", short_help="The first administrators of the staff.")


@app.command("add", short_help="Add one of the first two administrators.")
def add(
    *,
    name: Annotated[str, typer.Option(help="The administrator's name; it is sealed.")],
    email: Annotated[str, typer.Option(help="The address to sign in with; it is sealed.")],
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print the token and nothing else, for scripts.")
    ] = False,
) -> None:
    """Add an administrator and print the token with which they set password and second factor.

    Only while there are fewer than two: from then on staff are added over the API, by one
    administrator who asks and another one who approves. It goes into the audit trail.
    """
    staff_id = uuid7()
    token = asyncio.run(_add(staff_id, name, email))
    if quiet:
        typer.echo(token)
        return
    console = Console(highlight=False)
    console.print(f"Administrator {show_id(STAFF, staff_id)}", markup=False)
    # Alone on its line and never wrapped, so that it can be copied whole.
    console.print(token, style="bold", markup=False, soft_wrap=True)
    console.print("It enrols them once, within a day: POST /v1/staff/enrolments.")


@app.command("let-in", short_help="Let somebody sign in once past a decision of risk.")
def let_in(
    *, email: Annotated[str, typer.Option(help="The address that they sign in with.")]
) -> None:
    """Let a member of staff sign in once although risk stops it, within the rulebook's minutes.

    The way back if rules stop everybody who could change them. Password and second factor are
    needed all the same. It goes into the audit trail.
    """
    staff_id, ends_at = asyncio.run(_let_in(email))
    typer.echo(f"{show_id(STAFF, staff_id)} may sign in once until {ends_at.isoformat()}.")


async def _let_in(email: str) -> tuple[uuid.UUID, datetime]:
    settings = Settings.from_environment()
    let_staff_in = load_entry_point("huitong.identity:let_staff_in")
    ring = load_key_ring(settings.home, settings.master_keys)
    vault = Vault(ring, cipher=settings.cipher)

    async def command(uow: UnitOfWork) -> tuple[uuid.UUID, datetime]:
        await vault.check(uow)
        found: tuple[uuid.UUID, datetime] = await let_staff_in(
            uow, vault=vault, email=email, rulebook=Rulebook.load(), now=SystemClock().now()
        )
        return found

    url, role = settings.database_app_url, settings.database_app_role
    async with Database(url, role=role, size=1) as database:
        return await database.run(command, _CALLER)


async def _add(staff_id: uuid.UUID, name: str, email: str) -> str:
    settings = Settings.from_environment()
    add_first = load_entry_point("huitong.identity:add_first_administrator")
    ring = load_key_ring(settings.home, settings.master_keys)
    vault = Vault(ring, cipher=settings.cipher)

    async def command(uow: UnitOfWork) -> str:
        await vault.check(uow)
        token: str = await add_first(
            uow, vault=vault, staff_id=staff_id, name=name, email=email, now=SystemClock().now()
        )
        return token

    url, role = settings.database_app_url, settings.database_app_role
    async with Database(url, role=role, size=1) as database:
        return await database.run(command, _CALLER)
