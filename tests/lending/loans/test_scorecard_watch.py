"""The scorecard is watched weekly: alike applications pass, others take it out of use."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from tests.lending.loans.conftest import Bank
from tests.risk.decisioning.rules.conftest import Desk

from huitong import risk
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit.starting.applicants import simulate_applicants
from huitong.risk.credit.starting.fitting import fit_start_scorecard
from huitong.risk.decisioning.models.registry import register_model, set_model_status
from huitong.risk.decisioning.models.types import ModelStatus
from huitong.wiring.scorecard_watch import gather_scored, watch_scorecard

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
TRAINER = Caller(actor="staff:trainer")
CHINA = Rulebook.load()
APPLICATION = """
    INSERT INTO lending.applications
           (id, customer_id, product_id, product_version, borrower_account_id, payout_account_id,
            started_at, changed_at)
    VALUES (:id, :customer, :product, 1, :account, :account, :at, :at)
"""
STEPS = """
    INSERT INTO lending.application_steps (application_id, position, step, actor, at, details)
    SELECT :id, place, 'decided', 'cli', :at, CAST(n.details AS jsonb)
      FROM unnest(CAST(:details AS text[])) WITH ORDINALITY AS n(details, place)
"""


@pytest.fixture(scope="module")
def model() -> Any:
    return fit_start_scorecard(3_000, seed=3)[1]


@pytest.fixture
async def champion(bank: Bank, model: Any) -> risk.RegisteredModel:
    """A scorecard that decides."""
    database = bank.database
    registered = await database.run(lambda uow: register_model(uow, model=model, now=NOW), TRAINER)
    approval_id = await Desk(database).approve("risk.set_model_status")
    await database.run(
        lambda uow: set_model_status(
            uow, model_id=registered.id, status=ModelStatus.CHAMPION, approval_id=approval_id,
            rulebook=CHINA, now=NOW,
        )
    )  # fmt: skip
    return registered


async def score(bank: Bank, *, at: datetime, factor: float = 1.0, count: int = 300) -> None:
    """Write down applications that were scored, with all figures times a factor."""
    product, borrower = await bank.add_product(), await bank.add_borrower()
    columns = simulate_applicants(count, seed=11).columns

    def tell(place: int) -> str:
        values = {name: float(column[place]) * factor for name, column in columns.items()}
        features = {name: None if np.isnan(each) else str(each) for name, each in values.items()}
        return json.dumps({"records": {"score": {"features": features}}})

    async def write(uow: UnitOfWork) -> None:
        application = uuid7()
        await uow.execute(
            APPLICATION,
            id=application,
            customer=borrower.id,
            product=product.id,
            account=borrower.account_id,
            at=at,
        )
        details = [tell(place) for place in range(count)]
        await uow.execute(STEPS, id=application, at=at, details=details)

    await bank.database.run(write)


async def look(database: Database, model: risk.RegisteredModel) -> tuple[int, list[Any], bool]:
    """Return how often drift was measured, the alarms, and whether the scorecard is out of use."""
    async with database.unit_of_work() as uow:
        return (
            len(await risk.list_drift(uow, model.id)),
            list(await risk.list_alarms(uow, model.id)),
            await risk.is_scorecard_out(uow),
        )


async def test_applications_like_those_of_training_raise_no_alarm(
    bank: Bank, champion: risk.RegisteredModel
) -> None:
    await score(bank, at=NOW - timedelta(days=2))
    await watch_scorecard(bank.database, NOW)
    assert await look(bank.database, champion) == (1, [], False)
    # Once a week.
    await watch_scorecard(bank.database, NOW + timedelta(days=1))
    assert (await look(bank.database, champion))[0] == 1


async def test_applications_unlike_those_take_the_scorecard_out_of_use(
    bank: Bank, champion: risk.RegisteredModel
) -> None:
    await score(bank, at=NOW - timedelta(days=2), factor=4.0)
    await watch_scorecard(bank.database, NOW)
    measured, alarms, is_out = await look(bank.database, champion)
    assert (measured, is_out) == (1, True)
    assert [each.cause.value for each in alarms] == ["drift"]
    assert alarms[0].details["decisions"] == 300


async def test_too_few_applications_or_none_tell_nothing(
    bank: Bank, champion: risk.RegisteredModel
) -> None:
    await score(bank, at=NOW - timedelta(days=2), factor=4.0, count=199)
    await score_long_ago(bank)
    await watch_scorecard(bank.database, NOW)
    assert await look(bank.database, champion) == (0, [], False)


async def score_long_ago(bank: Bank) -> None:
    async with bank.database.unit_of_work() as uow:
        await uow.execute(
            "INSERT INTO lending.application_steps SELECT application_id, position + 1000, step, "
            "actor, at - interval '8 days', details FROM lending.application_steps"
        )


async def test_without_a_champion_nothing_is_watched(bank: Bank) -> None:
    await score(bank, at=NOW - timedelta(days=2), factor=4.0)
    await watch_scorecard(bank.database, NOW)
    async with bank.database.unit_of_work() as uow:
        assert not await risk.is_scorecard_out(uow)
        scored = await gather_scored(uow, NOW - timedelta(days=7), NOW)
    assert scored is not None
    assert scored.count == 300
