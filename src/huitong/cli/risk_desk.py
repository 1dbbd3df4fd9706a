"""What the commands of rules and tables share: the database, who acts, files, problems in files."""

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import typer
import yaml
from rich.console import Console

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.settings import Settings

_Result = TypeVar("_Result")
CONSOLE: Final = Console(highlight=False)


def who_acts() -> Caller:
    """Return who the audit trail names: whoever is logged in to this machine."""
    return Caller(actor=f"cli:{getpass.getuser()}")


def with_database(work: Callable[[Database], Awaitable[_Result]]) -> _Result:
    """Do some work with the platform's database."""

    async def run() -> _Result:
        settings = Settings.from_environment()
        url, role = settings.database_app_url, settings.database_app_role
        async with Database(url, role=role, size=2) as database:
            return await work(database)

    return asyncio.run(run())


def command(work: Callable[[UnitOfWork], Awaitable[_Result]]) -> _Result:
    """Do some work in one unit of work."""
    return with_database(lambda database: database.run(work, who_acts()))


def read_file(path: Path, field: str) -> Any:
    """Return what a YAML or JSON file holds; raises InvalidField with line and column."""
    try:
        if path.stat().st_size > limits.RULE_SET_BYTES_MAX:
            raise InvalidField(f"must have at most {limits.RULE_SET_BYTES_MAX} bytes", field=field)
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidField(f"cannot be read: {error}", field=field) from error
    except yaml.YAMLError as error:
        raise InvalidField(f"is not YAML or JSON: {error}", field=field) from error


def print_json(shown: object) -> None:
    """Print one JSON object and nothing else."""
    typer.echo(json.dumps(shown, ensure_ascii=False, default=str))
