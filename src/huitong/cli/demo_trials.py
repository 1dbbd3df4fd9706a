"""Stories that are played on a platform of their own, whose clock is put forward."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console

from huitong.cli.process import load_entry_point
from huitong.wiring.trial import Trial, issue_key, trial_platform


def play_alone(play: Callable[[Trial, Console], bool]) -> None:
    """Start a platform in a temporary home and play on it; raises typer.Exit if it went wrong."""
    console = Console(highlight=False)
    console.print("[dim]临时启动一个平台…  Starting a platform in a temporary home …[/]")
    with trial_platform(
        arguments=("--demo",),
        clock="shifted",
        # The stories' people come from many addresses, through us.
        trusted_proxies=("127.0.0.1",),
        say=console.print,
    ) as trial:
        is_right = play(trial, console)
    if not is_right:
        raise typer.Exit(code=1)


def play_and_verify(
    trial: Trial,
    console: Console,
    play: Callable[[Any, Any], None],
    *,
    name: str,
    scopes: Sequence[str],
    seed: int,
) -> bool:
    """Play a story with a key of its own, verify the books, and return whether all was right."""
    demo_room: Any = load_entry_point("huitong.demo")
    operator: Any = load_entry_point("huitong.demo.onboarding:Operator")
    issued = asyncio.run(issue_key(trial.settings, name=name, scopes=scopes, now=datetime.now(UTC)))
    with demo_room.Client(trial.url, issued.secret) as client:
        day = demo_room.Day(client=client, stage=demo_room.Stage(console), seed=seed)
        play(day, operator(trial))
    console.print("\n[dim]$ huitong ledger verify[/]")
    verified = trial.run("ledger", "verify")
    console.print(verified.stdout + verified.stderr, markup=False)
    return not day.differences and verified.returncode == 0
