"""`huitong iso20022`: says what an ISO 20022 file is and what is wrong with it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from huitong.payments import InvalidMessage, check_message

iso20022 = typer.Typer(help="ISO 20022 messages.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to `huitong`."""
    app.add_typer(iso20022, name="iso20022")


@iso20022.command()
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Check FILE: bytes, structure, code lists, identifiers, amounts, counts and sums."""
    try:
        with file.open("rb") as stream:
            found = check_message(stream)
    except InvalidMessage as problem:
        told = {"valid": False, "path": problem.field, "reason": problem.detail}
        where = f"{problem.field} " if problem.field else ""
        typer.echo(json.dumps(told) if as_json else f"不正确 / not valid: {where}{problem.detail}")
        raise typer.Exit(1) from problem
    answer = {
        "valid": True,
        "message": found.message,
        "parts": found.parts,
        "passed_over": found.passed_over,
    }
    plain = f"{found.message}: 检查通过 / checks passed ({found.parts} elements)"
    typer.echo(json.dumps(answer) if as_json else plain)
