"""Log-ins that wait for a second factor: what they open, use up, and how they are confirmed."""

import asyncio
from dataclasses import replace

import pytest
from tests.identity.conftest import CALLER, PIN, House
from tests.identity.deciding import (
    BEIJING,
    SHANGHAI,
    at,
    decided_by,
    decision_of,
    prove,
    session_of,
    settle,
)

from huitong import identity, risk
from huitong.demo.authenticator import SoftwareAuthenticator
from huitong.identity import Factor
from huitong.kernel import limits

PAY = identity.Act(kind="payments.pay")


async def test_a_stolen_password_pushes_no_session_of_the_owner_out(house: House) -> None:
    mine = await settle(house)
    house = await decided_by(house)
    before = await house.run(
        lambda uow: identity.list_sessions(uow, login_id=mine.session.login_id, now=house.now)
    )
    for _ in range(limits.SESSIONS_PER_LOGIN_MAX + 1):
        house.advance(seconds=30)
        await house.log_in_by_password(client=at(SHANGHAI, "198.51.100.7"))
    after = await house.run(
        lambda uow: identity.list_sessions(uow, login_id=mine.session.login_id, now=house.now)
    )
    assert {each.id for each in after} == {each.id for each in before}


async def test_who_waits_uses_up_no_code_of_the_owner(house: House) -> None:
    mine = await settle(house)
    house = await decided_by(house)
    thief = await house.log_in_by_password(client=at(SHANGHAI, "198.51.100.7"))

    async def ask(session: identity.Session, act: identity.Act) -> None:
        await identity.start_step_up(
            house.desk,
            session=session,
            act=act,
            factor=Factor.ONE_TIME_CODE,
            client=house.client,
            caller=CALLER,
            now=house.now,
        )

    for _ in range(limits.ONE_TIME_CODES_PER_NUMBER_HOUR_MAX):
        await ask(thief.session, identity.LOG_IN_ACT)
        house.advance(minutes=1)
    with pytest.raises(identity.CodeLimitReached):
        await ask(thief.session, identity.LOG_IN_ACT)
    await ask(mine.session, identity.Act(kind="payments.withdraw"))


async def test_a_session_that_waits_ends_when_its_time_is_over(house: House) -> None:
    await settle(house)
    house = await decided_by(house)
    issued = await house.log_in_by_password(client=at(SHANGHAI, "198.51.100.7"))
    house.advance(seconds=limits.LOG_IN_PROOF_SECONDS)
    with pytest.raises(identity.SessionEnded):
        await prove(house, issued.session, Factor.ONE_TIME_CODE)


async def test_the_factor_must_be_another_one_and_the_act_the_log_in(house: House) -> None:
    await settle(house)
    house = await decided_by(house)
    issued = await house.log_in(client=at(SHANGHAI, "198.51.100.7"))
    assert issued.wanted == (Factor.PIN,)
    for act, factor in (
        (identity.LOG_IN_ACT, Factor.ONE_TIME_CODE),
        (PAY, Factor.PIN),
    ):
        with pytest.raises(identity.StepUpRequired) as refused:
            await identity.start_step_up(
                house.desk,
                session=issued.session,
                act=act,
                factor=factor,
                client=house.client,
                caller=CALLER,
                now=house.now,
            )
        assert refused.value.context["factors"] == ["passkey", "pin"]
    await prove(house, issued.session, Factor.PIN, PIN)
    assert not (await session_of(house, issued)).awaits_proof


async def test_another_process_sees_at_once_that_a_session_was_confirmed(house: House) -> None:
    await settle(house)
    house = await decided_by(house)
    issued = await house.log_in(client=at(SHANGHAI, "198.51.100.7"))
    elsewhere = identity.SessionCache(house.desk.database)
    await elsewhere.learn_news()
    waiting = await elsewhere.authenticate(issued.token, now=house.now)
    assert waiting is not None
    assert waiting.awaits_proof
    await prove(house, issued.session, Factor.PIN, PIN)
    usable = await elsewhere.authenticate(issued.token, now=house.now)
    assert usable is not None
    assert not usable.awaits_proof


async def test_of_two_proofs_at_once_one_confirms(house: House) -> None:
    await settle(house)
    house = await decided_by(house)
    issued = await house.log_in(client=at(SHANGHAI, "198.51.100.7"))
    outcomes = await asyncio.gather(
        *(prove(house, issued.session, Factor.PIN, PIN) for _ in range(4)), return_exceptions=True
    )
    assert not (await session_of(house, issued)).awaits_proof
    assert all(
        each is None or isinstance(each, identity.StepUpRequired | identity.StepUpRefused)
        for each in outcomes
    ), outcomes
    assert (await house.outcomes()).count("awaits_proof") == 1
    (row,) = await house.query(
        "SELECT count(*) AS n FROM identity.attempts WHERE session_id = :id "
        "AND outcome = 'logged_in'",
        id=issued.session.id,
    )
    assert row.n == 1


async def test_a_passkey_is_two_factors_already(
    house: House, authenticator: SoftwareAuthenticator
) -> None:
    await settle(house)
    fresh = await house.log_in(client=at(BEIJING))
    await house.register_passkey(fresh.session, authenticator)
    house = replace(await decided_by(house), client=at(SHANGHAI, "198.51.100.7"))
    options = await house.ask_passkey()
    issued = await house.finish_passkey(options, authenticator.get(options.public_key))
    decision = await decision_of(house, issued.decision_id)
    assert decision.action is risk.Action.STEP_UP
    assert (issued.wanted, issued.session.awaits_proof) == ((), False)
