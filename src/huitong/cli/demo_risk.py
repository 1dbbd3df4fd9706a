"""`huitong demo risk`: an honest week, then four attacks, and what is stopped."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from huitong.cli.process import load_entry_point
from huitong.wiring.trial import Trial, issue_key, trial_platform

_SEED: Final = 1823


def risk(
    *,
    seed: Annotated[
        int, typer.Option(min=0, help="Decides who pays whom; the same seed is the same week.")
    ] = _SEED,
) -> None:
    """Play an honest week, an account takeover, a mule ring, testing with coins and a scraper.

    Two members of staff bring the default rules live over the API; then a town pays for a week, and
    thieves come. Shows what was stopped when and why, what it cost honest customers, and the case
    that came of it. Always on a platform of its own in a temporary home, whose clock is put
    forward: a week takes about a minute.

    Ends with code 1 if anything is not as expected.
    """
    console = Console(highlight=False)
    console.print("[dim]临时启动一个平台…  Starting a platform in a temporary home …[/]")
    with trial_platform(
        arguments=("--demo",),
        clock="shifted",
        # The story's people come from many addresses, through us.
        trusted_proxies=("127.0.0.1",),
        say=console.print,
    ) as trial:
        is_right = play_on(trial, console, seed=seed)
    if not is_right:
        raise typer.Exit(code=1)


def play_on(trial: Trial, console: Console, *, seed: int) -> bool:
    """Play the story on a trial platform with a clock that can be put forward."""
    room: Any = load_entry_point("huitong.demo.risk")
    demo_room: Any = load_entry_point("huitong.demo")
    operator: Any = load_entry_point("huitong.demo.onboarding:Operator")
    issued = asyncio.run(
        issue_key(trial.settings, name="demo risk", scopes=room.SCOPES, now=datetime.now(UTC))
    )
    with demo_room.Client(trial.url, issued.secret) as client:
        day = demo_room.Day(client=client, stage=demo_room.Stage(console), seed=seed)
        room.play_risk(day, operator(trial))
    console.print("\n[dim]$ huitong ledger verify[/]")
    verified = trial.run("ledger", "verify")
    console.print(verified.stdout + verified.stderr, markup=False)
    return not day.differences and verified.returncode == 0
