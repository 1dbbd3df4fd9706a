"""What `huitong risk evaluate` asks about log-ins, and what it prints of them."""

from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer
from rich.console import Console
from rich.table import Table

_RATES: Final = ("0.1%", "0.5%", "1.0%")
_UNSEEN: Final = "unseen: by trees that were trained without this kind"
HISTORIES: Final = 5
_HISTORIES_MAX: Final = 50

AreLogIns: TypeAlias = Annotated[
    bool, typer.Option("--log-ins/--no-log-ins", help="Measure attacks on log-ins.")
]
LogInData: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="A file of labelled log-ins (CSV or Parquet, with the columns of the public data set "
        "for risk-based authentication) instead of generated ones.",
        metavar="PATH",
    ),
]
Histories: TypeAlias = Annotated[
    int,
    typer.Option(min=1, max=_HISTORIES_MAX, help="How many histories of log-ins to generate."),
]


def print_log_ins(console: Console, report: dict[str, Any]) -> None:
    """Print recall by model and kind of attack, what the honest pay, and published figures."""
    data, models = report["data"], report["models"]
    recall = Table(
        title=f"Attacks on log-ins ({data['source']}): recall at rates of false alarms, "
        f"mean±spread of {data['histories']} histories",
        caption=_UNSEEN if data["source"] == "generated" else None,
    )
    for column in ("model", "attack", "AUC-ROC", *(f"at {rate}" for rate in _RATES)):
        recall.add_column(column, justify="left" if column in {"model", "attack"} else "right")
    keys = ("auc_roc", *(f"recall_at_{rate}" for rate in _RATES))
    for name, model in models.items():
        unseen = model.get("never_trained_on", {})
        for kind, measured in {"all": model["all"], **model["by_kind"]}.items():
            recall.add_row(name, kind, *(_show(measured[key]) for key in keys))
        for kind, measured in unseen.items():
            # Few histories leave this kind out, so there is no spread to show.
            means = [measured[key]["mean"] for key in keys]
            recall.add_row(name, f"{kind}, unseen", *(f"{mean:.3f}" for mean in means))
    console.print(recall)
    asked = Table(title="Asked for more, by thresholds set on earlier log-ins")
    for column in ("model", "aimed at", "honest log-ins", "customers", "recall"):
        asked.add_column(column, justify="left" if column == "model" else "right")
    for name, model in models.items():
        for aim, measured in model["thresholds_set_before"].items():
            cells = (measured[key] for key in ("honest_asked", "customers_asked", "recall"))
            asked.add_row(name, aim.removeprefix("at_"), *(f"{each['mean']:.2%}" for each in cells))
    console.print(asked)
    _print_published(console, report)


def _print_published(console: Console, report: dict[str, Any]) -> None:
    published, kinds = report["published"], report["models"]["freeman"]["by_kind"]
    table = Table(title="Mean risk score of attacks over that of honest log-ins (Freeman's score)")
    for column in ("attack", "here", "published"):
        table.add_column(column, justify="left" if column == "attack" else "right")
    for kind, figure in published["risk_score_relation"].items():
        ours = kinds.get(kind)
        shown = "" if ours is None else _show(ours["risk_score_relation"])
        table.add_row(kind, shown, f"{figure:.2f}")
    console.print(table)
    console.print(
        f"Published: {published['source']}. Setting: {published['setting']} Other log-ins, so the "
        "figures stand beside each other and are not the same thing.",
        soft_wrap=True,
        markup=False,
    )


def _show(measured: dict[str, float]) -> str:
    return f"{measured['mean']:.3f}±{measured['spread']:.3f}"
