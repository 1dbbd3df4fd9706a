"""The day of an operations team, played once on a platform of its own, and what its screen says."""

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from huitong.cli import app
from huitong.cli.demo_settlement_day import play_on
from huitong.wiring.trial import trial_platform


@pytest.fixture(scope="module")
def shown() -> tuple[bool, str]:
    """Play the day; returns whether all was right, and the screen."""
    screen = io.StringIO()
    with trial_platform(
        arguments=("--demo",), clock="shifted", trusted_proxies=("127.0.0.1",)
    ) as trial:
        is_right = play_on(trial, Console(file=screen, width=140), seed=1823, scenes=())
    return is_right, screen.getvalue()


def test_every_answer_is_as_it_must_be(shown: tuple[bool, str]) -> None:
    is_right, screen = shown
    assert is_right, screen
    assert "✗" not in screen


@pytest.mark.parametrize(
    "words",
    [
        # Merchants: what was paid, refunded and kept, and a dispute.
        "汇通茶馆 结算 paid: 19482",
        "refund_exceeds_payment",
        # Payroll.
        "Looks like a formula",
        "已付笔数 lines paid: 300",
        "step_up_required",
        # Banks.
        "settled in one entry",
        "they sum to zero: 0",
        # Across the border.
        "fx_quota_exceeded",
        "papers_missing",
        # A channel that fails.
        "the channel is switched off",
        "差错已清 no open break of it: 0",
        # Papers.
        "paper_changed",
        # The night.
        "差错 breaks: 5",
        "missing at the channel → replay: cured",
        "挂账归零 suspense of reconciliation: {'0.00'}",
        "119 项核对全部通过",
        "all 66 invariants hold",
    ],
)
def test_the_screen_says_what_was_paid_refused_found_and_cured(
    shown: tuple[bool, str], words: str
) -> None:
    assert words in shown[1]


@pytest.mark.parametrize(("option", "words"), [("--help", "flaky channel"), ("--scene=x", "night")])
def test_the_command_explains_itself_and_names_its_scenes(option: str, words: str) -> None:
    shown = CliRunner().invoke(app, ["demo", "settlement-day", option], env={"COLUMNS": "200"})
    assert words in shown.output
