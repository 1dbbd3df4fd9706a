"""`huitong risk`: rules and tables, back-tests, models on labelled data, and cases."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from huitong import risk
from huitong.cli import risk_cases, risk_models, risk_rules, risk_tables

_DATA: Final = Path("../shared/data/2-transaction-fraud")
_WINDOWS: Final = 6
_WINDOWS_MAX: Final = 52

app: Final = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="Risk: rules, tables, models, cases."
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    risk_models.register(app)
    risk_cases.register(app)
    risk_rules.register(app)
    risk_tables.register(app)
    parent.add_typer(app, name="risk", short_help="Rules, tables, models and cases of risk.")


@app.command("evaluate", short_help="Measure how well fraud is found, beside published models.")
def evaluate(
    *,
    data: Annotated[
        Path,
        typer.Option(
            help="A file of labelled card transactions (CSV or Parquet, with the raw columns of "
            "the Fraud Detection Handbook), or a folder of them.",
            metavar="PATH",
        ),
    ] = _DATA,
    windows: Annotated[
        int,
        typer.Option(
            min=1,
            max=_WINDOWS_MAX,
            help="How many windows of three weeks, a week apart, the latest.",
        ),
    ] = _WINDOWS,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Train on 7 days, wait 7 days for labels, test on 7 days, rolled over the latest windows.

    Cards that are known to be compromised are taken out of the test. In the same run a logistic
    regression and a random forest on the handbook's own features are measured. Features of a
    transaction use only what was known before it.
    """
    progress = Console(stderr=True, highlight=False)

    def say(line: str) -> None:
        progress.print(line, markup=False, style="dim", soft_wrap=True)

    report = {
        "transaction_fraud": risk.evaluate_fraud(
            data, windows=windows, threads=os.cpu_count() or 1, say=say
        )
    }
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    _print(Console(), report["transaction_fraud"])


def _print(console: Console, report: dict[str, Any]) -> None:
    count = len(report["windows"])
    table = Table(title=f"Transaction fraud, mean and spread of {count} windows")
    metrics = list(report["ahead_of_random_forest"])
    for column in ("model", *metrics):
        table.add_column(column, justify="left" if column == "model" else "right")
    for name, measured in report["models"].items():
        cells = (f"{measured[m]['mean']:.3f} ± {measured[m]['spread']:.3f}" for m in metrics)
        table.add_row(name, *cells)
    ahead = report["ahead_of_random_forest"]
    table.add_row("ahead of the forest", *(f"{ahead[metric]:+.3f}" for metric in metrics))
    console.print(table)
    for metric, target in report["targets"].items():
        word = "met" if target["is_met"] else "not met"
        console.print(f"{metric}: {target['ahead']:+.3f} is the target, {word}.")
