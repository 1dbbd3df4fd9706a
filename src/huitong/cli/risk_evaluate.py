"""`huitong risk evaluate`: measure how well frauds and attacks are found, on labelled data."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from huitong import risk
from huitong.cli.risk_log_ins import (
    HISTORIES,
    AreLogIns,
    Histories,
    LogInData,
    print_log_ins,
)
from huitong.kernel.errors import InvalidField

_DATA: Final = Path("../shared/data/2-transaction-fraud")
_WINDOWS: Final = 6
_WINDOWS_MAX: Final = 52


def register(parent: typer.Typer) -> None:
    """Add the command to `huitong risk`."""
    parent.command(
        "evaluate", short_help="Measure how well frauds and attacks on log-ins are found."
    )(evaluate)


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
    are_transactions: Annotated[
        bool, typer.Option("--transactions/--no-transactions", help="Measure transaction fraud.")
    ] = True,
    are_log_ins: AreLogIns = True,
    log_in_data: LogInData = None,
    histories: Histories = HISTORIES,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Train on days of the past, wait for their labels, and test on the days after.

    Transactions: 7 days to train, 7 of delay, 7 to test, rolled over the latest windows. Cards that
    are known to be compromised are taken out of the test. In the same run a logistic regression and
    a random forest on the handbook's own features are measured.

    Log-ins: honest customers and known attacks, generated from a seed for each history, or your own
    file; the risk score of Freeman et al. and our model, beside published figures.

    Features use only what was known before.
    """
    if not (are_transactions or are_log_ins):
        raise InvalidField("leave something to measure", field="--no-log-ins")
    threads = os.cpu_count() or 1
    report = {}
    if are_transactions:
        report["transaction_fraud"] = risk.evaluate_fraud(
            data, windows=windows, threads=threads, say=_say
        )
    if are_log_ins:
        report["log_ins"] = risk.evaluate_log_ins(
            log_in_data, histories=histories, threads=threads, say=_say
        )
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    console = Console()
    if are_transactions:
        _print(console, report["transaction_fraud"])
    if are_log_ins:
        print_log_ins(console, report["log_ins"])


def _say(line: str) -> None:
    Console(stderr=True, highlight=False).print(line, markup=False, style="dim", soft_wrap=True)


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
