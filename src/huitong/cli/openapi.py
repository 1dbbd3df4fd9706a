"""`huitong openapi`: the OpenAPI document, without a server."""

import json

import typer

from huitong.cli.process import load_entry_point


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("openapi", short_help="Print the OpenAPI document.")(openapi)


def openapi() -> None:
    """Print the OpenAPI document as /openapi.json has it, to make a client from."""
    document = load_entry_point("huitong.api.app:make_document")()
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
