"""Log-ins that risk decides about: travellers, thieves, and those who try many passwords."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.identity.conftest import MOBILE, PASSWORD, START, House
from tests.identity.deciding import (
    BEIJING,
    CATALOGUE,
    SHANGHAI,
    at,
    decided_by,
    decision_of,
    prove,
    rule,
    session_of,
    settle,
    with_rules,
)
from tests.risk.decisioning.rules.conftest import Desk

from huitong import identity, risk
from huitong.identity import Factor
from huitong.identity.commands.sessions import revoke_session
from huitong.kernel import limits

PAY = identity.Act(kind="payments.pay")
SET_PIN = identity.Act(kind="identity.set_pin")
STUFFER = "198.51.100.9"


async def try_act(house: House, session: identity.Session, act: identity.Act) -> None:
    await house.run(
        lambda uow: identity.use_step_up(
            uow, session=session, act=act, step_up_id=None, now=house.now
        )
    )


async def stuff(house: House, count: int, address: str = STUFFER) -> None:
    """Try leaked passwords of strangers from one address, which the time between does not lock."""
    for number in range(count):
        house.advance(seconds=5)
        with pytest.raises(identity.LogInRefused):
            await house.log_in_by_password(
                "leaked somewhere else", f"139{number:08d}", at(BEIJING, address)
            )


async def test_an_honest_traveller_passes_with_a_second_factor_and_is_known_then(
    house: House,
) -> None:
    mine = await settle(house)
    house = await decided_by(house)
    phone = at(SHANGHAI, "198.51.100.7", device_token=mine.device_token)
    house.advance(minutes=20)

    issued = await house.log_in_by_password(client=phone)
    assert issued.wanted == (Factor.ONE_TIME_CODE, Factor.PASSKEY)[:1]
    waiting = await session_of(house, issued)
    assert waiting.awaits_proof
    for act in (PAY, SET_PIN):
        with pytest.raises(identity.StepUpRequired) as refused:
            await try_act(house, waiting, act)
        assert refused.value.context["act"] == "identity.log_in"

    decision = await decision_of(house, issued.decision_id)
    assert (decision.action, decision.hits) == (risk.Action.STEP_UP, ("impossible_travel",))
    values = await house.run(lambda uow: risk.name_values(uow, decision))
    assert set(values) == set(CATALOGUE)
    # 1,067 km along the great circle, in the half hour since the last log-in.
    assert values["kilometres_from_last"] == pytest.approx(1067, abs=1)
    assert values["kilometres_per_hour"] == pytest.approx(2134, abs=3)
    assert (values["is_new_place"], values["is_new_device"]) == (True, False)
    assert values["seconds_since_log_in"] == 30 * 60
    assert (await house.run(lambda uow: risk.replay_decision(uow, decision))).is_same

    await prove(house, waiting, Factor.ONE_TIME_CODE)
    assert not (await session_of(house, issued)).awaits_proof
    house.advance(minutes=5)
    again = await house.log_in_by_password(client=phone)
    assert again.wanted == ()
    values = await house.run(lambda uow: _values_of(uow, again.decision_id))
    assert (values["is_new_place"], values["kilometres_per_hour"]) == (False, 0)
    assert (await house.outcomes())[-3:] == ["awaits_proof", "logged_in", "logged_in"]


async def _values_of(uow: Any, decision_id: uuid.UUID) -> dict[str, risk.Value]:
    return await risk.name_values(uow, await risk.get_decision(uow, decision_id))


async def test_who_waits_for_a_second_factor_leaves_no_trace_of_being_known(house: House) -> None:
    await settle(house)
    house = await decided_by(house)
    thief = at(SHANGHAI, "198.51.100.7")
    for _ in range(limits.LOG_INS_WAITING_MAX + 2):
        house.advance(minutes=1)
        issued = await house.log_in_by_password(client=thief)
        assert issued.wanted == (Factor.ONE_TIME_CODE,)
        thief = replace(thief, device_token=issued.device_token or thief.device_token)
    values = await house.run(lambda uow: _values_of(uow, issued.decision_id))
    assert (values["is_new_place"], values["is_new_device"]) == (True, True)
    devices = await house.run(
        lambda uow: identity.list_devices(uow, vault=house.desk.vault, session=issued.session)
    )
    assert len(devices) == 1
    (listed,) = await house.query(
        "SELECT count(*) AS n FROM identity.sessions WHERE proof_until IS NOT NULL "
        "AND revoked_at IS NULL"
    )
    assert listed.n == limits.LOG_INS_WAITING_MAX


async def test_without_a_second_factor_powers_are_reduced_until_nobody_objected(
    house: House,
) -> None:
    await house.open_login()
    await house.log_in(client=at(BEIJING))
    house.advance(minutes=30)
    house = await decided_by(house, rule("is_new_place and seconds_since_log_in > 0", "step_up"))
    far = at(SHANGHAI, "198.51.100.7")
    issued = await house.log_in(client=far)
    assert issued.session.reduced_until == house.now + timedelta(hours=24)
    session = await session_of(house, issued)
    for act in (PAY, SET_PIN):
        with pytest.raises(identity.SessionReduced):
            await try_act(house, session, act)
    with pytest.raises(identity.SessionReduced):
        await house.change_password(session, current="whatever it is")

    house.advance(hours=1)
    again = await house.log_in(client=replace(far, device_token=issued.device_token))
    assert again.session.reduced_until is not None, "an hour later it is not known yet"
    house.advance(hours=24)
    known = await house.log_in(client=replace(far, device_token=issued.device_token))
    assert known.session.reduced_until is None
    await house.set_pin(known.session)


async def test_a_place_does_not_become_known_if_its_owner_objected(house: House) -> None:
    mine = await settle(house)
    house = await decided_by(house, rule("is_new_place", "delay"))
    thief = await house.log_in_by_password(client=at(SHANGHAI, "198.51.100.7"))
    assert thief.session.reduced_until is not None
    await house.run(
        lambda uow: revoke_session(
            uow, session=mine.session, session_id=thief.session.id, now=house.now
        )
    )
    house.advance(hours=30)
    again = await house.log_in_by_password(client=at(SHANGHAI, "198.51.100.7"))
    assert again.session.reduced_until is not None


@pytest.mark.parametrize("action", ["review", "delay"])
async def test_what_is_reviewed_or_delayed_goes_on_with_less_power(
    house: House, action: str
) -> None:
    await settle(house)
    house = await decided_by(house, rule("is_new_device", action))
    issued = await house.log_in_by_password(client=at(BEIJING))
    assert issued.session.reduced_until is not None
    assert [each.en for each in issued.reasons] == ["This log-in is out of the ordinary."]


async def test_stuffing_from_one_address_blocks_it_and_says_nothing_of_passwords(
    house: House,
) -> None:
    await settle(house)
    house = await decided_by(house)
    await stuff(house, 21)
    told = []
    for password, mobile in (
        (PASSWORD, MOBILE),
        ("not the password", MOBILE),
        (PASSWORD, "13700000000"),
    ):
        with pytest.raises(identity.LogInBlocked) as refused:
            await house.log_in_by_password(password, mobile, at(BEIJING, STUFFER))
        told.append((str(refused.value), refused.value.context["reasons"]))
    assert told[0] == told[1] == told[2]
    assert told[0][1] == [
        {
            "zh": "该网络地址登录异常，请稍后再试。",
            "en": "This network address tries many log-ins. Please try again later.",
        }
    ]
    with pytest.raises(identity.LogInBlocked) as by_code:
        await house.log_in(client=at(BEIJING, STUFFER))
    shown = by_code.value.context["decision"]
    (row,) = await house.query("SELECT id FROM identity.attempts ORDER BY id DESC LIMIT 1")
    assert shown == risk.show_decision(row.id)
    decision = await decision_of(house, row.id)
    assert (decision.action, decision.hits) == (risk.Action.BLOCK, ("credential_stuffing",))

    house.advance(minutes=2)
    assert (await house.log_in_by_password(client=at(BEIJING))).wanted == ()


async def test_a_blocked_address_is_let_in_again_when_the_failures_have_faded(
    house: House,
) -> None:
    await settle(house)
    house = await decided_by(house)
    await stuff(house, 21)
    with pytest.raises(identity.LogInBlocked):
        await house.log_in_by_password(client=at(BEIJING, STUFFER))
    house.advance(hours=1)
    assert (await house.log_in_by_password(client=at(BEIJING, STUFFER))).token


async def test_a_right_password_that_is_blocked_looks_wrong_and_locks_alike(house: House) -> None:
    mine = await settle(house)
    house = await decided_by(house, rule("is_new_device", "block"))
    seen = []
    for password, address in ((PASSWORD, "198.51.100.7"), ("not the password", "198.51.100.8")):
        told: list[str] = []
        house.advance(hours=30)
        for _ in range(6):
            house.advance(seconds=1)
            try:
                await house.log_in_by_password(password, client=at(BEIJING, address))
            except (identity.LogInRefused, identity.TooManyAttempts) as refused:
                told.append(f"{type(refused).__name__} {refused} {refused.context}")
        seen.append(told)
    assert seen[0] == seen[1]
    assert "blocked" in await house.outcomes()
    (event,) = await house.query(
        "SELECT payload FROM kernel.outbox WHERE topic = 'identity.LogInNoticed.v1' "
        "ORDER BY id LIMIT 1"
    )
    assert event.payload["action"] == "block"
    assert event.payload["login_id"] == str(mine.session.login_id)
    phone = at(BEIJING, device_token=mine.device_token)
    assert (await house.log_in_by_password(client=phone)).token


async def test_the_owner_is_told_of_a_new_device_and_not_of_the_first_one(house: House) -> None:
    house = await decided_by(house)
    await house.open_login()
    await house.log_in(client=at(BEIJING))
    assert await house.count("kernel.outbox") == 0
    house.advance(minutes=10)
    await house.log_in(client=at(BEIJING))
    (row,) = await house.query("SELECT payload FROM kernel.outbox")
    assert (row.payload["is_new_device"], row.payload["is_new_place"]) == (True, False)


async def test_with_risk_switched_off_nothing_is_decided_or_asked(house: House) -> None:
    await settle(house)
    issued = await house.log_in_by_password(client=at(SHANGHAI, "198.51.100.7"))
    assert (issued.wanted, issued.session.awaits_proof) == ((), False)
    assert await house.count("risk.decisions") == 0


async def test_before_rules_were_read_the_written_policy_asks_for_a_second_factor(
    house: House,
) -> None:
    await settle(house)
    unread = risk.RuleCache(house.desk.database, {}, now=house.clock.now)
    house = with_rules(house, unread)
    issued = await house.log_in_by_password(client=at(BEIJING))
    assert issued.wanted == (Factor.ONE_TIME_CODE,)
    decision = await decision_of(house, issued.decision_id)
    assert decision.fallback is risk.Fallback.NO_RULES


async def test_a_listed_customer_is_blocked_whatever_else_is_true(house: House) -> None:
    mine = await settle(house)
    house = await decided_by(house)
    entity = risk.Entity.of_id(risk.EntityKind.CUSTOMER, mine.session.subject_id)
    approval_id = await Desk(house.desk.database).approve("risk.change_list")
    await house.query(
        "INSERT INTO risk.list_entries (id, list, kind, key, reason, added_at, added_by) "
        "VALUES (:approval, 'block', 'customer', :key, 'police', :now, :approval)",
        approval=approval_id,
        key=entity.key,
        now=START,
    )
    with pytest.raises(identity.LogInBlocked) as refused:
        await house.log_in(client=at(BEIJING, device_token=mine.device_token))
    (reason,) = refused.value.context["reasons"]
    assert reason["en"] == "This did not pass our checks of risk.", "nobody is told of a list"


async def test_failures_at_once_are_all_counted(house: House) -> None:
    house = await decided_by(house)
    numbers = [f"139{number:08d}" for number in range(8)]

    async def fail(mobile: str) -> None:
        with pytest.raises(identity.LogInRefused):
            await house.log_in_by_password("leaked somewhere else", mobile, at(BEIJING, STUFFER))

    await asyncio.gather(*(fail(each) for each in numbers))
    rows = await house.query("SELECT kind, failures_1h FROM identity.failure_counts ORDER BY kind")
    assert [row.failures_1h for row in rows if row.kind == "address"] == [8.0]
    assert [row.failures_1h for row in rows if row.kind == "number"] == [1.0] * 8
    assert await house.count("identity.address_tries") == 8


async def test_no_decision_holds_anything_but_numbers_and_the_method(house: House) -> None:
    await settle(house)
    house = await decided_by(house)
    issued = await house.log_in_by_password(client=at(SHANGHAI, "198.51.100.7"))
    values = await house.run(lambda uow: _values_of(uow, issued.decision_id))
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    assert texts == {"method": "password"}
