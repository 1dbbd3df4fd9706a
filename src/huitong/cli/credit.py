"""`huitong credit`: how well credit models rank, and the scorecard that is shipped."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from huitong import risk

_DATA: Final = Path("../shared/data/1-credit-scoring")
_APPLICANTS: Final = 30_000

app: Final = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="credit", short_help="Measure credit models; fit the scorecard.")


@app.command("evaluate", short_help="Measure credit models on public data.")
def evaluate(
    directory: Annotated[
        Path, typer.Argument(help="Where the data sets lie.", show_default=str(_DATA))
    ] = _DATA,
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(help="A data set to measure; may be given several times.", metavar="NAME"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same figures.")] = 0,
    plots: Annotated[
        Path | None, typer.Option(help="Write calibration plots here.", metavar="FOLDER")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Measure the best model and the scorecard on German, Taiwan, HELOC, GMSC and LendingClub.

    In five folds with the same share of bad: AUC with its interval, Gini, KS, Brier score, bins of
    calibration, fairness by the groups that the data know. Where `<name>_test.csv` lies beside
    `<name>_train.csv`, the models are also trained on all of the one and measured on the other.
    Neither looks at a protected attribute. Takes some minutes on one core.
    """
    names = tuple(only) if only else risk.CREDIT_DATA_SETS
    report = risk.evaluate_credit(directory, names=names, seed=seed, plots=plots, say=_say)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    _print(report)


@app.command("train", short_help="Fit the shipped scorecard again.")
def train(
    *,
    applicants: Annotated[
        int, typer.Option(help="How many applicants are simulated.")
    ] = _APPLICANTS,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same scorecard.")] = 0,
    into: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write scorecard and card here.")
    ] = None,
) -> None:
    """Fit a scorecard to simulated applicants, and print its model card.

    What it learns is invented: it is there so that a new installation can decide at all.
    """
    _, model = risk.train_start_scorecard(applicants=applicants, seed=seed, into=into)
    typer.echo(model.card)


def _print(report: dict[str, Any]) -> None:
    table = Table(
        "Data set", "Rows", "Best AUC", "Interval", "Target", "Scorecard", "KS", "Brier", "Held out"
    )
    for name, measured in report["data_sets"].items():
        best, card = measured["best"], measured["scorecard"]
        low, high = best["auc_interval"]
        held_out = measured.get("held_out")
        table.add_row(
            name,
            f"{measured['rows']:,}",
            f"{best['auc']:.4f}",
            f"{low:.4f}–{high:.4f}",
            f"{measured['target_auc']:.3f}",
            f"{card['auc']:.4f}",
            f"{best['ks']:.3f}",
            f"{best['brier']:.4f}",
            "–" if held_out is None else f"{held_out['best']['auc']:.4f}",
        )
    console = Console()
    console.print(table)
    for name in report["missing"]:
        console.print(f"{name}: not there", style="dim")


def _say(line: str) -> None:
    Console(stderr=True, highlight=False).print(line, markup=False, style="dim", soft_wrap=True)
