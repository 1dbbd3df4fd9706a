"""`huitong demo loan`: a loan from the application to the payoff, on a platform of its own."""

from typing import Annotated, Any, Final

import typer
from rich.console import Console

from huitong.cli.demo_trials import play_alone, play_and_verify
from huitong.cli.process import load_entry_point
from huitong.wiring.trial import Trial

_SEED: Final = 1823


def loan(
    *,
    seed: Annotated[
        int, typer.Option(min=0, help="Decides who applies; the same seed is the same people.")
    ] = _SEED,
) -> None:
    """Play a loan: a shop owner applies, is decided about, reads, signs, pays late once, pays off.

    A second person is refused with reasons and appeals to a member of staff. The credit bureau is
    simulated; everything else is the platform's own, with its clock put forward by nine months
    within a minute. Always on a platform of its own in a temporary home.

    Ends with code 1 if anything is not as expected.
    """
    play_alone(lambda trial, console: play_on(trial, console, seed=seed))


def play_on(trial: Trial, console: Console, *, seed: int) -> bool:
    """Play the story on a trial platform with a clock that can be put forward."""
    room: Any = load_entry_point("huitong.demo.loan")
    return play_and_verify(
        trial, console, room.play_loan, name="demo loan", scopes=room.SCOPES, seed=seed
    )
