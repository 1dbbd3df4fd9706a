"""`huitong keys` rotates, rewraps and retires master keys from the command line."""

import asyncio
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from huitong.cli.keys import app
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.kernel.settings import Settings
from huitong.privacy import MasterKeyInUse, Vault
from huitong.wiring.loops import make_loops

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
FIELDS = {"customers.people.name": "张小三"}


@pytest.fixture
def home(owner_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HUITONG_DATABASE_URL", owner_url)
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path))
    monkeypatch.delenv("HUITONG_MASTER_KEYS", raising=False)
    return tmp_path


def call(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def seal_for_three(owner_url: str, home: Path) -> dict[uuid.UUID, dict[str, bytes]]:
    async def seal() -> dict[uuid.UUID, dict[str, bytes]]:
        vault = Vault(load_key_ring(home))
        async with (
            Database(owner_url, role="huitong_app") as database,
            database.unit_of_work() as uow,
        ):
            return await vault.seal_many(uow, {uuid7(): FIELDS for _ in range(3)})

    return asyncio.run(seal())


def test_rotates_rewraps_and_retires(home: Path, owner_url: str) -> None:
    sealed = seal_for_three(owner_url, home)
    document = (home / "keys" / "master.json").read_text()

    rotated = call("rotate-master")
    again = call("rewrap")
    with pytest.raises(MasterKeyInUse):
        call("retire-master", "2")
    call("rotate-master")
    retired = call("retire-master", "2")
    call("retire-master", "1")

    assert rotated == (
        "Master key 2 wraps data keys from now on.\n3 data keys were wrapped with master key 2.\n"
    )
    assert again == "0 data keys were wrapped with master key 2.\n"
    assert "Master key 2 is gone" in retired
    assert load_key_ring(home).numbers == [3]
    for secret in re.findall(r"[A-Za-z0-9+/]{43}=", document):
        assert secret not in rotated + again + retired

    async def open_all() -> dict[uuid.UUID, dict[str, str] | None]:
        async with Database(owner_url, role="huitong_app") as database, database.reading() as uow:
            return await Vault(load_key_ring(home)).open_many(uow, sealed)

    assert asyncio.run(open_all()) == dict.fromkeys(sealed, FIELDS)


async def test_the_worker_rewraps_by_itself(database: Database, tmp_path: Path) -> None:
    ring = load_key_ring(tmp_path)
    async with database.unit_of_work() as uow:
        await Vault(ring).seal_many(uow, {uuid7(): FIELDS for _ in range(3)})
    ring.add_master_key()
    loops = {loop.name: loop for loop in make_loops(Settings(home=tmp_path))}

    async with database.reading() as uow:
        before = await uow.fetch_value("SELECT max(master_key) FROM privacy.subject_keys")
        is_more = await loops["privacy.rewrap_data_keys"].step(database, NOW)
        after = await uow.fetch_value("SELECT min(master_key) FROM privacy.subject_keys")

    assert (before, is_more, after) == (1, False, 2)
