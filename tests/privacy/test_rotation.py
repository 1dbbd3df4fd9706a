"""Master keys rotate while everything goes on: nothing that was sealed is lost."""

import asyncio
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from huitong.kernel import audit
from huitong.kernel.cryptography import (
    KeyRing,
    MasterKeysUnchangeable,
    MasterKeyUnknown,
    load_key_ring,
)
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.privacy import (
    DataDestroyed,
    MasterKeyInUse,
    Vault,
    WrongSecrets,
    count_outdated,
    retire_master_key,
    rewrap,
    rotate_master_key,
)

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
FIELDS = {"customers.people.name": "张小三", "customers.people.mobile": "13800001234"}

Sealed = dict[uuid.UUID, dict[str, bytes]]


async def seal_for_new(database: Database, vault: Vault, count: int) -> Sealed:
    async with database.unit_of_work() as uow:
        return await vault.seal_many(uow, {uuid7(): FIELDS for _ in range(count)})


async def rotate(database: Database, ring: KeyRing) -> int:
    async with database.unit_of_work() as uow:
        return await rotate_master_key(uow, ring)


async def rewrap_some(database: Database, ring: KeyRing, limit: int = 1_000) -> int:
    async with database.unit_of_work() as uow:
        return await rewrap(uow, ring, limit=limit)


async def assert_all_open(database: Database, vault: Vault, sealed: Sealed) -> None:
    async with database.reading() as uow:
        assert await vault.open_many(uow, sealed) == dict.fromkeys(sealed, FIELDS)


async def test_rewraps_in_steps_that_another_process_may_go_on_with(
    database: Database, vault: Vault, ring: KeyRing, tmp_path: Path
) -> None:
    sealed = await seal_for_new(database, vault, 5)
    assert await rewrap_some(database, ring) == 0

    assert await rotate(database, ring) == 2
    first = await rewrap_some(database, ring, limit=2)
    other = load_key_ring(tmp_path)
    second = await rewrap_some(database, other, limit=2)
    async with database.reading() as uow:
        left = await count_outdated(uow, other)
    last = await rewrap_some(database, other, limit=2)
    nothing = await rewrap_some(database, other, limit=2)

    assert (first, second, left, last, nothing) == (2, 2, 1, 1, 0)
    await assert_all_open(database, vault, sealed)
    await assert_all_open(database, Vault(other), sealed)
    async with database.reading() as uow:
        rows = await uow.execute("SELECT DISTINCT master_key FROM privacy.subject_keys")
        (trail,) = await audit.list_records(uow)
    assert [row.master_key for row in rows] == [2]
    assert (trail.action, trail.subject) == ("privacy.rotate_master_key", "master_key 2")


async def test_a_process_from_before_the_rotation_reads_and_seals_on(
    database: Database, vault: Vault, tmp_path: Path
) -> None:
    sealed = await seal_for_new(database, vault, 2)
    operator = load_key_ring(tmp_path)
    await rotate(database, operator)
    await rewrap_some(database, operator)

    await assert_all_open(database, vault, sealed)
    new = await seal_for_new(database, vault, 2)

    await assert_all_open(database, Vault(operator), sealed | new)
    async with database.reading() as uow:
        assert await count_outdated(uow, operator) == 0


async def test_rewrapping_in_mid_use_loses_nothing(
    database: Database, vault: Vault, ring: KeyRing
) -> None:
    sealed = await seal_for_new(database, vault, 20)
    subjects = list(sealed)

    async def use(subject_id: uuid.UUID) -> None:
        async with database.unit_of_work() as uow:
            again = await vault.seal(uow, subject_id, FIELDS)
            assert await vault.open(uow, subject_id, again) == FIELDS

    async def rewrap_until_done() -> None:
        async with database.reading() as uow:
            while await count_outdated(uow, ring):
                await rewrap_some(database, ring, limit=3)

    await rotate(database, ring)
    await asyncio.gather(*(use(each) for each in subjects * 2), rewrap_until_done())

    await assert_all_open(database, vault, sealed)
    await assert_all_open(database, Vault(ring), sealed)
    async with database.reading() as uow:
        counts = await uow.execute("SELECT DISTINCT seals FROM privacy.subject_keys")
    assert [row.seals for row in counts] == [6]


