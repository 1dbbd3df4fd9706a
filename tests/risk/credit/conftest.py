from datetime import date

import pytest

from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit.scorecards.types import Scorecard
from huitong.risk.credit.starting.applicants import Applicants, simulate_applicants
from huitong.risk.credit.starting.fitting import fit_start_scorecard
from huitong.risk.decisioning.models.types import TrainedModel

DAY = date(2026, 11, 26)
COUNT = 3_000


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return Rulebook.load()


@pytest.fixture(scope="session")
def fitted() -> tuple[Scorecard, TrainedModel]:
    """A scorecard of few applicants, and it as the registry takes it."""
    return fit_start_scorecard(COUNT, seed=3)


@pytest.fixture(scope="session")
def card(fitted: tuple[Scorecard, TrainedModel]) -> Scorecard:
    return fitted[0]


@pytest.fixture(scope="session")
def model(fitted: tuple[Scorecard, TrainedModel]) -> TrainedModel:
    return fitted[1]


@pytest.fixture(scope="session")
def applicants() -> Applicants:
    return simulate_applicants(2_000, seed=8)
