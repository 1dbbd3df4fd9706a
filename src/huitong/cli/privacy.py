"""`huitong privacy`: consent texts, the queue of people's requests, retention, access alerts."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from huitong import privacy
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.ids import SUBJECT, SUBJECT_REQUEST, read_id, show_id
from huitong.kernel.settings import Settings
from huitong.wiring.people_data import make_providers, make_retained

Result = TypeVar("Result")

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help=(
        "People's rights over their data: what they agreed to, what they ask, what is destroyed, "
        "and who reads too much.\n\n"
        "The worker does the work by itself: it makes copies, carries out what staff approved, "
        "destroys what is due and looks at the reading of data. Here you see it and decide."
    ),
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(
        app, name="privacy", short_help="Consents, people's requests, retention, access alerts."
    )


@app.command("texts", short_help="Show what people are asked to agree to.")
def texts() -> None:
    """Show the consent text in force of each purpose, in both languages.

    A text that was in force is never changed: its digest stands in each consent. A new version is
    added to [bold]consent_texts.yaml[/bold], and says whether everybody is asked again.
    """
    console = Console()
    for text in privacy.ConsentTexts.load().list_current(_today()):
        kind = "separate consent" if text.is_separate else "consent"
        console.print(
            f"[bold]{text.purpose}[/bold] version {text.version}, {kind} "
            f"({', '.join(text.kinds)}), sha256 {text.digest.hex()[:16]}…"
        )
        for words in (text.title, text.text, text.withdrawing):
            console.print(f"  {escape(words.zh)}\n  {escape(words.en)}")


@app.command("queue", short_help="List the open requests, the first due first.")
def queue(
    limit: Annotated[
        int, typer.Option(min=1, max=limits.PAGE_SIZE_MAX, help="How many to show.")
    ] = limits.PAGE_SIZE_DEFAULT,
) -> None:
    """List what people asked about their data and is not closed yet.

    [bold]Due[/bold] is our own deadline, 15 business days; [bold]latest[/bold] is the last day
    permitted, 30 days. A request that is [bold]received[/bold] or [bold]blocked[/bold] waits for
    you: [bold]huitong privacy approve srq_…[/bold] or [bold]refuse[/bold]. An approved one waits
    for the worker; with 10 attempts it was given up, and approving gives it all of them again.
    """
    found = _run(lambda uow: privacy.list_queue(uow, limit=limit))
    table = Table("Request", "Person", "Kind", "State", "Due", "Latest", "Attempts")
    for each in found:
        is_late = each.due_on < _today()
        table.add_row(
            show_id(SUBJECT_REQUEST, each.id),
            show_id(SUBJECT, each.subject_id),
            each.kind.value,
            each.state.value,
            f"[red]{each.due_on}[/red]" if is_late else str(each.due_on),
            str(each.latest_on),
            str(each.attempts),
        )
    Console(width=160).print(table)


@app.command("history", short_help="Show what became of a request.")
def history(
    request: Annotated[str, typer.Argument(help="The request's id (srq_…).")],
) -> None:
    """Show each step of a request: when, who, and the reasons as codes."""
    request_id = read_id(SUBJECT_REQUEST, request, field="request")
    table = Table("When (UTC)", "State", "By", "Reasons")
    for step in _run(lambda uow: privacy.list_request_steps(uow, request_id)):
        table.add_row(
            f"{step.recorded_at:%Y-%m-%d %H:%M}",
            step.state.value,
            escape(step.actor),
            ", ".join(step.reasons),
        )
    Console(width=160).print(table)


@app.command("approve", short_help="Let a request be carried out.")
def approve(
    request: Annotated[str, typer.Argument(help="The request's id (srq_…).")],
) -> None:
    """Let the worker carry a request out; what blocks a deletion is named.

    A deletion erases what no law makes us keep. If nothing is left, the person's data key is
    destroyed; otherwise the data is only stored until the last period ends. The ledger stays whole.
    """
    request_id = read_id(SUBJECT_REQUEST, request, field="request")
    approved = _run(
        lambda uow: privacy.approve_request(
            uow, make_providers(), request_id=request_id, now=SystemClock().now()
        )
    )
    typer.echo(f"{request} is {approved.state.value}.")
    if approved.state is privacy.RequestState.BLOCKED:
        last = _run(lambda uow: privacy.list_request_steps(uow, request_id))[-1]
        typer.echo(f"First these must end: {', '.join(last.reasons)}.")


@app.command("refuse", short_help="Refuse a request, for a reason of the law.")
def refuse(
    request: Annotated[str, typer.Argument(help="The request's id (srq_…).")],
    *,
    reason: Annotated[
        str,
        typer.Option(
            help="A code: " + ", ".join(privacy.RequestRules.load().refusals), metavar="CODE"
        ),
    ],
) -> None:
    """Refuse a request. The person is told the words of the reason, and may complain."""
    request_id = read_id(SUBJECT_REQUEST, request, field="request")
    _run(
        lambda uow: privacy.refuse_request(
            uow, request_id=request_id, reason=reason, now=SystemClock().now()
        )
    )
    rule = privacy.RequestRules.load().refusals[reason]
    typer.echo(f"{request} is refused. {rule.words.zh} {rule.words.en} ({rule.source})")


@app.command("retention", short_help="Show how long data is kept, and what was destroyed.")
def retention(
    limit: Annotated[
        int, typer.Option(min=1, max=limits.PAGE_SIZE_MAX, help="How much evidence to show.")
    ] = limits.PAGE_SIZE_DEFAULT,
) -> None:
    """Show the schedule, what is due now, and the evidence of what was destroyed.

    The worker destroys what is due once an hour. A class without a number under [bold]due[/bold]
    is kept by a room that does not destroy it by itself yet.
    """
    settings = Settings.from_environment()
    vault = privacy.Vault(load_key_ring(settings.home, settings.master_keys))
    now, today = SystemClock().now(), _today()
    due = {
        each.data_class: each.count
        for each in _run(lambda uow: privacy.list_due(uow, make_retained(vault), now=now))
    }
    schedule = Table("Class", "Kept for", "From", "Due", "Source", title="Schedule")
    for entry in privacy.RetentionSchedule.load().classes:
        schedule.add_row(
            entry.data_class,
            str(entry.period(today)),
            entry.starts,
            str(due.get(entry.data_class, "")),
            entry.source,
        )
    evidence = Table("When (UTC)", "Class", "How many", "Rule", "SHA-256", title="Destroyed")
    for each in _run(lambda uow: privacy.list_destructions(uow, limit=limit)):
        evidence.add_row(
            f"{each.destroyed_at:%Y-%m-%d %H:%M}",
            each.data_class,
            str(each.count),
            each.rule,
            each.digest.hex()[:16],
        )
    console = Console(width=160)
    console.print(schedule)
    console.print(evidence)


@app.command("alerts", short_help="Show unusual reading, and whose access is cut.")
def alerts(
    limit: Annotated[
        int, typer.Option(min=1, max=limits.PAGE_SIZE_MAX, help="How many alerts to show.")
    ] = limits.PAGE_SIZE_DEFAULT,
) -> None:
    """Show the alerts about the reading of people's data, newest first, and who is cut.

    The rules and their thresholds are in [bold]access_rules.yaml[/bold]. Who is cut sees nobody's
    data until another person lifts it: [bold]huitong privacy lift VIEWER --reason …[/bold]
    """
    table = Table("When (UTC)", "Rule", "Viewer", "Count", "Threshold", title="Alerts")
    for alert in _run(lambda uow: privacy.list_access_alerts(uow, limit=limit)):
        table.add_row(
            f"{alert.raised_at:%Y-%m-%d %H:%M}",
            alert.rule,
            escape(alert.viewer),
            str(alert.count),
            str(alert.threshold),
        )
    cuts = Table("Since (UTC)", "Viewer", "By", title="Cut")
    for cut in _run(privacy.list_cut_viewers):
        cuts.add_row(f"{cut.cut_at:%Y-%m-%d %H:%M}", escape(cut.viewer), escape(cut.cut_by))
    console = Console(width=160)
    console.print(table)
    console.print(cuts)


@app.command("cut", short_help="Cut a viewer's access to people's data.")
def cut(viewer: Annotated[str, typer.Argument(help="The viewer, as alerts name them.")]) -> None:
    """Cut a viewer's access by hand, at once and everywhere; another person must lift it."""
    is_new = _run(lambda uow: privacy.cut_viewer(uow, viewer=viewer, now=SystemClock().now()))
    typer.echo(f"{viewer} is cut." if is_new else f"{viewer} was cut already.")


@app.command("lift", short_help="Give a viewer access again.")
def lift(
    viewer: Annotated[str, typer.Argument(help="The viewer, as alerts name them.")],
    *,
    reason: Annotated[str, typer.Option(help="What you found; it is kept.")],
) -> None:
    """Give a viewer access again. Who was cut, and who cut, may not do it."""
    _run(lambda uow: privacy.lift_cut(uow, viewer=viewer, reason=reason, now=SystemClock().now()))
    typer.echo(f"{viewer} has access again.")


def _today() -> date:
    return business_day(SystemClock().now())


def _run(command: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
    settings = Settings.from_environment()
    # Two people on one machine are told apart by their accounts there.
    caller = Caller(actor=f"cli:{getpass.getuser()}")

    async def run() -> Result:
        url, role = settings.database_app_url, settings.database_app_role
        async with Database(url, role=role, size=1) as database:
            return await database.run(command, caller)

    return asyncio.run(run())
