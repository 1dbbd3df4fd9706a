"""A vault with keys of its own for each test, and a room that keeps people's data."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from huitong.kernel.cryptography import KeyRing, load_key_ring
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.privacy import Erasure, Json, Kept, Vault

NAME, MOBILE = "club.members.name", "club.members.mobile"
FIELDS = {NAME: "张小三", MOBILE: "13812341234"}


class Broken(Exception):
    """What the room raises when it is told to fail."""


@dataclass
class Club:
    """A room that keeps names and mobiles of its members, in memory but for what it is asked."""

    vault: Vault
    room: str = "club"
    members: dict[uuid.UUID, dict[str, bytes]] = field(default_factory=dict)
    correctable: frozenset[str] = frozenset({NAME, MOBILE})
    blocking: list[str] = field(default_factory=list)
    kept: tuple[Kept, ...] = ()
    failures: int = 0
    broken: type[Exception] = Broken
    erased: int = 0
    erases: int = 1
    forgotten: list[uuid.UUID] = field(default_factory=list)

    async def export(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Mapping[str, Json]:
        self._fail_if_told()
        opened = await self.vault.open(uow, subject_id, self.members[subject_id])
        return {"member": dict(opened)}

    async def correct(
        self,
        uow: UnitOfWork,
        subject_id: uuid.UUID,
        corrections: Mapping[str, str],
        *,
        now: datetime,
    ) -> None:
        sealed = await self.vault.seal(uow, subject_id, corrections)
        self._fail_if_told()
        self.members[subject_id] |= sealed

    async def blockers(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Sequence[str]:
        return self.blocking

    async def erase(self, uow: UnitOfWork, subject_id: uuid.UUID, *, now: datetime) -> Erasure:
        await uow.execute(
            "INSERT INTO kernel.audit (id, actor, action, subject, details) "
            "VALUES (:id, 'club', 'club.erase', 'member', '{}')",
            id=uuid7(),
        )
        self._fail_if_told()
        self.erased += 1
        return Erasure(erased=self.erases, kept=self.kept)

    async def forget(self, uow: UnitOfWork, subject_id: uuid.UUID) -> None:
        self.forgotten.append(subject_id)

    def _fail_if_told(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Broken


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return load_key_ring(tmp_path)


@pytest.fixture
def vault(ring: KeyRing) -> Vault:
    return Vault(ring)


@pytest.fixture
def club(vault: Vault) -> Club:
    return Club(vault)


@pytest.fixture
async def member(database: Database, club: Club) -> uuid.UUID:
    """The subject id of a member of the club."""
    subject_id = uuid7()
    async with database.unit_of_work() as uow:
        club.members[subject_id] = await club.vault.seal(uow, subject_id, FIELDS)
    return subject_id


@pytest.fixture
def count(database: Database) -> Callable[[str], Awaitable[int]]:
    """Count the rows of a table."""

    async def count_rows(table: str) -> int:
        async with database.reading() as uow:
            return int(await uow.fetch_value(f"SELECT count(*) FROM {table}"))

    return count_rows


@pytest.fixture
def events(database: Database) -> Callable[[], Awaitable[list[tuple[str, Any]]]]:
    """Return the events in the outbox: short name and payload, oldest first."""

    async def list_events() -> list[tuple[str, Any]]:
        async with database.reading() as uow:
            rows = await uow.execute("SELECT topic, payload FROM kernel.outbox ORDER BY id")
        return [(row.topic.split(".")[1], row.payload) for row in rows]

    return list_events
