"""`huitong demo onboarding`: one customer from the identity card to the key that is destroyed."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from huitong.cli.process import load_entry_point
from huitong.kernel.settings import Settings
from huitong.wiring.trial import Trial, issue_key, trial_platform

_SEED: Final = 1823
#: The folder of a home that the pictures of the card are left in.
PICTURES_NAME: Final = "demo-onboarding"


def onboarding(
    *,
    seed: Annotated[
        int, typer.Option(min=0, help="Decides who applies; the same seed is the same person.")
    ] = _SEED,
) -> None:
    """Play the life of one customer's data with real HTTP calls, and check every answer.

    Draws an identity card and reads it, opens an account with simulated registries, meets the cap
    of its class and raises it with a bank card, logs in with a passkey, takes a consent back,
    fetches a copy, deletes, and shows that nobody can open what is left. Always on a platform of
    its own in a temporary home, because it puts the clock forward by ten years at the end. The
    pictures of the card stay in the home, in [bold]demo-onboarding[/bold].

    Ends with code 1 if anything is not as expected.
    """
    console = Console(highlight=False)
    pictures = Settings.from_environment().home / PICTURES_NAME
    console.print("[dim]临时启动一个平台…  Starting a platform in a temporary home …[/]")
    with trial_platform(arguments=("--demo",), say=console.print) as trial:
        is_right = play_on(trial, console, seed=seed, pictures=pictures)
    if not is_right:
        raise typer.Exit(code=1)


def play_on(trial: Trial, console: Console, *, seed: int, pictures: Path) -> bool:
    """Play the story on a trial platform with simulated registries; say whether all was right.

    Afterwards the platform holds what only the end of ten years leaves: use it for nothing else.
    """
    room: Any = load_entry_point("huitong.demo.onboarding")
    demo_room: Any = load_entry_point("huitong.demo")
    issued = asyncio.run(
        issue_key(trial.settings, name="demo onboarding", scopes=room.SCOPES, now=datetime.now(UTC))
    )
    with demo_room.Client(trial.url, issued.secret) as client:
        day = demo_room.Day(client=client, stage=demo_room.Stage(console), seed=seed)
        room.play_onboarding(day, room.Operator(trial), pictures=pictures)
    console.print("\n[dim]$ huitong ledger verify[/]")
    verified = trial.run("ledger", "verify")
    console.print(verified.stdout + verified.stderr, markup=False)
    return not day.differences and verified.returncode == 0
