"""What identity does when somebody leaves, and what it destroys when its time is over."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from huitong import identity, privacy

MOBILE = "13800000001"
RETAINED = (identity.LogInRecords(), identity.EndedSessions())


@pytest.fixture
async def owner(house: Any, owner_url: str) -> AsyncIterator[Any]:
    """Who may change the past; and the house's clock shows the time of the database's."""
    house.advance(seconds=(datetime.now(UTC) - house.now).total_seconds())
    connection = await asyncpg.connect(owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def data(house: Any) -> identity.IdentityData:
    return identity.IdentityData(house.desk.vault)


async def leave(house: Any, data: identity.IdentityData, login: identity.Login) -> privacy.Erasure:
    erasure: privacy.Erasure = await house.run(
        lambda uow: data.erase(uow, login.subject_id, now=house.now)
    )
    return erasure


async def destroy(house: Any) -> list[tuple[str, int]]:
    """Do the steps of the schedule; returns what was destroyed of which class."""
    done = []
    for each in RETAINED:
        found = await house.run(
            lambda uow, each=each: privacy.destroy_due(uow, each, now=house.now)
        )
        done.append((each.data_class, 0 if found is None else found.count))
    return done


async def backdate(owner: Any, **step: float) -> None:
    """Put everything that happened so far into the past.

    The database looks at its own clock before it lets a record go.
    """
    by = timedelta(**step)
    await owner.execute("ALTER TABLE identity.attempts DISABLE TRIGGER unchangeable")
    await owner.execute(
        "UPDATE identity.attempts SET attempted_at = attempted_at - CAST($1 AS interval)", by
    )
    await owner.execute("ALTER TABLE identity.attempts ENABLE TRIGGER unchangeable")
    await owner.execute(
        "UPDATE identity.sessions SET created_at = created_at - CAST($1 AS interval), "
        "expires_at = expires_at - CAST($1 AS interval)",
        by,
    )


async def test_a_copy_says_how_somebody_logs_in_and_shows_no_secret(
    house: Any, data: identity.IdentityData, authenticator: Any
) -> None:
    login = await house.with_password()
    issued = await house.log_in()
    await house.set_pin(issued.session)
    await house.register_passkey(issued.session, authenticator)
    copy = await house.run(lambda uow: data.export(uow, login.subject_id))
    assert [each["outcome"] for each in copy["log_ins"]] == ["logged_in"] * len(copy["log_ins"])
    assert copy["log_ins"][0]["network"] == "203.0.113.0/24"
    assert len(copy["devices"]) >= 1
    assert len(copy["passkeys"]) == 1
    (shown,) = copy["logins"]
    assert shown["state"] == "active"
    assert shown["pin_changed_at"] == house.now.isoformat()
    for secret in (issued.token, issued.device_token, "argon2", MOBILE):
        assert secret not in str(copy)


async def test_nothing_is_known_of_a_stranger(house: Any, data: identity.IdentityData) -> None:
    login = await house.open_login()
    # An id, but not of the person.
    assert await house.run(lambda uow: data.export(uow, login.id)) == {}
    nothing = await house.run(lambda uow: data.erase(uow, login.id, now=house.now))
    assert nothing == privacy.Erasure(erased=0)


async def test_who_leaves_gets_in_by_nothing_and_the_log_is_kept_six_months(
    house: Any, data: identity.IdentityData, authenticator: Any
) -> None:
    login = await house.with_password()
    issued = await house.log_in()
    await house.set_pin(issued.session)
    await house.register_passkey(issued.session, authenticator)
    erasure = await leave(house, data, login)
    assert erasure.erased >= 2
    (kept,) = erasure.kept
    assert (kept.data_class, kept.until_on.isoformat()) == ("log_in_records", "2027-05-26")
    assert await house.desk.sessions.authenticate(issued.token, now=house.now) is None
    with pytest.raises(identity.LogInRefused):
        await house.log_in_by_password()
    options = await house.ask_passkey()
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(options, authenticator.get(options.public_key))
    (row,) = await house.query(
        "SELECT password_hash, pin_hash FROM identity.logins WHERE id = :id", id=login.id
    )
    assert (row.password_hash, row.pin_hash) == (None, None)
    for table in ("devices", "passkeys"):
        rows = await house.query(f"SELECT name_sealed FROM identity.{table}")
        assert rows
        assert {each.name_sealed for each in rows} == {None}
    assert (await leave(house, data, login)).erased == 0


async def test_nobody_is_found_by_number_once_the_key_is_gone(
    house: Any, data: identity.IdentityData
) -> None:
    login = await house.open_login()
    index = login.mobile_index
    await house.run(lambda uow: data.forget(uow, login.subject_id))
    (row,) = await house.query("SELECT mobile_index FROM identity.logins")
    assert bytes(row.mobile_index) == index, "not while it is open"
    await leave(house, data, login)
    await house.run(lambda uow: data.forget(uow, login.subject_id))
    (row,) = await house.query("SELECT mobile_index FROM identity.logins")
    assert bytes(row.mobile_index) != index


async def test_the_database_keeps_the_log_for_six_months_whoever_asks(
    house: Any, owner: Any
) -> None:
    await house.open_login()
    await house.log_in()
    for statement in (
        "DELETE FROM identity.attempts",
        "UPDATE identity.attempts SET outcome = 'wrong'",
    ):
        with pytest.raises(DBAPIError):
            await house.query(statement)
    await backdate(owner, days=190)
    await house.query("DELETE FROM identity.attempts")
    assert await house.count("identity.attempts") == 0


async def test_tries_and_then_their_sessions_go_when_their_time_is_over(
    house: Any, owner: Any
) -> None:
    await house.open_login()
    await house.log_in()
    assert await destroy(house) == [("log_in_records", 0), ("ended_sessions", 0)]
    await backdate(owner, days=190)
    house.advance(minutes=2)
    await house.log_in()
    due = await house.run(lambda uow: privacy.list_due(uow, RETAINED, now=house.now))
    assert [(each.data_class, each.count) for each in due] == [
        ("log_in_records", 1),
        ("ended_sessions", 0),
    ]
    # A session goes when nothing names it any more.
    assert await destroy(house) == [("log_in_records", 1), ("ended_sessions", 1)]
    assert await destroy(house) == [("log_in_records", 0), ("ended_sessions", 0)]
    assert await house.count("identity.sessions") == 1
    assert await house.count("identity.attempts") == 1
