"""Sign-ups at the level of the room: how long they hold, and what ends them."""

import uuid
from typing import Any

import pytest

from huitong import identity
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import SYSTEM
from huitong.kernel.ids import uuid7

MOBILE = "13800000001"


async def begin(house: Any, mobile: str = MOBILE) -> identity.IssuedSignUp:
    """Prove a number and begin, or go on with, its sign-up."""
    code_id, code = await house.ask_code(mobile)
    return await identity.begin_sign_up(
        house.desk,
        code_id=code_id,
        code=code,
        client=house.client,
        caller=SYSTEM,
        now=house.now,
    )


async def find(house: Any, token: str) -> identity.SignUp | None:
    return await house.run(lambda uow: identity.find_sign_up(uow, token, now=house.now))


async def complete(house: Any, subject_id: uuid.UUID, mobile: str = MOBILE) -> Any:
    return await house.run(
        lambda uow: identity.complete_sign_up(
            uow, vault=house.desk.vault, subject_id=subject_id, mobile=mobile, now=house.now
        )
    )


async def exchange(house: Any, token: str) -> identity.IssuedSession:
    return await identity.log_in_by_sign_up(
        house.desk, token=token, client=house.client, caller=SYSTEM, now=house.now
    )


async def test_a_token_is_good_for_half_an_hour(house: Any) -> None:
    issued = await begin(house)
    assert issued.token.startswith("htu_")
    house.advance(seconds=limits.SIGN_UP_SECONDS - 1)
    assert await find(house, issued.token) == issued.sign_up
    house.advance(seconds=1)
    assert await find(house, issued.token) is None
    again = await begin(house)
    assert again.sign_up.id == issued.sign_up.id
    assert await find(house, issued.token) is None
    assert await find(house, again.token) == again.sign_up


async def test_a_session_out_of_a_sign_up_is_as_fresh_as_the_proof_of_the_number(
    house: Any,
) -> None:
    issued = await begin(house)
    proved_at = house.now
    login = await complete(house, issued.sign_up.id)
    assert login.subject_id == issued.sign_up.id
    house.advance(minutes=20)
    opened = await exchange(house, issued.token)
    assert opened.session.factors == {identity.Factor.ONE_TIME_CODE: proved_at}
    assert opened.session.created_at == house.now
    act = identity.Act(kind="identity.set_pin")
    assert identity.require_step_up(opened.session, act, house.now) is not None
    with pytest.raises(identity.LogInRefused):
        await exchange(house, issued.token)


async def test_no_session_after_the_time_or_for_a_suspended_login(house: Any) -> None:
    late, stopped = await begin(house), await begin(house, "13800000002")
    await complete(house, late.sign_up.id)
    login = await complete(house, stopped.sign_up.id, "13800000002")
    await house.run(lambda uow: identity.suspend_login(uow, login_id=login.id, now=house.now))
    with pytest.raises(identity.LogInRefused):
        await exchange(house, stopped.token)
    house.advance(seconds=limits.SIGN_UP_SECONDS)
    with pytest.raises(identity.LogInRefused):
        await exchange(house, late.token)
    for nonsense in ("", "htu_", f"htu_{'A' * 43}", f"hts_{'A' * 43}", "htu_" + "é" * 43):
        with pytest.raises(identity.LogInRefused):
            await exchange(house, nonsense)
    assert await house.count("identity.sessions") == 0
    assert (await house.outcomes()).count("logged_in") == 0


async def test_a_number_that_another_login_took_ends_the_sign_up_without_one(house: Any) -> None:
    issued = await begin(house)
    other = await house.open_login(MOBILE)
    assert await complete(house, issued.sign_up.id) is None
    assert other.subject_id != issued.sign_up.id
    assert await complete(house, issued.sign_up.id) is None
    with pytest.raises(identity.LogInRefused):
        await exchange(house, issued.token)


async def test_nothing_follows_for_who_did_not_sign_up(house: Any) -> None:
    assert await complete(house, uuid7()) is None
    assert await house.count("identity.logins") == 0
    # Who has a number that nobody proved may apply with any.
    await house.run(
        lambda uow: identity.check_proved_number(
            uow, vault=house.desk.vault, subject_id=uuid7(), mobile=MOBILE
        )
    )


async def test_a_sign_up_that_ended_gives_way_to_another(house: Any) -> None:
    first = await begin(house)
    await house.run(
        lambda uow: identity.end_sign_up(uow, subject_id=first.sign_up.id, now=house.now)
    )
    house.advance(minutes=2)
    second = await begin(house)
    assert second.sign_up.id != first.sign_up.id
    # The first one's token still shows what came of it, and opens nothing.
    found = await find(house, first.token)
    assert found is not None
    assert not found.is_open
    with pytest.raises(identity.LogInRefused):
        await exchange(house, first.token)


async def test_the_login_of_who_leaves_is_closed_and_the_number_free(house: Any) -> None:
    login = await house.open_login(MOBILE)
    issued = await house.log_in()
    await house.run(
        lambda uow: identity.close_login_of_subject(
            uow,
            audience=identity.Audience.CUSTOMER,
            subject_id=login.subject_id,
            now=house.now,
        )
    )
    assert (
        await house.run(lambda uow: identity.find_session(uow, issued.token, now=house.now)) is None
    )
    house.advance(minutes=2)
    again = await begin(house)
    assert (await complete(house, again.sign_up.id)).id != login.id
