"""The story of a loan, played once on a platform of its own, and what its screen says."""

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from huitong.cli import app
from huitong.cli.demo_loan import play_on
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
        "no report without consent: consent_missing",
        "decision: offered",
        "income by what came in: 800000",
        "too early: cost_statement_not_read",
        "one more factor: step_up_required",
        "signed and paid: lent",
        # 8,000.00 at 10.8 % in six payments.
        "扣款 debited: 137565",
        "days overdue: 5",
        # 1,075.65 at one and a half times 10.8 % for five days.
        "penalty interest: 242",
        "sent by: ('sms', 'sent')",
        "the fourth is refused: loan_collection_contact_refused",
        "the borrower sees all: 4",
        "principal repaid: 800000",
        "Something is overdue.",
        "people look at it: review",
        "all 66 invariants hold",
    ],
)
def test_the_screen_says_what_was_decided_paid_and_refused(
    shown: tuple[bool, str], words: str
) -> None:
    assert words in shown[1]


def test_the_command_explains_itself() -> None:
    help_text = CliRunner().invoke(app, ["demo", "loan", "--help"], env={"COLUMNS": "200"})
    assert help_text.exit_code == 0
    assert "appeals to a member of staff" in help_text.output
