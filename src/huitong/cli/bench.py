"""`huitong bench`: measure this machine, with a baseline beside each figure."""

import json
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from huitong.bench.report import make_table, write_results
from huitong.bench.suite import BENCHMARKS, run_benchmark
from huitong.bench.types import Options

_ALL: Final = "all"
_SECONDS: Final = 40.0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("bench", short_help="Measure how fast Huitong is on this machine.")(bench)


def bench(
    name: Annotated[
        str, typer.Argument(help=f"Which benchmark: {', '.join(BENCHMARKS)}, or {_ALL}.")
    ],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
    seconds: Annotated[
        float,
        typer.Option(min=0.1, help="How long each benchmark measures, preparation not counted."),
    ] = _SECONDS,
    seed: Annotated[int, typer.Option(min=0, help="Makes the same random transfers again.")] = 1,
    scale: Annotated[
        float,
        typer.Option(min=0.0001, max=1, help="Share of the full amount of data, to try it out."),
    ] = 1.0,
) -> None:
    """Measure, on a database of its own that is gone afterwards, and compare with baselines.

    The database is set up as users get it, with fsync and synchronous_commit on. With
    HUITONG_DATABASE_URL a new database on that server is used. Results also go to
    [bold]bench/results[/bold] in the current directory: JSON and a chart for each benchmark.
    """
    names = list(BENCHMARKS) if name == _ALL else [name]
    if not set(names) <= BENCHMARKS.keys():
        raise typer.BadParameter(f"there is no benchmark called {name}", param_hint="NAME")
    progress = Console(stderr=True, highlight=False)

    def say(line: str) -> None:
        progress.print(line, markup=False, style="dim", soft_wrap=True)

    options = Options(seconds=seconds, seed=seed, say=say, scale=scale)
    results = []
    for each in names:
        say(f"— {each} —")
        results.append(run_benchmark(each, options))
    for path in write_results(results):
        say(f"written: {path}")
    if as_json:
        whole: Any = [result.to_json() for result in results]
        # One benchmark is one object; all of them are one object too, by name.
        shown = whole[0] if name != _ALL else {each["name"]: each for each in whole}
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        Console().print(make_table(results))
    if any(result.failures for result in results):
        raise typer.Exit(code=1)
