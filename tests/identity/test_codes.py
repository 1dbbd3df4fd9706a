"""Logging in by one-time code: once, within minutes, few times, and the same for everybody."""

import asyncio
import logging
import re
import uuid
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import httpx
import pytest

from huitong import identity
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7

MOBILE = "13800000001"
UNKNOWN = "13900000009"


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_opens_a_session_for_who_has_the_number(house: Any) -> None:
    login = await house.open_login()
    issued = await house.log_in()
    assert issued.session.login_id == login.id
    assert issued.session.subject_id == login.subject_id
    assert issued.session.factors == {identity.Factor.ONE_TIME_CODE: house.now}
    assert issued.token.startswith("hts_")
    assert issued.device_token.startswith("htd_")
    found = await house.desk.sessions.authenticate(issued.token, now=house.now)
    assert found == issued.session
    assert await house.outcomes() == ["logged_in"]


async def test_keeps_neither_number_nor_code_nor_token_nor_address(house: Any) -> None:
    await house.open_login()
    code_id, code = await house.ask_code()
    client = replace(house.client, device_name="李雷的手机")
    issued = await house.finish_code(code_id, code, client)
    for table in ("logins", "one_time_codes", "sessions", "devices", "attempts", "lockouts"):
        rows = await house.query(f"SELECT CAST(t AS text) FROM identity.{table} t")
        for (text,) in rows:
            for secret in (MOBILE, issued.token, issued.device_token, "203.0.113.7", "李雷"):
                assert secret not in text
    rows = await house.query("SELECT CAST(a AS text) FROM kernel.audit a")
    assert rows
    assert not any(MOBILE in text for (text,) in rows)
    for shown in (repr(issued), repr(client), repr(await house.open_login("13800000002"))):
        assert issued.token not in shown
        assert "13800000002" not in shown
        assert "203.0.113.7" not in shown
    (row,) = await house.query("SELECT network FROM identity.attempts")
    assert str(row.network) == "203.0.113.0/24"


