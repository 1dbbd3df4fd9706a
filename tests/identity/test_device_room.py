"""How many devices a login has when second factors confirm them."""

import uuid

from tests.identity.conftest import House
from tests.identity.deciding import BEIJING, SHANGHAI, at, decided_by, prove, settle

from huitong import identity
from huitong.identity import Factor
from huitong.kernel import limits


async def test_a_second_factor_on_a_known_device_unbinds_no_other(house: House) -> None:
    mine = await settle(house)
    for _ in range(limits.DEVICES_PER_LOGIN_MAX - 1):
        house.advance(minutes=1)
        await house.log_in_by_password(client=at(BEIJING))
    house = await decided_by(house)
    before = await _list_bound(house)
    assert len(before) == limits.DEVICES_PER_LOGIN_MAX
    phone = at(SHANGHAI, "198.51.100.7", device_token=mine.device_token)
    issued = await house.log_in_by_password(client=phone)
    assert issued.wanted == (Factor.ONE_TIME_CODE,)
    await prove(house, issued.session, Factor.ONE_TIME_CODE)
    found = await house.run(lambda uow: identity.find_session(uow, issued.token, now=house.now))
    assert found is not None
    assert not found.awaits_proof
    assert await _list_bound(house) == before


async def test_a_new_device_that_is_confirmed_takes_the_place_of_the_oldest(house: House) -> None:
    mine = await settle(house)
    for _ in range(limits.DEVICES_PER_LOGIN_MAX - 1):
        house.advance(minutes=1)
        await house.log_in_by_password(client=at(BEIJING))
    house = await decided_by(house)
    issued = await house.log_in_by_password(client=at(SHANGHAI, "198.51.100.7"))
    await prove(house, issued.session, Factor.ONE_TIME_CODE)
    after = await _list_bound(house)
    assert len(after) == limits.DEVICES_PER_LOGIN_MAX
    assert issued.session.device_id in after
    assert mine.session.device_id not in after


async def _list_bound(house: House) -> set[uuid.UUID]:
    rows = await house.query("SELECT id FROM identity.devices WHERE revoked_at IS NULL")
    return {row.id for row in rows}
