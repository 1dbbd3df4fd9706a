"""The scene of two shops, played alone by the command's own function on a platform of its own."""

import io

import pytest
from rich.console import Console

from huitong.cli.demo_settlement_day import play_on
from huitong.wiring.trial import trial_platform


@pytest.fixture(scope="module")
def shown() -> tuple[bool, str]:
    """Play the scene; returns whether all was right, and the screen."""
    screen = io.StringIO()
    with trial_platform(
        arguments=("--demo",), clock="shifted", trusted_proxies=("127.0.0.1",)
    ) as trial:
        is_right = play_on(trial, Console(file=screen, width=140), seed=1823, scenes=("shops",))
    return is_right, screen.getvalue()


def test_every_sheet_is_as_it_must_be(shown: tuple[bool, str]) -> None:
    is_right, screen = shown
    assert is_right, screen
    assert "✗" not in screen


@pytest.mark.parametrize(
    "words",
    [
        # 18.00 + 66.00 + 120.00 at 6 per mille cost 0.11 + 0.40 + 0.72, and 8.00 refunded of 18.00
        # give 0.05 back: 204.00 - 8.00 - 1.18.
        "¥194.82",
        # 25.80 + 49.00 cost the minimum of 0.20 each, and a tenth is kept: 74.80 - 0.40 - 7.48.
        "¥66.92",
        "the merchant's turn",
        "invariants hold",
    ],
)
def test_the_screen_shows_sheets_dispute_and_books(shown: tuple[bool, str], words: str) -> None:
    assert words in shown[1]
