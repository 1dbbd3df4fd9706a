"""Sessions and devices: how long they live, how they end, and how soon every process knows."""

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from huitong import identity
from huitong.identity.flows import leaving
from huitong.identity.policies import SESSION_POLICIES
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import SYSTEM, Database, DatabaseUnavailable
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7


class Seconds:
    """A clock of seconds for a cache, moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


class CountingDatabase:
    """A database that counts how often it is asked."""

    def __init__(self, database: Database) -> None:
        self.database, self.asked = database, 0

    def reading(self) -> Any:
        self.asked += 1
        return self.database.reading()

    def unit_of_work(self) -> Any:
        self.asked += 1
        return self.database.unit_of_work()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def counting(house: Any) -> CountingDatabase:
    return CountingDatabase(house.desk.database)


@pytest.fixture
def cache(counting: Any, seconds: Seconds) -> identity.SessionCache:
    return identity.SessionCache(counting, clock=seconds)


async def test_ends_after_its_time_however_busy(house: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    policy = SESSION_POLICIES[identity.Audience.CUSTOMER]
    minutes = policy.live_seconds // 60
    for _ in range(0, minutes - 20, 20):
        house.advance(minutes=20)
        assert await house.desk.sessions.authenticate(issued.token, now=house.now)
    house.advance(minutes=20)
    assert await house.desk.sessions.authenticate(issued.token, now=house.now) is None


async def test_ends_when_nobody_uses_it(house: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    house.advance(seconds=SESSION_POLICIES[identity.Audience.CUSTOMER].idle_seconds)
    assert await house.desk.sessions.authenticate(issued.token, now=house.now) is None
    found = await house.run(lambda uow: identity.find_session(uow, issued.token, now=house.now))
    assert found is None


async def test_a_staff_session_is_shorter(house: Any) -> None:
    customer = SESSION_POLICIES[identity.Audience.CUSTOMER]
    staff = SESSION_POLICIES[identity.Audience.STAFF]
    assert staff.live_seconds < customer.live_seconds
    assert staff.idle_seconds < customer.idle_seconds


async def test_use_through_a_cache_keeps_it_alive(house: Any, cache: Any, seconds: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    for _ in range(4):
        await cache.learn_news()
        assert await cache.authenticate(issued.token, now=house.now)
        house.advance(minutes=20)
        assert await cache.authenticate(issued.token, now=house.now)
        await asyncio.gather(*cache._renewals)
    rows = await house.query("SELECT last_seen_at FROM identity.sessions")
    assert rows[0].last_seen_at == house.now


async def test_asks_the_database_once_while_there_is_news(
    house: Any, cache: Any, counting: Any, seconds: Any
) -> None:
    await house.open_login()
    issued = await house.log_in()
    await cache.learn_news()
    counting.asked = 0
    for _ in range(50):
        assert await cache.authenticate(issued.token, now=house.now) == issued.session
    assert counting.asked == 1


async def test_without_news_for_two_seconds_every_check_asks(
    house: Any, cache: Any, counting: Any, seconds: Any
) -> None:
    await house.open_login()
    issued = await house.log_in()
    await cache.learn_news()
    await cache.authenticate(issued.token, now=house.now)
    seconds.at += limits.SESSION_NEWS_SECONDS_MAX
    counting.asked = 0
    for _ in range(3):
        assert await cache.authenticate(issued.token, now=house.now)
    assert counting.asked == 3
    await leaving.log_out(house.desk, session=issued.session, caller=SYSTEM, now=house.now)
    assert await cache.authenticate(issued.token, now=house.now) is None


async def test_another_process_forgets_a_revoked_session_with_its_next_news(
    house: Any, cache: Any, counting: Any
) -> None:
    await house.open_login()
    issued = await house.log_in()
    await cache.learn_news()
    assert await cache.authenticate(issued.token, now=house.now)
    await leaving.log_out(house.desk, session=issued.session, caller=SYSTEM, now=house.now)
    # The process that revoked it knows at once, the other one with its next question.
    assert await house.desk.sessions.authenticate(issued.token, now=house.now) is None
    assert await cache.authenticate(issued.token, now=house.now)
    await cache.learn_news()
    assert await cache.authenticate(issued.token, now=house.now) is None


async def test_a_revocation_that_commits_after_a_later_one_is_not_missed(
    house: Any, cache: Any
) -> None:
    await house.open_login()
    await house.open_login("13800000002")
    slow, quick = await house.log_in(), await house.log_in("13800000002")
    await cache.learn_news()
    for issued in (slow, quick):
        assert await cache.authenticate(issued.token, now=house.now)
    async with house.desk.database.unit_of_work() as uow:
        await uow.execute(
            "UPDATE identity.sessions SET revoked_at = :now, revoked_because = 'revoked' "
            "WHERE id = :id",
            now=house.now,
            id=slow.session.id,
        )
        await leaving.log_out(house.desk, session=quick.session, caller=SYSTEM, now=house.now)
        await cache.learn_news()
        assert await cache.authenticate(quick.token, now=house.now) is None
        assert await cache.authenticate(slow.token, now=house.now)
    await cache.learn_news()
    assert await cache.authenticate(slow.token, now=house.now) is None


async def test_a_session_that_is_revoked_while_it_is_read_is_not_remembered(
    house: Any, cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huitong.identity.store import sessions as store

    await house.open_login()
    issued = await house.log_in()
    await cache.learn_news()
    find = store.find_session_by_digest

    async def find_slowly(uow: Any, digest: bytes) -> Any:
        found = await find(uow, digest)
        monkeypatch.undo()
        await leaving.log_out(house.desk, session=issued.session, caller=SYSTEM, now=house.now)
        await cache.learn_news()
        return found

    monkeypatch.setattr(store, "find_session_by_digest", find_slowly)
    # Read before the revocation, so it is believed this once, and never again.
    assert await cache.authenticate(issued.token, now=house.now)
    assert await cache.authenticate(issued.token, now=house.now) is None


async def test_more_revocations_than_fit_one_answer_make_it_forget_everything(
    house: Any, cache: Any, counting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SESSION_REVOCATIONS_AT_ONCE_MAX", 1)
    await house.open_login()
    await house.open_login("13800000002")
    first, second = await house.log_in(), await house.log_in("13800000002")
    await cache.learn_news()
    for issued in (first, second):
        await cache.authenticate(issued.token, now=house.now)
    for issued in (first, second):
        await leaving.log_out(house.desk, session=issued.session, caller=SYSTEM, now=house.now)
    await cache.learn_news()
    assert cache._entries == {}


async def test_holds_no_more_sessions_than_it_may(house: Any, seconds: Any) -> None:
    await house.open_login()
    tokens = []
    for _ in range(3):
        tokens.append((await house.log_in()).token)
        house.advance(minutes=1)
    cache = identity.SessionCache(house.desk.database, clock=seconds, entries_max=2)
    await cache.learn_news()
    for token in tokens:
        assert await cache.authenticate(token, now=house.now)
    assert (len(cache._entries), len(cache._digests)) == (2, 2)


async def test_many_unknown_tokens_ask_once_each_and_push_nobody_out(
    house: Any, cache: Any, counting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SESSION_UNKNOWN_ENTRIES_MAX", 5)
    await house.open_login()
    issued = await house.log_in()
    await cache.learn_news()
    await cache.authenticate(issued.token, now=house.now)
    counting.asked = 0
    for number in range(20):
        token = f"hts_{number:043d}"
        assert await cache.authenticate(token, now=house.now) is None
        assert await cache.authenticate(token, now=house.now) is None
    assert counting.asked == 20
    assert len(cache._unknown) == 5
    assert await cache.authenticate(issued.token, now=house.now)
    assert counting.asked == 20


@pytest.mark.parametrize("token", ["", "hts_", "htk_" + "A" * 43, "hts_" + "A" * 42 + "é"])
async def test_what_cannot_be_a_token_asks_nobody(
    house: Any, cache: Any, counting: Any, token: str
) -> None:
    assert await cache.authenticate(token, now=house.now) is None
    assert counting.asked == 0


async def test_a_watcher_tells_within_two_seconds(house: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    other = identity.SessionCache(house.desk.database)
    await other.start()
    while not other._has_news():  # noqa: ASYNC110 - the cache has no event for it
        await asyncio.sleep(0.01)
    assert await other.authenticate(issued.token, now=house.now)
    await leaving.log_out(house.desk, session=issued.session, caller=SYSTEM, now=house.now)
    async with asyncio.timeout(limits.SESSION_NEWS_SECONDS_MAX):
        while await other.authenticate(issued.token, now=house.now):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await other.stop()


async def test_a_database_that_is_away_is_named_and_nothing_is_believed(
    house: Any, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.open_login()
    issued = await house.log_in()
    async with Database("postgresql://nobody@127.0.0.1:1/none") as nowhere:
        cache = identity.SessionCache(house.desk.database, clock=seconds)
        await cache.learn_news()
        assert await cache.authenticate(issued.token, now=house.now)
        monkeypatch.setattr(cache, "_database", nowhere)
        # A renewal that fails leaves what is known; the news that stay out make it worthless.
        house.advance(minutes=2)
        assert await cache.authenticate(issued.token, now=house.now)
        await asyncio.gather(*cache._renewals)
        assert await cache.authenticate(issued.token, now=house.now)
        with pytest.raises(DatabaseUnavailable):
            await cache.learn_news()
        seconds.at += limits.SESSION_NEWS_SECONDS_MAX
        with pytest.raises(DatabaseUnavailable):
            await cache.authenticate(issued.token, now=house.now)
        monkeypatch.setattr(cache, "_database", house.desk.database)
        assert await cache.authenticate(issued.token, now=house.now)


async def test_a_watcher_goes_on_when_the_database_comes_back(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SESSION_NEWS_INTERVAL_SECONDS", 0.01)
    async with Database("postgresql://nobody@127.0.0.1:1/none") as nowhere:
        cache = identity.SessionCache(nowhere)
        await cache.start()
        await asyncio.sleep(0.05)
        assert not cache._has_news()
        monkeypatch.setattr(cache, "_database", house.desk.database)
        async with asyncio.timeout(10):
            while not cache._has_news():  # noqa: ASYNC110 - the cache has no event for it
                await asyncio.sleep(0.01)
        await cache.stop()


async def test_a_suspended_login_has_no_sessions_and_opens_none(house: Any) -> None:
    login = await house.open_login()
    issued = await house.log_in()
    await house.run(lambda uow: identity.suspend_login(uow, login_id=login.id, now=house.now))
    await house.desk.sessions.learn_news()
    assert await house.desk.sessions.authenticate(issued.token, now=house.now) is None
    house.advance(minutes=1)
    with pytest.raises(identity.LogInRefused):
        await house.log_in()
    restored = await house.run(
        lambda uow: identity.restore_login(uow, login_id=login.id, now=house.now)
    )
    assert restored.state is identity.LoginState.ACTIVE
    assert await house.desk.sessions.authenticate(issued.token, now=house.now) is None
    house.advance(minutes=1)
    assert (await house.log_in()).token


async def test_a_closed_login_stays_closed_and_frees_its_number(house: Any) -> None:
    login = await house.open_login()
    for _ in range(2):
        closed = await house.run(
            lambda uow: identity.close_login(uow, login_id=login.id, now=house.now)
        )
        assert closed.state is identity.LoginState.CLOSED
    with pytest.raises(identity.LoginClosed):
        await house.run(lambda uow: identity.restore_login(uow, login_id=login.id, now=house.now))
    assert (await house.open_login()).id != login.id


async def test_a_number_and_a_person_have_one_login(house: Any) -> None:
    login = await house.open_login()

    def opening(**changes: Any) -> Any:
        facts = {
            "login_id": uuid7(),
            "subject_id": uuid7(),
            "audience": identity.Audience.CUSTOMER,
            "mobile": "13800000001",
            **changes,
        }
        return house.run(
            lambda uow: identity.open_login(uow, vault=house.desk.vault, now=house.now, **facts)
        )

    with pytest.raises(identity.MobileHasLogin) as refused:
        await opening()
    assert "138" not in refused.value.detail
    with pytest.raises(identity.LoginExists):
        await opening(subject_id=login.subject_id, mobile="13800000002")
    with pytest.raises(identity.LoginExists):
        await opening(login_id=login.id)
    assert await opening(login_id=login.id, subject_id=login.subject_id) == login
    # The same person may be one of the staff, with a login of its own.
    assert await opening(subject_id=login.subject_id, audience=identity.Audience.STAFF)
    results = await asyncio.gather(
        *(opening(mobile="13800000003") for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, identity.MobileHasLogin) for each in results) == 3


async def test_a_device_is_known_again_by_its_token(house: Any) -> None:
    await house.open_login()
    first = await house.log_in(client=replace(house.client, device_name="手机"))
    house.advance(minutes=1)
    known = replace(house.client, device_token=first.device_token)
    second = await house.log_in(client=known)
    assert second.session.device_id == first.session.device_id
    assert second.device_token is None
    rows = await house.query("SELECT is_new_device FROM identity.attempts ORDER BY id")
    assert [row.is_new_device for row in rows] == [True, False]


async def test_another_login_s_device_token_is_worth_nothing(house: Any) -> None:
    await house.open_login()
    await house.open_login("13800000002")
    first = await house.log_in()
    stolen = replace(house.client, device_token=first.device_token)
    second = await house.log_in("13800000002", client=stolen)
    assert second.session.device_id != first.session.device_id
    assert second.device_token is not None


async def test_an_unbound_device_is_new_again(house: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    await leaving.unbind_device(
        house.desk,
        session=issued.session,
        device_id=issued.session.device_id,
        caller=SYSTEM,
        now=house.now,
    )
    assert await house.desk.sessions.authenticate(issued.token, now=house.now) is None
    house.advance(minutes=1)
    again = await house.log_in(client=replace(house.client, device_token=issued.device_token))
    assert again.device_token is not None
    with pytest.raises(identity.DeviceNotFound):
        await leaving.unbind_device(
            house.desk,
            session=again.session,
            device_id=issued.session.device_id,
            caller=SYSTEM,
            now=house.now,
        )


async def test_devices_and_sessions_of_one_login_are_bounded(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DEVICES_PER_LOGIN_MAX", 3)
    monkeypatch.setattr(limits, "SESSIONS_PER_LOGIN_MAX", 2)
    await house.with_password()
    issued = []
    for _ in range(4):
        house.advance(minutes=1)
        issued.append(await house.log_in_by_password())
    sessions = await house.run(
        lambda uow: identity.list_sessions(uow, login_id=issued[0].session.login_id, now=house.now)
    )
    assert [each.id for each in sessions] == [each.session.id for each in issued[2:]]
    devices = await house.run(
        lambda uow: identity.list_devices(uow, vault=house.desk.vault, session=issued[3].session)
    )
    assert [each.id for each in devices] == [each.session.device_id for each in issued[1:]]


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\nb"])
async def test_a_device_s_name_is_for_people(house: Any, name: str) -> None:
    await house.open_login()
    issued = await house.log_in()
    with pytest.raises(InvalidField) as refused:
        await house.run(
            lambda uow: identity.rename_device(
                uow,
                vault=house.desk.vault,
                session=issued.session,
                device_id=issued.session.device_id,
                name=name,
                now=house.now,
            )
        )
    assert refused.value.field == "device_name"


async def test_nobody_ends_another_s_session(house: Any) -> None:
    await house.open_login()
    await house.open_login("13800000002")
    mine, theirs = await house.log_in(), await house.log_in("13800000002")
    with pytest.raises(identity.SessionNotFound):
        await leaving.end_session(
            house.desk,
            session=mine.session,
            session_id=theirs.session.id,
            caller=SYSTEM,
            now=house.now,
        )
    ended = await leaving.end_other_sessions(
        house.desk, session=mine.session, caller=SYSTEM, now=house.now
    )
    assert ended == 0
    assert await house.desk.sessions.authenticate(theirs.token, now=house.now)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE identity.sessions SET revoked_at = NULL, revoked_because = NULL",
        "UPDATE identity.sessions SET expires_at = expires_at + interval '1 day'",
        "UPDATE identity.one_time_codes SET used_at = NULL",
        "UPDATE identity.attempts SET outcome = 'wrong'",
        "DELETE FROM identity.attempts",
        "DELETE FROM identity.sessions",
        "UPDATE identity.logins SET mobile_index = decode(repeat('00', 32), 'hex')",
        "UPDATE identity.logins SET password_hash = 'plain', password_changed_at = now()",
        "DELETE FROM identity.logins",
    ],
)
async def test_the_database_keeps_what_must_not_change(house: Any, statement: str) -> None:
    await house.open_login()
    issued = await house.log_in()
    await leaving.log_out(house.desk, session=issued.session, caller=SYSTEM, now=house.now)
    with pytest.raises(DBAPIError):
        await house.query(statement)


async def test_what_is_over_is_pruned_and_the_rest_is_kept(house: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    house.advance(minutes=1)
    await identity.start_step_up(
        house.desk,
        session=issued.session,
        act=identity.Act(kind="payments.withdraw"),
        factor=identity.Factor.ONE_TIME_CODE,
        client=house.client,
        caller=SYSTEM,
        now=house.now,
    )
    await house.ask_passkey()
    house.advance(hours=limits.LOG_IN_KEEP_HOURS, minutes=6)
    await house.ask_code("13800000009")
    pruned = await house.run(lambda uow: identity.prune_what_is_over(uow, now=house.now))
    # The most of one kind: counters of an address, a device and two numbers that never failed.
    assert pruned == 4
    counts = {
        table: await house.count(f"identity.{table}")
        for table in ("one_time_codes", "challenges", "step_ups", "sessions", "attempts", "logins")
    }
    assert counts == {
        "one_time_codes": 1,
        "challenges": 0,
        "step_ups": 0,
        "sessions": 1,
        "attempts": 1,
        "logins": 1,
    }


async def test_ids_that_belong_to_nothing_are_named_refusals(house: Any) -> None:
    for command in (identity.suspend_login, identity.restore_login, identity.close_login):
        with pytest.raises(identity.LoginNotFound):
            await house.run(
                lambda uow, command=command: command(uow, login_id=uuid.UUID(int=7), now=house.now)
            )
