"""`huitong risk cases`: what waits for investigators."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from huitong import risk
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.ids import CASE, STAFF, show_id
from huitong.kernel.settings import Settings

_CALLER: Final = Caller(actor="cli")
_QUEUES: Final = ", ".join(each for each in risk.Queue if each is not risk.Queue.MINE)


def register(parent: typer.Typer) -> None:
    """Add the command to `huitong risk`."""
    parent.command("cases", short_help="List cases of risk.")(cases)


def cases(
    *,
    queue: Annotated[
        risk.Queue, typer.Option(help=f"Which cases, and in which order: {_QUEUES}.")
    ] = risk.Queue.PRIORITY,
    limit: Annotated[
        int, typer.Option(min=1, max=limits.PAGE_SIZE_MAX, help="How many to show.")
    ] = limits.PAGE_SIZE_DEFAULT,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list and nothing else.")
    ] = False,
) -> None:
    """List cases: what to look at first, how much money is at risk, and who works on it.

    Staff work on them over the API (/v1/risk/cases), which knows who they are.
    """
    if queue is risk.Queue.MINE:
        raise typer.BadParameter("nobody is signed in here", param_hint="--queue")
    found, waiting = asyncio.run(_read(queue, limit))
    if as_json:
        typer.echo(json.dumps([_show(case) for case in found], ensure_ascii=False))
        return
    _print(Console(), found, waiting)


async def _read(queue: risk.Queue, limit: int) -> tuple[Sequence[risk.Case], int]:
    settings = Settings.from_environment()
    async with (
        Database(settings.database_app_url, role=settings.database_app_role, size=1) as database,
        database.reading(_CALLER) as uow,
    ):
        return await risk.list_cases(uow, queue, limit=limit), await risk.count_ungrouped(uow)


def _show(case: risk.Case) -> dict[str, Any]:
    return {
        "id": show_id(CASE, case.id),
        "state": case.state.value,
        "priority": case.priority,
        "alerts": case.alerts,
        "at_risk": [each.to_json() for each in case.at_risk],
        "opened_at": case.opened_at.isoformat(),
        "assigned_to": None if case.assigned_to is None else show_id(STAFF, case.assigned_to),
        "outcome": None if case.outcome is None else case.outcome.value,
    }


def _print(console: Console, found: Sequence[risk.Case], waiting: int) -> None:
    now = SystemClock().now()
    table = Table("Case", "Priority", "Alerts", "At risk", "Age", "With", "Outcome")
    for case in found:
        shown = _show(case)
        table.add_row(
            shown["id"],
            str(case.priority),
            str(case.alerts),
            "\n".join(str(each) for each in case.at_risk),
            _show_age(now, case.opened_at),
            shown["assigned_to"] or "nobody",
            shown["outcome"] or case.state.value,
        )
    console.print(table)
    if waiting:
        console.print(f"Alerts that the worker has to group yet: {waiting:,}.")


def _show_age(now: datetime, since: datetime) -> str:
    hours = int((now - since).total_seconds() // 3_600)
    days, hours = divmod(max(hours, 0), 24)
    return f"{days} d {hours} h" if days else f"{hours} h"
