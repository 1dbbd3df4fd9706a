"""`huitong risk rules` and `backtest`: versions of rules, and what they would have done."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from huitong import risk
from huitong.cli.process import load_entry_point
from huitong.cli.risk_desk import (
    CONSOLE,
    command,
    print_json,
    read_file,
    who_acts,
    with_database,
)
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import RULE_VERSION, read_id, show_id, uuid7
from huitong.kernel.rulebook import Rulebook

_FEN: Final = 100
Purpose = Annotated[risk.Purpose, typer.Option(help="What the rules decide about.")]
Version = Annotated[str, typer.Argument(help="The version's id, rul_….", metavar="VERSION")]
File = Annotated[Path, typer.Argument(help="A list of rules, YAML or JSON.", metavar="FILE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Versions of rules. They go live over the API, by two members of staff.",
)


def register(parent: typer.Typer) -> None:
    """Add the commands to `huitong risk`."""
    parent.add_typer(app, name="rules", short_help="Versions of rules.")
    parent.command("backtest", short_help="Test a version over stored decisions.")(backtest)
    parent.command("export", short_help="Write stored decisions into a Parquet file.")(export)


@app.command("list", short_help="List versions, newest first.")
def list_versions(*, purpose: Purpose = risk.Purpose.PAYMENT) -> None:
    """List the newest versions of the rules of a purpose, with what decides."""
    found = command(lambda uow: risk.list_rule_versions(uow, purpose))
    table = Table("version", "number", "state", "tested", "from", "until", "rules")
    for each in found:
        table.add_row(
            show_id(RULE_VERSION, each.id),
            str(each.number),
            each.state.value,
            "yes" if each.backtest_id else "no",
            str(each.effective_from or ""),
            str(each.effective_to or ""),
            str(len(risk.read_stored_rules(each))),
        )
    CONSOLE.print(table)


@app.command("show", short_help="Show a version.")
def show(version: Version, *, as_json: AsJson = False) -> None:
    """Show the rules of a version, as `save` takes them."""
    version_id = read_id(RULE_VERSION, version, field="version")
    found = command(lambda uow: risk.get_rule_version(uow, version_id))
    rules = risk.read_stored_rules(found)
    if as_json:
        print_json({"id": version, "state": found.state, "digest": found.digest, "rules": rules})
        return
    CONSOLE.print(f"{version} number {found.number}, {found.state}, {found.digest}", markup=False)
    for rule in rules:
        CONSOLE.print(f"{rule['key']}: {rule['action']}, {rule['weight']}", style="bold")
        CONSOLE.print(f"  {rule['predicate']}", markup=False, soft_wrap=True)


@app.command("lint", short_help="Say whether a file compiles.")
def lint(file: File, *, purpose: Purpose = risk.Purpose.PAYMENT) -> None:
    """Compile the rules of a file without saving them; what is wrong has line and column."""
    rules = risk.read_rules(read_file(file, "file"), risk.default_catalogue(purpose))
    CONSOLE.print(f"{len(rules.rules)} rules over {len(rules.columns)} features compile.")


@app.command("save", short_help="Save a file as a draft.")
def save(file: File, *, purpose: Purpose = risk.Purpose.PAYMENT) -> None:
    """Save the rules of a file as the next version, a draft, and print its id."""
    _save(read_file(file, "file"), purpose)


@app.command("defaults", short_help="Save the default rules as a draft.")
def defaults(*, purpose: Purpose = risk.Purpose.PAYMENT) -> None:
    """Save the rules that come with the platform as a draft, with today's thresholds."""
    today = business_day(SystemClock().now())
    _save(risk.default_rules(purpose, Rulebook.load(), today), purpose)


@app.command("shadow", short_help="Try a draft in shadow.")
def shadow(version: Version) -> None:
    """Evaluate and record a draft beside what decides, without effect."""
    version_id = read_id(RULE_VERSION, version, field="version")
    found = command(lambda uow: risk.shadow_rules(uow, version_id=version_id))
    CONSOLE.print(f"{version} is {found.state}.", markup=False)


