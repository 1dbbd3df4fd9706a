"""`huitong reconcile`: a day's books and channel files compared, and what does not agree."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from huitong import ledger, payments
from huitong.kernel.clock import Clock
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.wiring.clocks import make_clock
from huitong.wiring.reconciling import list_channel_urls

reconciliation: Final = payments.reconciliation
_CALLER: Final = Caller(actor="cli")
#: How the command ends if breaks of the day wait; 1 is an error, as everywhere.
BREAKS_WAIT: Final = 3


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("reconcile", short_help="Compare a day with the channels' files.")(reconcile)


def reconcile(
    *,
    day: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The business day (Asia/Shanghai).")
    ],
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A channel's file: CSV or camt.053."),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="The channel; a statement does not say whose it is.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Compare orders with the journal up to now, and with a channel's file if there is one.

    Without a file, a channel that the settings name is asked for its own.
    Killed anywhere, the same command goes on where it was. Ends with 0 if nothing of the day
    waits, with 3 if breaks do, with 1 if the file is refused.
    """
    report = asyncio.run(_reconcile(day.date(), file, channel))
    if as_json:
        typer.echo(json.dumps(_to_json(report), ensure_ascii=False))
    else:
        _print(report)
    if report.waiting:
        raise typer.Exit(code=BREAKS_WAIT)


async def _reconcile(
    day: date, path: Path | None, channel: str | None
) -> payments.reconciliation.DayReport:
    settings = Settings.from_environment()
    clock = make_clock(settings)
    async with Database(
        settings.database_app_url, role=settings.database_app_role, size=3
    ) as database:
        # The books are the database's work while the file is checked here.
        books = asyncio.create_task(_compare_books(database, clock))
        try:
            if path is not None:
                with path.open("rb") as source:
                    await _take(database, source, day, channel, clock.now())
            elif channel is not None:
                await _fetch(database, settings, day, channel, clock.now())
        finally:
            await books
        while await reconciliation.reconcile_always(
            database, rulebook=Rulebook.load(), now=clock.now(), caller=_CALLER
        ):
            pass
        async with database.reading(_CALLER) as uow:
            return await reconciliation.report_day(uow, day, channel=channel)


async def _compare_books(database: Database, clock: Clock) -> None:
    # Entries are compared by the lines of their accounts, which a worker may not have made yet.
    await ledger.project_all(database)
    while await reconciliation.compare_books(database, now=clock.now(), caller=_CALLER):
        pass


async def _fetch(
    database: Database, settings: Settings, day: date, channel: str, now: datetime
) -> None:
    """Ask a channel of the settings for its file, unless the day has one."""
    urls = list_channel_urls(settings)
    async with database.reading(_CALLER) as uow:
        report = await reconciliation.report_day(uow, day, channel=channel)
    if channel in urls and not report.files:
        with await reconciliation.fetch_file(urls[channel], day) as source:
            await _take(database, source, day, channel, now)


async def _take(
    database: Database, source: BinaryIO, day: date, channel: str | None, now: datetime
) -> None:
    lines, checked, file_format = await asyncio.to_thread(
        reconciliation.open_file, source, channel=channel
    )
    for name, said, found in (
        ("day", day, checked.head.day),
        ("channel", channel or checked.head.channel, checked.head.channel),
    ):
        if said != found:
            raise reconciliation.ChannelFileUnreadable(f"the file is of {found}", field=name)
    with _showing_progress() as progress:
        try:
            await reconciliation.take_file(
                database,
                lines,
                checked,
                file_format,
                caller=_CALLER,
                progress=lambda stored, whole: progress.update(
                    progress.task_ids[0], completed=stored, total=whole
                ),
                now=now,
            )
        except reconciliation.ChannelFileKnown:
            # The same command once more, after it was done: what it found is told again.
            Console(stderr=True).print("此文件已对过账 This file was reconciled before.")


@contextmanager
def _showing_progress() -> Iterator[Progress]:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        progress.add_task("读入 Storing", total=None)
        yield progress


def _to_json(report: payments.reconciliation.DayReport) -> dict[str, Any]:
    return {
        "day": report.day.isoformat(),
        "files": [
            {
                "channel": each.channel,
                "sha256": each.digest.hex(),
                "state": each.state.value,
                "lines": each.line_count,
                "matched": each.matched,
                "matched_otherwise": each.tolerated,
            }
            for each in report.files
        ],
        "breaks": [
            {
                "kind": each.kind.value,
                "state": each.state.value,
                "count": each.count,
                "amount": Money(each.amount, each.currency).to_json(),
            }
            for each in report.counts
        ],
        "waiting": report.waiting,
    }


def _print(report: payments.reconciliation.DayReport) -> None:
    console = Console(highlight=False)
    for file in report.files:
        console.print(
            f"{file.channel} {file.day}: {file.line_count:,} 笔 lines, "
            f"{file.matched:,} 对平 matched, {file.tolerated:,} 容差对平 matched otherwise",
            soft_wrap=True,
        )
    if not report.counts:
        console.print("无差错 No breaks.")
        return
    table = Table("差错 Break", "状态 State", "笔数 Count", "金额 Amount")
    for each in report.counts:
        table.add_row(
            " ".join(reconciliation.name_kind(each.kind)),
            " ".join(reconciliation.name_state(each.state)),
            f"{each.count:,}",
            str(Money(each.amount, each.currency)),
        )
    console.print(table)
    console.print(f"待处理 Waiting: {report.waiting:,}")
