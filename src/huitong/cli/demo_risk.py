"""`huitong demo risk`: an honest week, then four attacks, and what is stopped."""

from typing import Annotated, Any, Final

import typer
from rich.console import Console

from huitong.cli.demo_trials import play_alone, play_and_verify
from huitong.cli.process import load_entry_point
from huitong.wiring.trial import Trial

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
    play_alone(lambda trial, console: play_on(trial, console, seed=seed))


def play_on(trial: Trial, console: Console, *, seed: int) -> bool:
    """Play the story on a trial platform with a clock that can be put forward."""
    room: Any = load_entry_point("huitong.demo.risk")
    return play_and_verify(
        trial, console, room.play_risk, name="demo risk", scopes=room.SCOPES, seed=seed
    )
