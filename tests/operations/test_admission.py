"""One process's door: limits, counter-measures, and how it learns of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from huitong import operations
from huitong.kernel.database.unit_of_work import Database, DatabaseUnavailable
from huitong.kernel.rulebook import Rulebook
from huitong.operations import (
    Admission,
    CallerBlocked,
    ChallengeRequired,
    Entity,
    EntityKind,
    RateLimited,
    SignalKind,
)

NOW = datetime(2026, 11, 26, 4, 30, 30, tzinfo=UTC)
KEY = Entity(EntityKind.API_KEY, "key_" + "a1" * 16)
ADDRESS = Entity(EntityKind.ADDRESS, "adr_" + "d4" * 16, "192.0.2.0/24")


class Time:
    """The time of a door: both of its clocks."""

    def __init__(self) -> None:
        self.now = NOW

    def instant(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return (self.now - NOW).total_seconds()


@pytest.fixture
def time() -> Time:
    return Time()


def open_door(database: Database, time: Time, **options: Any) -> Admission:
    return Admission(
        database,
        Rulebook.load(),
        **{"processes": 2, "now": time.instant, "clock": time.seconds, **options},
    )


def count_admitted(door: Admission, tries: int) -> int:
    admitted = 0
    for _ in range(tries):
        try:
            door.admit(KEY.kind, KEY.name)
        except RateLimited:
            continue
        admitted += 1
    return admitted


async def test_a_key_has_its_quota_in_each_process(database: Database, time: Time) -> None:
    doors = [open_door(database, time) for _ in range(2)]
    assert [count_admitted(door, 2_500) for door in doors] == [2_000, 2_000]
    with pytest.raises(RateLimited) as refused:
        doors[0].admit(KEY.kind, KEY.name)
    assert refused.value.context == {
        "retry_after_seconds": 1,
        "policy": "api_key",
        "quota": 2_000,
        "window_seconds": 10,
    }
    time.now += timedelta(seconds=1)
    assert count_admitted(doors[0], 2_500) == 200


async def test_who_is_throttled_has_one_budget_over_all_processes(
    database: Database, time: Time, note: Any, look: Any
) -> None:
    await note(SignalKind.REUSED, KEY, 20)
    await look()
    doors = [open_door(database, time) for _ in range(2)]
    for door in doors:
        await door.learn_news()
    assert sum(count_admitted(door, 500) for door in doors) == 60


async def test_a_block_is_learnt_lasts_and_ends_without_news(
    database: Database, time: Time, note: Any, look: Any
) -> None:
    door = open_door(database, time)
    await door.learn_news()
    door.admit(KEY.kind, KEY.name)
    await note(SignalKind.REUSED, KEY, 100)
    await look()
    await door.learn_news()
    time.now += timedelta(minutes=29)
    with pytest.raises(CallerBlocked) as refused:
        door.admit(KEY.kind, KEY.name)
    assert refused.value.context == {"retry_after_seconds": 60}
    time.now += timedelta(minutes=1)
    door.admit(KEY.kind, KEY.name)


async def test_a_lift_is_learnt(database: Database, time: Time, note: Any, look: Any) -> None:
    await note(SignalKind.REUSED, KEY, 100)
    await look()
    door = open_door(database, time)
    await door.learn_news()
    async with database.reading() as uow:
        (taken,) = await operations.list_countermeasures(uow, now=NOW)
    await database.run(
        lambda uow: operations.lift_countermeasure(uow, taken.id, reason="a mistake", now=NOW)
    )
    with pytest.raises(CallerBlocked):
        door.admit(KEY.kind, KEY.name)
    await door.learn_news()
    door.admit(KEY.kind, KEY.name)


async def test_a_blocked_address_lets_known_credentials_in_and_few_new_ones(
    database: Database, time: Time, note: Any, look: Any
) -> None:
    door = open_door(database, time)
    door.remember_credential(b"Bearer good")
    await note(SignalKind.BAD_CREDENTIALS, ADDRESS, 100)
    await look()
    await door.learn_news()
    assert door.has_addresses
    with pytest.raises(CallerBlocked):
        door.admit(ADDRESS.kind, ADDRESS.name)
    for _ in range(500):
        door.admit_credential(ADDRESS, b"Bearer good")
    # Sixty a minute, shared by two processes.
    for number in range(30):
        door.admit_credential(ADDRESS, b"Bearer %d" % number)
    with pytest.raises(CallerBlocked):
        door.admit_credential(ADDRESS, b"Bearer another")


async def test_a_challenge_shuts_the_door_of_passwords_only(
    database: Database, time: Time, note: Any, look: Any
) -> None:
    await note(SignalKind.LOG_IN_FAILED, ADDRESS, 30)
    await look()
    door = open_door(database, time)
    await door.learn_news()
    with pytest.raises(ChallengeRequired):
        door.check_challenge(ADDRESS)
    door.admit(ADDRESS.kind, ADDRESS.name)
    door.admit_credential(ADDRESS, b"Bearer anything")


async def test_what_is_known_goes_on_to_hold_while_the_database_is_away(
    database: Database, time: Time, note: Any, look: Any
) -> None:
    await note(SignalKind.REUSED, KEY, 100)
    await look()
    door = open_door(database, time)
    await door.learn_news()
    door._database = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable):
        await door.learn_news()
    with pytest.raises(CallerBlocked):
        door.admit(KEY.kind, KEY.name)


async def test_a_door_that_does_not_enforce_lets_everybody_in(
    database: Database, time: Time, note: Any, look: Any
) -> None:
    await note(SignalKind.REUSED, KEY, 100)
    await look()
    door = open_door(database, time, is_enforcing=False)
    await door.learn_news()
    assert count_admitted(door, 5_000) == 5_000