def _save(document: Any, purpose: risk.Purpose) -> None:
    rules = risk.read_rules(document, risk.default_catalogue(purpose))
    version_id, now = uuid7(), SystemClock().now()
    command(
        lambda uow: risk.save_rules(
            uow, version_id=version_id, purpose=purpose, rules=rules, now=now
        )
    )
    typer.echo(show_id(RULE_VERSION, version_id))


def backtest(
    *,
    version: Annotated[str, typer.Option(help="The version's id, rul_….")],
    days: Annotated[
        int,
        typer.Option(min=1, max=limits.BACKTEST_DAYS_MAX, help="Business days until before today."),
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Say what a draft or shadow would have done with the last days, and record it.

    Beside what is live: hits, money, known fraud found and missed, honest customers hit. Without a
    back-test no version goes live.
    """
    test = load_entry_point("huitong.wiring.backtests:backtest_now")
    version_id = read_id(RULE_VERSION, version, field="version")

    async def work(database: Database) -> risk.Backtest:
        stored: risk.Backtest = await test(
            database,
            version_id=version_id,
            backtest_id=uuid7(),
            days=days,
            caller=who_acts(),
            now=SystemClock().now(),
            say=_say,
        )
        return stored

    result = dict(with_database(work).result)
    if as_json:
        print_json(result)
        return
    _print_report(result)


def export(
    out: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE")],
    *,
    purpose: Purpose = risk.Purpose.PAYMENT,
    days: Annotated[int, typer.Option(min=1, max=limits.BACKTEST_DAYS_MAX)] = 30,
) -> None:
    """Write the decisions of the last days with all features and labels into a Parquet file.

    It does not say whose they are; ids, amounts and features are in it, so keep it as such.
    """
    today = business_day(SystemClock().now())
    try:
        exported = with_database(
            lambda database: risk.export_history(
                database,
                out,
                purpose=purpose,
                period=risk.Period(today - timedelta(days=days), today),
                columns=risk.default_catalogue(purpose),
                say=_say,
            )
        )
    except OSError as error:
        raise InvalidField(f"cannot be written: {error}", field="file") from error
    CONSOLE.print(f"{exported.rows} decisions, {exported.unassessed} without features left out.")


async def _say(rows: int) -> None:
    typer.echo(f"{rows} decisions read", err=True)


def _print_report(result: dict[str, Any]) -> None:
    title = f"{result['first_day']} until before {result['end_day']}"
    table = Table("", "rows", "yuan", "fraud", "precision", "recall", "alone", title=title)
    everything = result["everything"]
    table.add_row("everything", str(everything["rows"]), _yuan(everything), _known(everything))
    table.add_row("would be stopped", *_cells(result["stopped"], result["stopped"]["recall"]))
    if result["live"] is not None:
        live = result["live"]["stopped"]
        table.add_row("stopped by what is live", *_cells(live, live["recall"]))
    for rule in result["rules"]:
        cells = _cells(rule["hits"], rule["recall"])
        table.add_row(f"  {rule['key']}", *cells, str(rule["alone"]["rows"]))
    CONSOLE.print(table)
    honest = result["honest"]
    if honest is not None:
        live_too = "" if honest["live_hit"] is None else f" (live: {honest['live_hit_per_10000']})"
        CONSOLE.print(
            f"Honest customers hit: {honest['hit']} of {honest['customers']}, "
            f"{honest['hit_per_10000']} per 10,000{live_too}."
        )
    for kind, words in (("honest_hit", "Hit though honest"), ("fraud_missed", "Fraud missed")):
        for each in result["examples"][kind]:
            CONSOLE.print(f"{words}: {each['decision']}, {each['action']}", markup=False)
    for note in result["notes"]:
        CONSOLE.print(f"{note['en']} {note['zh']}", style="dim", markup=False)


def _cells(share: dict[str, Any], recall: float | None) -> tuple[str, ...]:
    return (
        str(share["rows"]),
        _yuan(share),
        _known(share),
        _percent(share["precision"]),
        _percent(recall),
    )


def _yuan(share: dict[str, Any]) -> str:
    yuan, fen = divmod(share["amount_minor"], _FEN)
    return f"{yuan:,}.{fen:02}"


def _known(share: dict[str, Any]) -> str:
    return f"{share['fraud']} of {share['fraud'] + share['honest']}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
