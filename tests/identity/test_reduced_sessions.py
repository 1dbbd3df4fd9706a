"""What a session of reduced powers may do to the others of its login, and what its device is."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.identity.conftest import CALLER, House
from tests.identity.deciding import BEIJING, SHANGHAI, at, decided_by, rule, settle

from huitong import identity
from huitong.identity.flows import leaving

ADDRESS = "198.51.100.7"
Leaving = Callable[[House, identity.Session, identity.Session], Awaitable[Any]]


async def end(house: House, session: identity.Session, other: identity.Session) -> None:
    await leaving.end_session(
        house.desk, session=session, session_id=other.id, caller=CALLER, now=house.now
    )


async def end_others(house: House, session: identity.Session, _: identity.Session) -> int:
    return await leaving.end_other_sessions(
        house.desk, session=session, caller=CALLER, now=house.now
    )


async def unbind(house: House, session: identity.Session, other: identity.Session) -> None:
    await leaving.unbind_device(
        house.desk, session=session, device_id=other.device_id, caller=CALLER, now=house.now
    )


async def rename(house: House, session: identity.Session, other: identity.Session) -> None:
    await house.run(
        lambda uow: identity.rename_device(
            uow,
            vault=house.desk.vault,
            session=session,
            device_id=other.device_id,
            name="mine",
            now=house.now,
        )
    )


async def log_out(house: House, session: identity.Session, _: identity.Session) -> None:
    await leaving.log_out(house.desk, session=session, caller=CALLER, now=house.now)


async def change_password(house: House, session: identity.Session, _: identity.Session) -> None:
    await house.change_password(session, "北山北 walnut harbour", "南山南 chestnut river")


async def suspend(house: House, session: identity.Session, _: identity.Session) -> None:
    for step in (identity.suspend_login, identity.restore_login):
        await house.run(lambda uow, step=step: step(uow, login_id=session.login_id, now=house.now))


async def let_thief_in(house: House, action: str = "delay") -> tuple[House, Any, Any]:
    """Return the house, the owner's session, and the one of who has the password."""
    mine = await settle(house)
    house = await decided_by(house, rule("is_new_device", action))
    thief = await house.log_in_by_password(client=at(SHANGHAI, ADDRESS))
    assert thief.session.reduced_until == house.now + timedelta(hours=24)
    return house, mine, thief


async def list_live(house: House, session: identity.Session) -> set[Any]:
    found = await house.run(
        lambda uow: identity.list_sessions(uow, login_id=session.login_id, now=house.now)
    )
    return {each.id for each in found}


@pytest.mark.parametrize("action", ["review", "delay"])
@pytest.mark.parametrize("leave", [end, end_others, unbind, rename])
async def test_with_reduced_powers_nobody_pushes_the_owner_out(
    house: House, leave: Leaving, action: str
) -> None:
    house, mine, thief = await let_thief_in(house, action)
    before = await list_live(house, mine.session)
    devices = await house.query("SELECT id, name_sealed, revoked_at FROM identity.devices")
    with pytest.raises(identity.SessionReduced):
        await leave(house, thief.session, mine.session)
    assert await list_live(house, mine.session) == before
    assert before >= {mine.session.id, thief.session.id}
    assert devices == await house.query("SELECT id, name_sealed, revoked_at FROM identity.devices")


@pytest.mark.parametrize("leave", [end, log_out])
async def test_a_session_of_reduced_powers_ends_itself(house: House, leave: Leaving) -> None:
    house, mine, thief = await let_thief_in(house)
    await leave(house, thief.session, thief.session)
    live = await list_live(house, mine.session)
    assert thief.session.id not in live
    assert mine.session.id in live


async def test_when_nobody_objected_it_ends_others_like_any_session(house: House) -> None:
    house, mine, thief = await let_thief_in(house)
    house.advance(hours=24)
    await rename(house, thief.session, thief.session)
    assert await end_others(house, thief.session, mine.session) > 0


OBJECTIONS = [end_others, change_password, suspend]


@pytest.mark.parametrize(
    ("object_to", "logs_out_first"),
    [(end, False), *((each, first) for each in OBJECTIONS for first in (False, True))],
)
async def test_a_device_does_not_become_known_if_its_owner_objected(
    house: House, object_to: Leaving, logs_out_first: bool
) -> None:
    house, mine, thief = await let_thief_in(house)
    if logs_out_first:
        await log_out(house, thief.session, thief.session)
    await object_to(house, mine.session, thief.session)
    house.advance(hours=25)
    for _ in range(2):
        again = await house.log_in(client=at(SHANGHAI, ADDRESS, device_token=thief.device_token))
        assert again.session.reduced_until is not None, "it is as new as before"
        assert again.session.device_id != thief.session.device_id
        house.advance(hours=25)
    phone = at(BEIJING, device_token=mine.device_token)
    assert (await house.log_in(client=phone)).session.reduced_until is None


async def test_an_objection_to_one_session_ends_what_its_device_has_besides(house: House) -> None:
    house, mine, thief = await let_thief_in(house)
    token = thief.device_token
    other = await house.log_in_by_password(client=at(SHANGHAI, ADDRESS, device_token=token))
    assert other.session.device_id == thief.session.device_id
    await end(house, mine.session, thief.session)
    assert await house.desk.sessions.authenticate(other.token, now=house.now) is None
    live = await list_live(house, mine.session)
    assert mine.session.id in live
    assert live.isdisjoint({thief.session.id, other.session.id})


async def test_who_ends_a_session_of_a_known_device_keeps_the_device(house: House) -> None:
    house, mine, _ = await let_thief_in(house)
    phone = at(BEIJING, device_token=mine.device_token)
    other = await house.log_in(client=phone)
    await end(house, mine.session, other.session)
    house.advance(minutes=2)
    assert mine.session.id in await list_live(house, mine.session)
    assert (await house.log_in(client=phone)).session.reduced_until is None


async def test_a_device_that_logged_out_becomes_known_if_nobody_objected(house: House) -> None:
    house, _, thief = await let_thief_in(house)
    await log_out(house, thief.session, thief.session)
    house.advance(hours=25)
    client = at(SHANGHAI, ADDRESS, device_token=thief.device_token)
    assert (await house.log_in(client=client)).session.reduced_until is None
