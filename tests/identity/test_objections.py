"""What an owner objected to makes no place known, whatever had ended the thief's session."""

from datetime import timedelta
from typing import Any

import pytest
from tests.identity.conftest import House
from tests.identity.deciding import BEIJING, SHANGHAI, at, decided_by, rule, settle
from tests.identity.test_reduced_sessions import (
    ADDRESS,
    Leaving,
    change_password,
    end,
    end_others,
    log_out,
    suspend,
    unbind,
)

from huitong import identity
from huitong.kernel import limits

DISPUTE = timedelta(hours=24)


async def come_in(house: House, **more: Any) -> identity.IssuedSession:
    return await house.log_in_by_password(client=at(SHANGHAI, ADDRESS, **more))


async def is_new_place(house: House, **more: Any) -> bool:
    """Say whether the place is still new, as the next log-in from there shows."""
    again = await house.log_in(client=at(SHANGHAI, ADDRESS, **more))
    return again.session.reduced_until is not None


async def open_house(house: House) -> tuple[House, identity.IssuedSession]:
    mine = await settle(house)
    return await decided_by(house, rule("is_new_place", "delay")), mine


@pytest.mark.parametrize("is_known_device", [False, True])
@pytest.mark.parametrize("object_to", [end_others, change_password, suspend, unbind])
async def test_an_objection_counts_though_the_thief_had_logged_out(
    house: House, object_to: Leaving, is_known_device: bool
) -> None:
    house, mine = await open_house(house)
    other = await house.log_in(client=at(BEIJING))
    token = other.device_token if is_known_device else None
    thief = await come_in(house, device_token=token)
    assert thief.session.reduced_until == house.now + DISPUTE
    await log_out(house, thief.session, thief.session)
    house.advance(minutes=5)
    await object_to(house, mine.session, thief.session)
    house.advance(hours=30)
    assert await is_new_place(house)


async def test_ending_a_second_session_of_the_thief_counts_against_the_first_one_too(
    house: House,
) -> None:
    house, mine = await open_house(house)
    known = (await house.log_in(client=at(BEIJING))).device_token
    first = await come_in(house, device_token=known)
    await log_out(house, first.session, first.session)
    house.advance(hours=1)
    second = await come_in(house, device_token=known)
    await end(house, mine.session, second.session)
    house.advance(hours=30)
    assert await is_new_place(house)


async def test_ending_what_has_full_powers_objects_to_nothing(house: House) -> None:
    house, mine = await open_house(house)
    tablet = await house.log_in(client=at(BEIJING))
    away = await come_in(house, device_token=mine.device_token)
    await log_out(house, away.session, away.session)
    await end(house, mine.session, tablet.session)
    house.advance(hours=30)
    assert not await is_new_place(house)


async def test_unbinding_a_device_when_the_dispute_is_over_changes_nothing(house: House) -> None:
    house, mine = await open_house(house)
    away = await come_in(house)
    await log_out(house, away.session, away.session)
    house.advance(hours=25)
    await unbind(house, mine.session, away.session)
    assert not await is_new_place(house)


async def test_what_becomes_known_by_time_is_not_one_device_too_many(house: House) -> None:
    mine = await settle(house)
    for _ in range(limits.DEVICES_PER_LOGIN_MAX - 1):
        house.advance(minutes=1)
        await house.log_in_by_password(client=at(BEIJING))
    house = await decided_by(house, rule("is_new_device", "delay"))
    new = await house.log_in(client=at(SHANGHAI, ADDRESS))
    assert new.session.reduced_until is not None
    house.advance(hours=25)
    known = await house.log_in(client=at(SHANGHAI, ADDRESS, device_token=new.device_token))
    assert known.session.reduced_until is None
    rows = await house.query(
        "SELECT id FROM identity.devices WHERE revoked_at IS NULL AND trusted_from <= :now",
        now=house.now,
    )
    bound = {row.id for row in rows}
    assert len(bound) == limits.DEVICES_PER_LOGIN_MAX
    assert new.session.device_id in bound
    assert mine.session.device_id not in bound, "it was seen longest ago"
