"""`huitong risk train`, run as users run it, on a town and on a platform's own decisions."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from huitong.cli import app
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.errors import Refusal
from huitong.risk import Decision, FeatureType, Label, LabelSource, Purpose, Value, put_labels
from huitong.risk.decisioning.decisions import store
from huitong.risk.decisioning.decisions.deciding import record_decisions
from huitong.risk.decisioning.decisions.types import FeatureNames
from huitong.risk.decisioning.decisions.values import make_columns, pack_rows
from huitong.risk.decisioning.features.columns import PAYMENT_FEATURES
from huitong.risk.decisioning.features.path import PATH_MODEL
from huitong.risk.decisioning.models.registry import list_models
from huitong.risk.decisioning.types import Action
from huitong.risk.fraud.platform_data import FeatureNamesMissing, read_platform_data
from huitong.risk.fraud.training import FRAUD_MODEL_NAME, TrainingData, TrainingDataTooFew

SMALL = ["--from", "simulator", "--customers", "900", "--days", "90"]
NAMES = FeatureNames(
    id=uuid.UUID(int=1),
    names=tuple(sorted(PAYMENT_FEATURES)),
    types=tuple(PAYMENT_FEATURES[name] for name in sorted(PAYMENT_FEATURES)),
)
NOW = datetime(2026, 11, 26, 4, tzinfo=UTC)
_BASES = {
    FeatureType.INTEGER: 7,
    FeatureType.NUMBER: 0.5,
    FeatureType.FLAG: True,
    FeatureType.TEXT: "transfer",
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["risk", "train", *arguments])


def make_decision(number: int, at: datetime, **values: Value) -> Decision:
    """A decision whose id is as late as `number`."""
    row = {name: _BASES[kind] for name, kind in PAYMENT_FEATURES.items()} | values
    (packed,) = pack_rows(make_columns(PAYMENT_FEATURES, [row]))
    return Decision(
        id=uuid.UUID(int=number + 1),
        purpose=Purpose.PAYMENT,
        action=Action.ALLOW,
        decided_at=at,
        version_id=uuid.UUID(int=9),
        names_id=NAMES.id,
        packed=packed,
    )


async def keep(
    database: Database, decisions: Sequence[Decision], frauds: Sequence[int] = ()
) -> None:
    async with database.unit_of_work() as uow:
        await store.put_names(uow, NAMES)
        for _, batch in groupby(decisions, key=lambda each: (each.decided_at, each.names_id)):
            await record_decisions(uow, list(batch))
        await put_labels(
            uow, [make_label(decisions[number], is_fraud=True) for number in frauds], now=NOW
        )


def make_label(decision: Decision, *, is_fraud: bool) -> Label:
    return Label(decision_id=decision.id, is_fraud=is_fraud, source=LabelSource.CASE)


async def read(database: Database) -> TrainingData:
    async with database.reading() as uow:
        return await read_platform_data(uow, now=NOW)


class TestSimulator:
    def test_a_dry_run_prints_the_card_of_the_model_that_is_written(self, tmp_path: Path) -> None:
        done = run(*SMALL, "--seed", "3", "--dry-run")
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith("# payment_fraud\n")
        assert "| Kind of fraud | Payments | above 0.05 |" in done.stdout
        assert "`huitong risk train --from simulator --seed 3 --customers 900 --days 90`" in (
            done.stdout
        )
        assert "Training on" in done.stderr
        for name in ("one", "two"):
            written = run(*SMALL, "--seed", "3", "--into", str(tmp_path / name))
            assert written.exit_code == 0, written.output
        assert (tmp_path / "one" / "card.md").read_text() + "\n" == done.stdout
        for each in (tmp_path / "one").iterdir():
            assert each.read_bytes() == (tmp_path / "two" / each.name).read_bytes(), each.name

    def test_too_small_a_town_is_told_with_numbers(self) -> None:
        done = run("--from", "simulator", "--customers", "100", "--days", "10", "--dry-run")
        assert isinstance(done.exception, TrainingDataTooFew)
        assert "5,000 payments whose labels are known are needed" in done.exception.detail

    def test_a_town_of_nobody_is_refused(self) -> None:
        done = run("--from", "simulator", "--customers", "0", "--dry-run")
        assert isinstance(done.exception, Refusal)
        assert done.exception.field == "customers"


class TestPlatform:
    @pytest.fixture(autouse=True)
    def _environment(self, owner_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUITONG_DATABASE_URL", owner_url)
        monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)

    def test_it_registers_what_it_learnt_from_decisions_and_labels(self, owner_url: str) -> None:
        random = np.random.default_rng(2)
        began = datetime.now(UTC) - timedelta(days=60)
        decisions, frauds = [], []
        for number in range(6_000):
            amount = int(random.integers(1, 1_000))
            is_fraud = random.random() < 0.05
            if is_fraud:
                amount += 900
                frauds.append(number)
            # The last of them are younger than a week.
            at = began + timedelta(hours=12 * (number // 50))
            decisions.append(make_decision(number, at, amount=amount))
        asyncio.run(self._keep(owner_url, decisions, frauds))
        matured = sum(
            each.decided_at <= datetime.now(UTC) - timedelta(days=7) for each in decisions
        )

        done = run("--from", "platform")

        assert done.exit_code == 0, done.output
        assert done.stdout.startswith(f"{FRAUD_MODEL_NAME} version 1, ")
        assert "shadow" in done.stderr
        (model,) = asyncio.run(self._list(owner_url))
        assert (model.version, model.status.value, model.registered_by) == (1, "shadow", "cli")
        assert model.feature_names == PATH_MODEL
        assert 5_000 < matured < 6_000
        assert sum(model.metrics["rows"].values()) == matured
        assert model.metrics["auc_roc"] > 0.95
        assert "Decisions of this platform" in model.card

    @staticmethod
    async def _keep(owner_url: str, decisions: list[Decision], frauds: list[int]) -> None:
        async with Database(owner_url, role="huitong_app", size=1) as database:
            await keep(database, decisions, frauds)

    @staticmethod
    async def _list(owner_url: str) -> Sequence[object]:
        async with Database(owner_url, role="huitong_app", size=1) as database:
            return await database.run(lambda uow: list_models(uow, FRAUD_MODEL_NAME))

    def test_a_platform_without_history_says_what_is_missing(self, owner_url: str) -> None:
        done = run()
        assert isinstance(done.exception, TrainingDataTooFew)
        assert "5,000 payments" in done.exception.detail
        assert "there are 0" in done.exception.detail
        assert asyncio.run(self._list(owner_url)) == []

    def test_no_fraud_is_nothing_to_learn_from(self, owner_url: str) -> None:
        began = datetime.now(UTC) - timedelta(days=60)
        decisions = [make_decision(number, began) for number in range(5_001)]
        asyncio.run(self._keep(owner_url, decisions, [4, 5]))
        done = run()
        assert isinstance(done.exception, TrainingDataTooFew)
        assert done.exception.detail == "100 frauds among them are needed, and there are 2"


class TestReading:
    async def test_only_payments_that_are_a_week_old_are_read(self, database: Database) -> None:
        week = NOW - timedelta(days=7)
        ages = [timedelta(days=1), timedelta(0), -timedelta(microseconds=1)]
        decisions = [
            make_decision(number, week - age, amount=100 + number)
            for number, age in enumerate(ages)
        ]
        other = replace(make_decision(9, week), purpose=Purpose.LOG_IN)
        await keep(database, [*decisions, other], frauds=[1])
        data = await read(database)
        amounts = data.matrix[:, PATH_MODEL.index("amount")]
        assert amounts.tolist() == [100.0, 101.0]
        assert data.labels.tolist() == [0.0, 1.0]
        assert data.last_on.isoformat() == "2026-11-19"

    async def test_values_are_what_the_decision_was_made_from(self, database: Database) -> None:
        await keep(
            database,
            [make_decision(0, NOW - timedelta(days=9), is_new_payee=False, paid_1h=None)],
        )
        (row,) = (await read(database)).matrix
        expected = [
            float(_BASES[PAYMENT_FEATURES[name]])
            for name in PATH_MODEL
            if name not in ("is_new_payee", "paid_1h")
        ]
        kept = [
            value
            for name, value in zip(PATH_MODEL, row, strict=True)
            if name not in ("is_new_payee", "paid_1h")
        ]
        assert kept == expected
        assert row[PATH_MODEL.index("is_new_payee")] == 0.0
        assert np.isnan(row[PATH_MODEL.index("paid_1h")])

    async def test_a_later_label_replaces_an_earlier_one(self, database: Database) -> None:
        decision = make_decision(0, NOW - timedelta(days=9))
        await keep(database, [decision], frauds=[0])
        async with database.unit_of_work() as uow:
            await put_labels(uow, [make_label(decision, is_fraud=False)], now=NOW)
        assert (await read(database)).labels.tolist() == [0.0]

    async def test_what_was_refused_counts_only_with_a_label(self, database: Database) -> None:
        at = NOW - timedelta(days=9)
        decisions = [
            replace(make_decision(number, at, amount=number, is_strong=is_strong), action=action)
            for number, (action, is_strong) in enumerate(
                [
                    (Action.BLOCK, True),
                    (Action.STEP_UP, False),
                    (Action.STEP_UP, True),
                    (Action.BLOCK, True),
                    (Action.REVIEW, False),
                    (Action.DELAY, True),
                    (Action.ALLOW, False),
                ]
            )
        ]
        await keep(database, decisions, frauds=[3])
        data = await read(database)
        assert data.matrix[:, PATH_MODEL.index("amount")].tolist() == [2.0, 3.0, 5.0, 6.0]
        assert data.labels.tolist() == [0.0, 1.0, 0.0, 0.0]

    async def test_features_that_were_not_computed_then_are_unknown(
        self, database: Database
    ) -> None:
        names = FeatureNames(id=uuid_of(2), names=("amount",), types=(FeatureType.INTEGER,))
        (packed,) = pack_rows(make_columns({"amount": FeatureType.INTEGER}, [{"amount": 5}]))
        old = replace(make_decision(0, NOW - timedelta(days=9)), names_id=names.id, packed=packed)
        async with database.unit_of_work() as uow:
            await store.put_names(uow, names)
        await keep(database, [old])
        (row,) = (await read(database)).matrix
        assert row[PATH_MODEL.index("amount")] == 5.0
        assert np.isnan(np.delete(row, PATH_MODEL.index("amount"))).all()

    async def test_values_without_names_are_a_fault(self, database: Database) -> None:
        lost = replace(make_decision(0, NOW - timedelta(days=9)), names_id=uuid_of(3))
        await keep(database, [lost])
        with pytest.raises(FeatureNamesMissing):
            await read(database)


def uuid_of(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)
