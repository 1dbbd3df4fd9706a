"""A policy with small numbers, and what the tests of the watch share."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from huitong import operations
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.operations import Entity, Measured, SignalKind
from huitong.operations.signals import SignalCounter
from huitong.operations.store import signals as store

NOW = datetime(2026, 11, 26, 4, 30, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def policy() -> operations.Policy:
    """What the rulebook says today."""
    return operations.read_policy(Rulebook.load(), date(2026, 11, 26))


@pytest.fixture
def note(database: Database) -> Callable[..., Awaitable[None]]:
    """Write a signal as a process does: so many times, or about so many things."""

    async def write(
        kind: SignalKind, entity: Entity, count: int = 1, *, things: int = 0, at: datetime = NOW
    ) -> None:
        counter = SignalCounter()
        if things:
            for number in range(things):
                counter.note(kind, entity, about=f"/v1/payments/{number}".encode())
        else:
            counter.note(kind, entity, count=count)
        rows = counter.take()
        await database.run(lambda uow: store.add_signals(uow, rows, now=at))

    return write


@pytest.fixture
def look(database: Database, policy: operations.Policy) -> Callable[..., Awaitable[Any]]:
    """Evaluate once; returns the incidents by kind and entity."""

    async def evaluate(at: datetime = NOW, measured: Measured | None = None) -> dict[Any, Any]:
        found = await database.run(
            lambda uow: operations.evaluate(
                uow, policy=policy, measured=measured or Measured(), now=at
            )
        )
        assert found is not None
        return {(each.kind.value, each.entity.name): each for each in found.incidents}

    return evaluate
