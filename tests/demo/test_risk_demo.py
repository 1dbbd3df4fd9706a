"""The story of risk, played once on a platform of its own, and what its screen says."""

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from huitong.cli import app
from huitong.cli.demo_risk import play_on
from huitong.wiring.trial import trial_platform


@pytest.fixture(scope="module")
def shown() -> tuple[bool, str]:
    """Play the story; returns whether all was right, and the screen."""
    screen = io.StringIO()
    with trial_platform(
        arguments=("--demo",), clock="shifted", trusted_proxies=("127.0.0.1",)
    ) as trial:
        is_right = play_on(trial, Console(file=screen, width=140), seed=1823)
    return is_right, screen.getvalue()


def test_every_answer_is_as_it_must_be(shown: tuple[bool, str]) -> None:
    is_right, screen = shown
    assert is_right, screen
    assert "✗" not in screen


@pytest.mark.parametrize(
    "words",
    [
        "impossible_travel",
        "many_to_one",
        "caller_blocked",
        "优先级 priority",
        "What it cost honest customers",
        "all 66 invariants hold",
    ],
)
def test_the_screen_says_what_was_stopped_why_and_what_came_of_it(
    shown: tuple[bool, str], words: str
) -> None:
    assert words in shown[1]


def test_the_command_explains_itself() -> None:
    shown = CliRunner().invoke(app, ["demo", "risk", "--help"])
    assert shown.exit_code == 0
    assert "takeover" in shown.output
