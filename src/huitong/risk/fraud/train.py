"""The door to training: light to import, as every command of `huitong` does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.models.types import SIMULATED, TrainedModel
from huitong.risk.decisioning.rules.types import Purpose

Say = Callable[[str], None]


def train_on_simulator(
    *, seed: int, customers: int, days: int, rulebook: Rulebook, threads: int, say: Say
) -> TrainedModel:
    """Return a model of payment fraud, trained on a simulated history.

    Raises InvalidField for a history that is too small or large, and TrainingDataTooFew for one in
    which too little happens.
    """
    # LightGBM, scikit-learn and Ibis take seconds to import.
    from huitong.risk.fraud.simulated_data import read_simulated_data  # noqa: PLC0415
    from huitong.risk.fraud.training import check_enough, train_fraud_model  # noqa: PLC0415

    say(f"Simulating {customers:,} customers over {days} days, and computing their features …")
    data = read_simulated_data(seed=seed, customers=customers, days=days, rulebook=rulebook)
    check_enough(data)
    say(f"Training on {len(data.labels):,} payments …")
    model = train_fraud_model(data, seed=seed, threads=threads)
    return replace(model, metrics={**model.metrics, SIMULATED: True})


async def train_on_platform(
    database: Database,
    *,
    purpose: Purpose = Purpose.PAYMENT,
    seed: int,
    threads: int,
    now: datetime,
    say: Say,
) -> TrainedModel:
    """Return a model of payment fraud, or of log-ins, trained on the platform's own decisions.

    Raises TrainingDataTooFew, with how many payments and frauds there are and are needed.
    """
    from huitong.risk.fraud.platform_data import read_platform_data  # noqa: PLC0415
    from huitong.risk.fraud.training import check_enough, train_fraud_model  # noqa: PLC0415

    say("Reading decisions and labels …")
    async with database.reading() as uow:
        data = await read_platform_data(uow, purpose=purpose, now=now)
    check_enough(data)
    say(f"Training on {len(data.labels):,} decisions …")
    return train_fraud_model(data, seed=seed, threads=threads)