async def test_two_that_rewrap_at_once_share_the_work(
    database: Database, vault: Vault, ring: KeyRing
) -> None:
    sealed = await seal_for_new(database, vault, 12)
    await rotate(database, ring)

    done = await asyncio.gather(*(rewrap_some(database, ring, limit=4) for _ in range(6)))
    done.append(await rewrap_some(database, ring))

    assert sum(done) == 12
    await assert_all_open(database, vault, sealed)


async def test_destroyed_keys_are_not_wrapped_again(
    database: Database, vault: Vault, ring: KeyRing
) -> None:
    sealed = await seal_for_new(database, vault, 2)
    gone, kept = sealed
    async with database.unit_of_work() as uow:
        await vault.destroy(uow, gone, now=NOW)
    await rotate(database, ring)

    assert await rewrap_some(database, ring) == 1

    async with database.reading() as uow:
        with pytest.raises(DataDestroyed):
            await vault.open(uow, gone, sealed[gone])
        assert await vault.open(uow, kept, sealed[kept]) == FIELDS


async def test_retires_a_key_only_when_it_wraps_nothing(
    database: Database, vault: Vault, ring: KeyRing
) -> None:
    sealed = await seal_for_new(database, vault, 2)
    (first, _) = sealed
    async with database.reading() as uow:
        old_wrapped = await uow.fetch_value(
            "SELECT wrapped FROM privacy.subject_keys WHERE subject_id = :id", id=first
        )
    await rotate(database, ring)

    async with database.unit_of_work() as uow:
        with pytest.raises(MasterKeyInUse, match="2 data keys"):
            await retire_master_key(uow, ring, 1)
    await rewrap_some(database, ring)
    async with database.unit_of_work() as uow:
        await retire_master_key(uow, ring, 1)
    assert ring.numbers == [2]
    await assert_all_open(database, vault, sealed)

    # What a backup from before would hold opens no more.
    async with database.unit_of_work() as uow:
        await uow.execute(
            "UPDATE privacy.subject_keys SET wrapped = :old, master_key = 1 WHERE subject_id = :id",
            old=old_wrapped,
            id=first,
        )
        with pytest.raises(MasterKeyUnknown):
            await vault.open(uow, first, sealed[first])
        trail = await audit.list_records(uow)
    assert [each.action for each in trail] == [
        "privacy.retire_master_key",
        "privacy.rotate_master_key",
    ]


async def test_refuses_to_rotate_keys_that_come_from_outside(
    database: Database, ring: KeyRing, tmp_path: Path
) -> None:
    document = (tmp_path / "keys" / "master.json").read_text()
    outside = load_key_ring(tmp_path, document)

    async with database.unit_of_work() as uow:
        with pytest.raises(MasterKeysUnchangeable):
            await rotate_master_key(uow, outside)
        assert await audit.list_records(uow) == ()


async def test_refuses_to_wrap_with_a_key_that_is_another_one_elsewhere(
    database: Database, vault: Vault, ring: KeyRing, tmp_path: Path
) -> None:
    document = (tmp_path / "keys" / "master.json").read_text()
    (tmp_path / "copy" / "keys").mkdir(parents=True)
    (tmp_path / "copy" / "keys" / "master.json").write_text(document)
    sealed = await seal_for_new(database, vault, 1)
    await rotate(database, ring)
    await rewrap_some(database, ring)
    async with database.unit_of_work() as uow:
        await uow.execute("UPDATE privacy.subject_keys SET master_key = 1")

    # Two homes that each added a key number 2 of their own.
    apart = load_key_ring(tmp_path / "copy")
    apart.add_master_key()
    with pytest.raises(WrongSecrets, match="master_key_2"):
        await rewrap_some(database, apart)

    await assert_all_open(database, vault, sealed)


async def test_a_key_is_retired_only_after_those_who_wrap_with_it_are_done(
    database: Database, vault: Vault, ring: KeyRing
) -> None:
    async def retire() -> None:
        async with database.unit_of_work() as uow:
            await retire_master_key(uow, ring, 1)

    async with database.unit_of_work() as uow:
        await vault.seal(uow, uuid7(), FIELDS)
        # Another process rotates while this transaction is open: it has wrapped with key 1.
        ring.add_master_key()
        retiring = asyncio.create_task(retire())
        await asyncio.sleep(0.1)
        assert not retiring.done()

    with pytest.raises(MasterKeyInUse, match="1 data key"):
        await retiring
    assert ring.numbers == [1, 2]
