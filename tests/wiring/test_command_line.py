"""The command line, whose commands are loaded one by one."""

import importlib
import pkgutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from huitong import cli
from huitong.cli.lazy_commands import MODULES, load_commands


def test_every_command_is_named_with_the_module_that_registers_it() -> None:
    registered: dict[str, str] = {}
    inner = {f"risk_{name}" for name in ("cases", "evaluate", "models", "rules", "tables")}
    for found in pkgutil.iter_modules(cli.__path__):
        module = importlib.import_module(f"huitong.cli.{found.name}")
        if hasattr(module, "register") and found.name not in inner:
            registered |= dict.fromkeys(load_commands(found.name), found.name)
    assert registered == dict(MODULES)


def test_the_list_shows_every_command_with_a_line_of_help() -> None:
    shown = CliRunner().invoke(cli.app, ["--help"], env={"COLUMNS": "100"})
    assert shown.exit_code == 0
    lines = [line.strip("│ ").split(maxsplit=1) for line in shown.output.splitlines()]
    assert {line[0] for line in lines if len(line) == 2} >= set(MODULES)


def test_an_unknown_command_is_named() -> None:
    shown = CliRunner().invoke(cli.app, ["nothing"])
    assert shown.exit_code == 2
    assert "No such command 'nothing'" in shown.output


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        ("migrate", ("api", "lending", "risk", "worker")),
        # It watches over the processes that need the rooms, and stays as long as they do.
        ("up", ("api", "customers", "ledger", "lending", "payments", "risk", "worker")),
    ],
)
def test_a_command_loads_what_it_needs_and_not_the_rest(
    command: str, unwanted: tuple[str, ...]
) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from huitong.cli import app;"
        f"assert CliRunner().invoke(app, ['{command}', '--help']).exit_code == 0;"
        f"print([each for each in {unwanted} if 'huitong.' + each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
