"""Decisions of the past with what became known of them, and back-tests over them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.risk.decisioning.rules.conftest import Desk

from huitong import risk
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.risk import FeatureType, Purpose
from huitong.risk.decisioning.decisions.store import put_names
from huitong.risk.decisioning.decisions.types import FeatureNames
from huitong.risk.decisioning.decisions.values import make_columns, pack_rows

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
DAY = date(2026, 11, 25)
NAMES = FeatureNames(
    id=uuid.UUID(int=1),
    names=("amount", "is_new_payee", "kind"),
    types=(FeatureType.INTEGER, FeatureType.FLAG, FeatureType.TEXT),
)
#: Decisions from before the platform knew which payees are new.
OLD_NAMES = FeatureNames(id=uuid.UUID(int=2), names=("amount",), types=(FeatureType.INTEGER,))


@dataclass(frozen=True)
class Past:
    """A decision of the past and what became known of it; `party` is whose it was."""

    amount: int
    is_new: bool | None = True
    is_fraud: bool | None = None
    party: int = 1
    at: datetime = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
    names: FeatureNames | None = NAMES


async def remember(desk: Desk, *past: Past) -> list[uuid.UUID]:
    """Write decisions of the past with their labels."""
    ids = [uuid7() for _ in past]

    async def command(uow: UnitOfWork) -> None:
        for names in (NAMES, OLD_NAMES):
            await put_names(uow, names)
        for each in zip(ids, past, strict=True):
            await risk.record_decisions(uow, [_decide(*each)])
        known = [
            risk.Label(decision_id=at, is_fraud=each.is_fraud, source=risk.LabelSource.CASE)
            for at, each in zip(ids, past, strict=True)
            if each.is_fraud is not None
        ]
        await risk.put_labels(uow, known, now=NOW)

    await desk.run(command)
    return ids


def _decide(decision_id: uuid.UUID, past: Past) -> risk.Decision:
    values: tuple[risk.Value, ...] = ()
    if past.names is NAMES:
        values = (past.amount, past.is_new, "transfer")
    elif past.names is OLD_NAMES:
        values = (past.amount,)
    return risk.Decision(
        id=decision_id,
        purpose=Purpose.PAYMENT,
        action=risk.Action.ALLOW,
        decided_at=past.at,
        fallback=risk.Fallback.SLOW if past.names is None else None,
        names_id=None if past.names is None else past.names.id,
        packed=_pack(past.names, values),
    )


def _pack(names: FeatureNames | None, values: tuple[risk.Value, ...]) -> bytes | None:
    if names is None:
        return None
    types = dict(zip(names.names, names.types, strict=True))
    row = dict(zip(names.names, values, strict=True))
    (packed,) = pack_rows(make_columns(types, [row]))
    return packed


def finder(ids: Sequence[uuid.UUID], past: Sequence[Past]) -> risk.FindParties:
    whose = {at: each.party for at, each in zip(ids, past, strict=True)}

    async def find(uow: UnitOfWork, wanted: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, int]:
        return {each: whose[each] for each in wanted}

    return find


async def backtest(
    desk: Desk, version: Any, parties: risk.FindParties | None = None, days: int = 30
) -> dict[str, Any]:
    stored = await risk.backtest_now(
        desk.database,
        backtest_id=uuid7(),
        version_id=version.id,
        days=days,
        caller=Caller(actor="stf_test"),
        now=NOW,
        parties={} if parties is None else {Purpose.PAYMENT: parties},
    )
    return dict(stored.result)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, now=NOW)
