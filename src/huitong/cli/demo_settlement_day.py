"""`huitong demo settlement-day`: a day of an operations team, played on a platform of its own."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from huitong.cli.process import load_entry_point
from huitong.wiring.trial import Trial, issue_key, trial_platform

_SEED: Final = 1823


def settlement_day(
    *,
    seed: Annotated[
        int, typer.Option(min=0, help="Decides the amounts; the same seed is the same day.")
    ] = _SEED,
    scene: Annotated[
        list[str] | None,
        typer.Option(help="Plays only this scene; may be given more than once."),
    ] = None,
) -> None:
    """Play a day: merchants, payroll, a foreign invoice, a flaky channel, and the night's files.

    Two members of staff run it over the API. At night the channel's file is compared with orders
    and ledger, every difference is found and cured, suspense is at zero and the trial balance is
    shown. Always on a platform of its own in a temporary home, whose clock is put forward.

    Ends with code 1 if anything is not as expected.
    """
    room: Any = load_entry_point("huitong.demo.settlement_day")
    unknown = [name for name in scene or () if name not in room.SCENES]
    if unknown:
        raise typer.BadParameter(
            f"{', '.join(unknown)}: the scenes are {', '.join(room.SCENES)}", param_hint="--scene"
        )
    console = Console(highlight=False)
    console.print("[dim]临时启动一个平台…  Starting a platform in a temporary home …[/]")
    with trial_platform(
        arguments=("--demo",),
        clock="shifted",
        # The story's people come from many addresses, through us.
        trusted_proxies=("127.0.0.1",),
        say=console.print,
    ) as trial:
        is_right = play_on(trial, console, seed=seed, scenes=scene or ())
    if not is_right:
        raise typer.Exit(code=1)


def play_on(trial: Trial, console: Console, *, seed: int, scenes: list[str] | tuple[()]) -> bool:
    """Play the story on a trial platform with a clock that can be put forward."""
    room: Any = load_entry_point("huitong.demo.settlement_day")
    demo_room: Any = load_entry_point("huitong.demo")
    operator: Any = load_entry_point("huitong.demo.onboarding:Operator")
    issued = asyncio.run(
        issue_key(
            trial.settings, name="demo settlement day", scopes=room.SCOPES, now=datetime.now(UTC)
        )
    )
    with demo_room.Client(trial.url, issued.secret) as client:
        day = demo_room.Day(client=client, stage=demo_room.Stage(console), seed=seed)
        room.play_settlement_day(day, operator(trial), scenes=scenes)
    console.print("\n[dim]$ huitong ledger verify[/]")
    verified = trial.run("ledger", "verify")
    console.print(verified.stdout + verified.stderr, markup=False)
    return not day.differences and verified.returncode == 0
