"""`huitong receipts`: telling whether a paper is ours, and new keys for new papers."""

import json
from pathlib import Path
from typing import Annotated

import typer

from huitong.cli.process import load_entry_point
from huitong.kernel.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command group to the command line."""
    group = typer.Typer(help="Electronic receipts.", no_args_is_help=True)
    group.command("verify", short_help="Say whether a PDF is a receipt that we made.")(verify)
    group.command("rotate-key", short_help="Prove new receipts with a new key.")(rotate_key)
    app.add_typer(group, name="receipts")


def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The PDF.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Check every byte of FILE against its seal; ends with 1 unless it is as we made it.

    Needs the keys of the home and no database. A paper that was printed, scanned or saved anew is
    compared by its number and code instead: POST /v1/receipts/verify.
    """
    documents = load_entry_point("huitong.payments:documents")
    keys = documents.load_receipt_keys(Settings.from_environment().home)
    try:
        receipt = documents.check_paper(keys, documents.read_paper(file))
    except (documents.PaperUnreadable, documents.PaperChanged) as problem:
        told = {"genuine": False, "reason": problem.code, "detail": problem.detail}
        plain = f"核验不通过 / not genuine: {problem.title} ({problem.detail})"
        typer.echo(json.dumps(told) if as_json else plain)
        raise typer.Exit(1) from problem
    facts = receipt.facts
    if as_json:
        told = {
            "genuine": True,
            "number": facts.number,
            "code": receipt.code,
            "key": receipt.key_number,
            "amount": facts.money.to_json(),
            "transfer": facts.transfer,
            "effective_on": facts.effective_on.isoformat(),
        }
        typer.echo(json.dumps(told))
        return
    typer.echo("核验通过 / genuine")
    typer.echo(f"{facts.number}  {receipt.code}")
    typer.echo(f"{facts.payer.name} → {facts.payee.name}  {facts.money}  {facts.effective_on}")


def rotate_key() -> None:
    """Add a key to the home's `keys/receipts.json`; papers made before stay verifiable."""
    documents = load_entry_point("huitong.payments:documents")
    number = documents.load_receipt_keys(Settings.from_environment().home).add_key()
    typer.echo(f"新回单使用密钥 / new receipts are proved with key {number}")
