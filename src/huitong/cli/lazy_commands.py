"""Commands whose modules are loaded when somebody asks for them.

All of them together are every room and what it needs, seconds of work; most runs need one.
"""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from huitong.kernel.collector import pausing_collector

#: The module of each command under `huitong`, in the order of the list that people see.
MODULES: Final[Mapping[str, str]] = {
    "up": "up",
    "serve": "serve",
    "worker": "worker",
    "keys": "keys",
    "staff": "staff",
    "permissions": "permissions",
    "openapi": "openapi",
    "privacy": "privacy",
    "migrate": "migrate",
    "ledger": "ledger",
    "log": "log",
    "audit": "audit",
    "backup": "backup",
    "restore": "backup",
    "demo": "demo",
    "bench": "bench",
    "registry": "registry",
    "risk": "risk",
    "sms-gateway": "sms_gateway",
    "operations": "operations",
    "clearing": "clearing",
    "iso20022": "iso20022",
    "lending": "lending",
    "bulk": "bulk",
    "receipts": "receipts",
    "channels": "channels",
    "reconcile": "reconcile",
    "merchants": "merchants",
    "fx": "fx",
    "abroad": "abroad",
    "credit": "credit",
    "bureau": "bureau",
}


class LazyGroup(TyperGroup):
    """The commands of `MODULES`; each is loaded when it is looked at."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - asked by the base
        """Return the names of all commands, without loading any."""
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - asked by the base
        """Return a command, or None if there is none of this name."""
        module = MODULES.get(cmd_name)
        return None if module is None else load_commands(module)[cmd_name]


def load_commands(module: str) -> Mapping[str, Any]:
    """Return the commands that a module of `huitong.cli` registers, by name."""
    part = typer.Typer(rich_markup_mode="rich", callback=lambda: None)
    with pausing_collector():
        resolve_name(f"huitong.cli.{module}:register")(part)
    return get_group(part).commands
