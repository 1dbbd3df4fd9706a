"""`huitong demo settlement-day`: a day of an operations team, played on a platform of its own."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from huitong.cli.demo_trials import play_alone, play_and_verify
from huitong.cli.process import load_entry_point
from huitong.wiring.trial import Trial

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
    play_alone(lambda trial, console: play_on(trial, console, seed=seed, scenes=scene or ()))


def play_on(trial: Trial, console: Console, *, seed: int, scenes: Sequence[str]) -> bool:
    """Play the story on a trial platform with a clock that can be put forward."""
    room: Any = load_entry_point("huitong.demo.settlement_day")
    return play_and_verify(
        trial,
        console,
        partial(room.play_settlement_day, scenes=scenes),
        name="demo settlement day",
        scopes=room.SCOPES,
        seed=seed,
    )
