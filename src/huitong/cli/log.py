"""`huitong log`: the transparency log of the ledger: checkpoints, proofs, and checking them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import TRANSFER, read_id, show_id
from huitong.kernel.settings import Settings
from huitong.ledger import (
    Checkpoint,
    Proven,
    ProvenCheckpoint,
    ProvenGrowth,
    ProvenTransfer,
    PublicKey,
    Published,
    check_proof,
    find_code,
    get_log_key,
    load_log_key,
    project_all,
    prove_consistency,
    prove_inclusion,
    publish_checkpoint,
    seal_transfers,
    show_account,
)

Result = TypeVar("Result")

log = typer.Typer(
    name="log",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help=(
        "Prove that a transfer is in the ledger, and that nobody rewrote it since.\n\n"
        "Every transfer becomes a leaf of a Merkle tree. A signed [bold]checkpoint[/bold] says "
        "what the tree is; keep one, and [bold]prove[/bold] and [bold]consistency[/bold] show "
        "anybody, offline, that the ledger still says the same."
    ),
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(log)


@log.command("key", short_help="Print the public key that checks this log.")
def key() -> None:
    """Print the public key: give it to whoever is to check proofs, on a way of its own."""
    private_key = load_log_key(Settings.from_environment().home)
    typer.echo(_run(lambda uow: get_log_key(uow, private_key)))


@log.command("checkpoint", short_help="Bring the log up to date and print a signed checkpoint.")
def checkpoint(
    *,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Sign with this home's key though another was used.")
    ] = False,
) -> None:
    """Append what is final to the log, sign what it says now, and print the signed note.

    The worker does the same once a minute; without a worker this command does it all.
    """
    private_key = load_log_key(Settings.from_environment().home)

    async def work(database: Database) -> Published | None:
        await project_all(database)
        while await database.run(seal_transfers) == limits.SEAL_TRANSFERS_MAX:
            pass
        now = SystemClock().now()
        return await database.run(
            lambda uow: publish_checkpoint(uow, key=private_key, now=now, is_new_key_wanted=new_key)
        )

    published = _run_on_database(work)
    if published is None:
        Console(stderr=True).print("The ledger has no transfers yet, so there is nothing to sign.")
        raise typer.Exit(code=1)
    typer.echo(published.note, nl=False)


@log.command("prove", short_help="Print the proof that a transfer is in the ledger.")
def prove(
    transfer: Annotated[str, typer.Argument(help="The transfer, like tr_0192….")],
    *,
    size: Annotated[
        int | None, typer.Option(min=1, help="In the checkpoint of this size, not the latest.")
    ] = None,
) -> None:
    """Print a small JSON document that proves a transfer; keep it in a file and hand it on."""
    transfer_id = read_id(TRANSFER, transfer, field="transfer")
    _print_document(_run(lambda uow: prove_inclusion(uow, transfer_id, size=size)))


@log.command("consistency", short_help="Print the proof that the log only grew.")
def consistency(
    old_size: Annotated[int, typer.Argument(metavar="FROM", min=1, help="An older size.")],
    new_size: Annotated[int, typer.Argument(metavar="TO", min=1, help="A newer size.")],
) -> None:
    """Print a JSON document that proves one checkpoint to continue another, by their sizes."""
    _print_document(_run(lambda uow: prove_consistency(uow, old_size, new_size)))


@log.command("check", short_help="Check a proof or a checkpoint, without any database.")
def check(
    file: Annotated[Path, typer.Argument(help="A proof, or a checkpoint's note.", exists=True)],
    *,
    public_key: Annotated[
        str, typer.Option("--public-key", help="The key that `huitong log key` prints, or a file.")
    ],
) -> None:
    """Check a proof with nothing but the file and the public key: no platform, no network.

    Ends with exit code 1 if it does not hold.
    """
    proven = check_proof(_read(file, limits.LOG_PROOF_BYTES_MAX), _read_public_key(public_key))
    console = Console(highlight=False, soft_wrap=True)
    for line in _describe(proven):
        console.print(line, markup=False)


def _run(command: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
    return _run_on_database(lambda database: database.run(command))


def _run_on_database(work: Callable[[Database], Awaitable[Result]]) -> Result:
    settings = Settings.from_environment()

    async def run() -> Result:
        url, role = settings.database_app_url, settings.database_app_role
        async with Database(url, role=role, size=1) as database:
            return await work(database)

    return asyncio.run(run())


def _print_document(document: dict[str, object]) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _read_public_key(text: str) -> PublicKey:
    # A key holds characters that a path may have too, so a file of that name is looked for first.
    path = Path(text)
    try:
        is_file = path.is_file()
    except OSError:
        is_file = False
    if is_file:
        text = _read(path, limits.LOG_NOTE_BYTES_MAX).decode("utf-8", errors="replace")
    return PublicKey.parse(text, field="--public-key")


def _read(path: Path, bytes_max: int) -> bytes:
    try:
        with path.open("rb") as file:
            # One more than is allowed, so that whoever looks at the length sees that it is.
            return file.read(bytes_max + 1)
    except OSError as error:
        raise InvalidField(f"cannot be read: {error.strerror}", field=str(path)) from error


def _describe(proven: Proven) -> list[str]:
    match proven:
        case ProvenTransfer(transfer, index, signed):
            code = find_code(transfer.code)
            business = str(transfer.code) if code is None else f"{code.name_en} {code.name_zh}"
            debtor = show_account(transfer.debit_account_id)
            creditor = show_account(transfer.credit_account_id)
            return [
                f"✓ {show_id(TRANSFER, transfer.id)} is in the ledger, exactly as the file says:",
                f"  {transfer.amount}, {business}, {transfer.kind.name.lower().replace('_', ' ')}",
                f"  from {debtor} to {creditor}",
                f"  recorded at {transfer.recorded_at:%Y-%m-%d %H:%M:%S} UTC",
                f"  leaf {index} of {_name(signed)}",
            ]
        case ProvenGrowth(old, new):
            return [
                f"✓ From {old.size} to {new.size} leaves the log only grew: nothing was changed.",
                f"  {_name(new)}",
            ]
        case ProvenCheckpoint(signed):
            return [f"✓ The checkpoint is signed: {_name(signed)}"]


def _name(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.origin}, {checkpoint.size} leaves, root {checkpoint.root.hex()}"