async def test_nothing_personal_is_written_to_a_log(
    house: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await house.open_login()
    code_id, code = await house.ask_code()
    with pytest.raises(identity.LogInRefused):
        await house.finish_code(code_id, another(code))
    issued = await house.finish_code(code_id, code)
    with pytest.raises(identity.LogInRefused):
        await house.log_in_by_password("a password of mine")
    await house.set_pin(issued.session, "802753")
    # The client of the gateway speaks at this level, so it would be seen if it said too much.
    assert "HTTP Request: PUT" in caplog.text
    for secret in (MOBILE, issued.token, issued.device_token, "a password of mine", "802753"):
        assert secret not in caplog.text
    assert re.search(rf"(?<![0-9]){code}(?![0-9])", caplog.text) is None
    assert "203.0.113.7" not in caplog.text


async def test_staff_and_customers_have_doors_of_their_own(house: Any) -> None:
    await house.open_login()
    door = {"audience": identity.Audience.STAFF, "mobile": MOBILE}
    with pytest.raises(identity.LogInRefused):
        await identity.log_in_by_password(
            house.desk,
            **door,
            password="a password of mine",
            client=house.client,
            caller=identity_caller(),
            now=house.now,
        )
    sent = await identity.start_log_in_by_code(
        house.desk, **door, client=house.client, caller=identity_caller(), now=house.now
    )
    with pytest.raises(identity.LoginNotOpened):
        await house.finish_code(sent.id, house.read_code())
    await house.open_login(audience=identity.Audience.STAFF)
    house.advance(minutes=1)
    sent = await identity.start_log_in_by_code(
        house.desk, **door, client=house.client, caller=identity_caller(), now=house.now
    )
    issued = await house.finish_code(sent.id, house.read_code())
    assert issued.session.audience is identity.Audience.STAFF


async def test_works_once(house: Any) -> None:
    await house.open_login()
    code_id, code = await house.ask_code()
    await house.finish_code(code_id, code)
    with pytest.raises(identity.LogInRefused):
        await house.finish_code(code_id, code)
    assert await house.count("identity.sessions") == 1
    assert await house.outcomes() == ["logged_in", "expired"]


async def test_of_two_who_bring_one_code_at_once_one_wins(house: Any) -> None:
    await house.open_login()
    code_id, code = await house.ask_code()
    results = await asyncio.gather(
        *(house.finish_code(code_id, code) for _ in range(6)), return_exceptions=True
    )
    won = [each for each in results if isinstance(each, identity.IssuedSession)]
    lost = [each for each in results if isinstance(each, identity.LogInRefused)]
    assert (len(won), len(lost)) == (1, 5)
    assert await house.count("identity.sessions") == 1


async def test_works_for_five_minutes(house: Any) -> None:
    await house.open_login()
    code_id, code = await house.ask_code()
    house.advance(seconds=limits.ONE_TIME_CODE_SECONDS)
    with pytest.raises(identity.LogInRefused):
        await house.finish_code(code_id, code)
    assert await house.outcomes() == ["expired"]


async def test_is_dead_after_five_wrong_tries_whatever_else(house: Any) -> None:
    await house.open_login()
    code_id, code = await house.ask_code()
    for number in range(limits.ONE_TIME_CODE_TRIES_MAX):
        with pytest.raises(identity.LogInRefused):
            await house.finish_code(code_id, another(code))
        (row,) = await house.query("SELECT tries FROM identity.one_time_codes")
        assert row.tries == number + 1
    # The fifth failure in a row locked the number; when that is over the code is still dead.
    with pytest.raises(identity.TooManyAttempts) as refused:
        await house.finish_code(code_id, code)
    assert refused.value.context == {"retry_after_seconds": 30}
    house.advance(seconds=31)
    with pytest.raises(identity.LogInRefused):
        await house.finish_code(code_id, code)
    assert await house.count("identity.sessions") == 0


async def test_many_guesses_at_once_get_no_more_tries_than_one_after_the_other(house: Any) -> None:
    await house.open_login()
    code_id, code = await house.ask_code()
    guesses = [f"{(int(code) + step) % 1_000_000:06d}" for step in range(1, 21)]
    await asyncio.gather(
        *(house.finish_code(code_id, guess) for guess in guesses), return_exceptions=True
    )
    (row,) = await house.query("SELECT tries FROM identity.one_time_codes")
    assert row.tries == limits.ONE_TIME_CODE_TRIES_MAX
    assert (await house.outcomes()).count("locked") == 15


async def test_a_newer_code_makes_the_older_one_void(house: Any) -> None:
    await house.open_login()
    first_id, first = await house.ask_code()
    house.advance(seconds=limits.ONE_TIME_CODE_RESEND_SECONDS)
    second_id, second = await house.ask_code()
    with pytest.raises(identity.LogInRefused):
        await house.finish_code(first_id, first)
    with pytest.raises(identity.LogInRefused):
        await house.finish_code(first_id, second)
    assert (await house.finish_code(second_id, second)).token


async def test_is_sent_again_after_a_minute_and_five_times_an_hour(house: Any) -> None:
    await house.ask_code()
    with pytest.raises(identity.CodeLimitReached) as refused:
        await house.ask_code()
    assert refused.value.context == {"retry_after_seconds": 60}
    for _ in range(limits.ONE_TIME_CODES_PER_NUMBER_HOUR_MAX - 1):
        house.advance(seconds=60)
        await house.ask_code()
    house.advance(seconds=60)
    with pytest.raises(identity.CodeLimitReached) as refused:
        await house.ask_code()
    assert refused.value.context == {"retry_after_seconds": 3_600}
    assert len(house.gateway.messages) == limits.ONE_TIME_CODES_PER_NUMBER_HOUR_MAX
    house.advance(hours=1)
    await house.ask_code()


async def test_strangers_cannot_use_up_or_void_the_owner_s_codes(house: Any) -> None:
    await house.open_login()
    own = await house.log_in()
    known = replace(house.client, device_token=own.device_token)
    house.advance(hours=1)
    mine_id, mine = await house.ask_code(client=known)
    await house.ask_code()
    assert (await house.finish_code(mine_id, mine, known)).token
    for _ in range(limits.ONE_TIME_CODES_PER_NUMBER_HOUR_MAX - 1):
        house.advance(seconds=60)
        await house.ask_code()
    house.advance(seconds=60)
    with pytest.raises(identity.CodeLimitReached):
        await house.ask_code()
    first_id, first = await house.ask_code(client=known)
    house.advance(seconds=60)
    assert await house.ask_code(client=known)
    # Another one of the owner's own makes the one before void, as ever.
    with pytest.raises(identity.LogInRefused):
        await house.finish_code(first_id, first, known)


async def test_of_two_asked_for_at_once_one_is_sent(house: Any) -> None:
    results = await asyncio.gather(*(house.ask_code() for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(each, identity.CodeLimitReached) for each in results) == 4
    assert len(house.gateway.messages) == 1


async def test_one_address_cannot_ask_for_any_number_of_codes(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ONE_TIME_CODES_PER_ADDRESS_HOUR_MAX", 3)
    for last in range(3):
        await house.ask_code(f"1380000001{last}")
    with pytest.raises(identity.CodeLimitReached):
        await house.ask_code("13800000019")
    elsewhere = replace(house.client, address=ip_address("203.0.113.8"))
    await house.ask_code("13800000019", elsewhere)


async def test_addresses_of_one_ipv6_subscriber_count_as_one() -> None:
    first = identity.Client(address=ip_address("2001:db8:1:2::1"))
    second = identity.Client(address=ip_address("2001:db8:1:2:ffff::9"))
    assert first.counted_as == second.counted_as == "2001:db8:1:2::/64"
    assert str(first.network) == "2001:db8:1::/48"


async def test_a_number_without_a_login_gets_the_same_message_and_the_same_answers(
    house: Any,
) -> None:
    await house.open_login()
    known_id, known = await house.ask_code(MOBILE)
    unknown_id, unknown = await house.ask_code(UNKNOWN)
    texts = [house.gateway.read_last(each) for each in (MOBILE, UNKNOWN)]
    assert texts[0].replace(known, "") == texts[1].replace(unknown, "")
    refusals = []
    for code_id, wrong in ((known_id, another(known)), (unknown_id, another(unknown))):
        with pytest.raises(identity.LogInRefused) as refused:
            await house.finish_code(code_id, wrong)
        refusals.append((refused.value.code, refused.value.detail, refused.value.context))
    assert refusals[0] == refusals[1]
    with pytest.raises(identity.LogInRefused) as refused:
        await house.finish_code(uuid7(), "123456")
    assert (refused.value.code, refused.value.detail, refused.value.context) == refusals[0]
    # Only who has the phone learns that there is no login.
    with pytest.raises(identity.LoginNotOpened):
        await house.finish_code(unknown_id, unknown)
    assert await house.outcomes() == ["wrong", "wrong", "unknown", "not_open"]


@pytest.mark.parametrize("kind", ["delay", "error", "reject"])
async def test_a_gateway_in_trouble_is_named_and_leaves_nothing_half_made(
    house: Any, kind: str
) -> None:
    await house.open_login()
    async with httpx.AsyncClient(base_url=house.gateway_url) as client:
        arranged = await client.post("/faults", json={"kind": kind, "seconds": 4})
        assert arranged.status_code == 202
    with pytest.raises(identity.CodeNotDelivered) as failed:
        await house.ask_code()
    assert MOBILE not in str(failed.value)
    (row,) = await house.query("SELECT id, voided_at, used_at FROM identity.one_time_codes")
    assert (row.voided_at, row.used_at) == (house.now, None)
    # A message that arrived all the same opens nothing, and another one may be asked for at once.
    if kind == "delay":
        with pytest.raises(identity.LogInRefused):
            await house.finish_code(row.id, house.read_code())
    assert (await house.log_in()).token


async def test_without_a_gateway_it_is_said_that_nothing_is_sent(house: Any) -> None:
    desk = replace(house.desk, sender=identity.NoGateway())
    with pytest.raises(identity.CodeNotDelivered, match="HUITONG_SMS_GATEWAY_URL"):
        await replace(house, desk=desk).ask_code()


@pytest.mark.parametrize(
    "mobile", ["", "1380000000", "138000000011", "12800000001", "１3800000001"]
)
async def test_names_the_field_of_what_is_no_number(house: Any, mobile: str) -> None:
    with pytest.raises(InvalidField) as refused:
        await house.ask_code(mobile)
    assert refused.value.field == "mobile"
    assert await house.count("identity.one_time_codes") == 0


async def test_a_code_of_another_purpose_opens_nothing(house: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    house.advance(minutes=1)
    await identity.start_step_up(
        house.desk,
        session=issued.session,
        act=identity.Act(kind="payments.withdraw"),
        factor=identity.Factor.ONE_TIME_CODE,
        client=house.client,
        caller=identity_caller(),
        now=house.now,
    )
    (row,) = await house.query("SELECT id FROM identity.one_time_codes WHERE purpose = 'step_up'")
    with pytest.raises(identity.LogInRefused):
        await house.finish_code(row.id, house.read_code())
    assert await house.count("identity.sessions") == 1


def identity_caller() -> Any:
    from huitong.kernel.database.unit_of_work import SYSTEM

    return SYSTEM


async def test_ids_that_nobody_made_are_refused(house: Any) -> None:
    with pytest.raises(identity.LogInRefused):
        await house.finish_code(uuid.UUID(int=0), "000000")
