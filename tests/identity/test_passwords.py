"""Passwords: who has one gets in, who guesses is slowed down, and nobody learns who has a login."""

import asyncio
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from argon2 import PasswordHasher

from huitong import identity
from huitong.identity.weak_secrets import (
    CONTEXT_WORDS,
    check_password,
    load_common_passwords,
)
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField

MOBILE = "13800000001"
UNKNOWN = "13900000009"
PASSWORD = "南山南 chestnut river"


async def test_opens_a_session_with_the_password_factor(house: Any) -> None:
    login = await house.with_password()
    issued = await house.log_in_by_password()
    assert issued.session.login_id == login.id
    assert issued.session.method is identity.Factor.PASSWORD
    assert issued.session.factors == {identity.Factor.PASSWORD: house.now}


async def test_every_keyboard_s_way_to_write_it_is_the_same_password(house: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    await house.change_password(issued.session, "Ａ chestnut river é")
    assert (await house.log_in_by_password("A chestnut river e\N{COMBINING ACUTE ACCENT}")).token


async def test_unknown_wrong_and_passwordless_take_the_same_work_and_get_the_same_answer(
    house: Any,
) -> None:
    await house.with_password(MOBILE)
    await house.open_login("13800000002")
    seen = []
    for mobile in (MOBILE, "13800000002", UNKNOWN):
        before = house.desk.hasher.verifications
        with pytest.raises(identity.LogInRefused) as refused:
            await house.log_in_by_password("not the password", mobile)
        work = house.desk.hasher.verifications - before
        seen.append((work, refused.value.code, refused.value.detail, refused.value.context))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][0] == 1
    before = house.desk.hasher.verifications
    await house.log_in_by_password()
    assert house.desk.hasher.verifications - before == 1


async def test_the_dummy_costs_what_a_real_hash_costs() -> None:
    hasher = identity.SecretHasher()
    made = await hasher.hash("anything")
    assert made.rpartition("$")[0].rpartition("$")[0] == "$argon2id$v=19$m=47104,t=1,p=1"
    assert made.split("$")[:4] == hasher._dummy.split("$")[:4]
    hasher.close()


async def test_locks_a_number_twice_as_long_with_each_failure(house: Any) -> None:
    await house.with_password()
    for mobile in (MOBILE, UNKNOWN):
        waits = []
        for _ in range(limits.ONE_TIME_CODE_TRIES_MAX - 1):
            with pytest.raises(identity.LogInRefused):
                await house.log_in_by_password("wrong wrong", mobile)
        for _ in range(3):
            with pytest.raises(identity.LogInRefused):
                await house.log_in_by_password("wrong wrong", mobile)
            with pytest.raises(identity.TooManyAttempts) as refused:
                await house.log_in_by_password(PASSWORD, mobile)
            waits.append(refused.value.context["retry_after_seconds"])
            house.advance(seconds=waits[-1])
        assert waits == [30, 60, 120]
    # When the time is over, the right password opens, and the failures are forgotten.
    assert (await house.log_in_by_password()).token
    with pytest.raises(identity.LogInRefused):
        await house.log_in_by_password("wrong wrong")
    assert (await house.log_in_by_password()).token


async def test_a_locked_number_is_not_verified_at_all(house: Any) -> None:
    await house.with_password()
    for _ in range(5):
        with pytest.raises(identity.LogInRefused):
            await house.log_in_by_password("wrong wrong")
    before = house.desk.hasher.verifications
    with pytest.raises(identity.TooManyAttempts):
        await house.log_in_by_password()
    assert house.desk.hasher.verifications == before
    assert (await house.outcomes())[-1] == "locked"


async def test_a_right_guess_among_many_at_once_does_not_get_around_the_lock(house: Any) -> None:
    await house.with_password()
    guesses = ["wrong wrong"] * 12
    await asyncio.gather(
        *(house.log_in_by_password(guess) for guess in guesses), return_exceptions=True
    )
    assert (await house.outcomes())[1:].count("wrong") == 5
    with pytest.raises(identity.TooManyAttempts):
        await house.log_in_by_password()


async def test_an_address_that_fails_for_many_numbers_is_locked_for_all(house: Any) -> None:
    await house.with_password()
    for number in range(50):
        with pytest.raises(identity.LogInRefused):
            await house.log_in_by_password("wrong wrong", f"139{number:08d}")
    with pytest.raises(identity.TooManyAttempts):
        await house.log_in_by_password()
    elsewhere = replace(house.client, address=ip_address("198.51.100.1"))
    assert (await house.log_in_by_password(client=elsewhere)).token


async def test_ordinary_mistakes_behind_one_address_do_not_add_up(house: Any) -> None:
    await house.with_password()
    for number in range(120):
        house.advance(seconds=5)
        with pytest.raises(identity.LogInRefused):
            await house.log_in_by_password("wrong wrong", f"139{number:08d}")
    assert (await house.log_in_by_password()).token


async def test_a_stranger_who_fails_on_purpose_does_not_lock_the_owner_s_device_out(
    house: Any,
) -> None:
    await house.with_password()
    own = await house.log_in_by_password()
    stranger = replace(house.client, address=ip_address("198.51.100.1"))
    for _ in range(5):
        with pytest.raises(identity.LogInRefused):
            await house.log_in_by_password("wrong wrong", client=stranger)
    with pytest.raises(identity.TooManyAttempts):
        await house.log_in_by_password(client=stranger)
    known = replace(house.client, device_token=own.device_token)
    assert (await house.log_in_by_password(client=known)).token
    # The device has no more tries than the stranger, and another number's device has none.
    for _ in range(5):
        with pytest.raises(identity.LogInRefused):
            await house.log_in_by_password("wrong wrong", client=known)
    with pytest.raises(identity.TooManyAttempts):
        await house.log_in_by_password(client=known)
    await house.open_login("13800000002")
    other = await house.log_in("13800000002")
    with pytest.raises(identity.TooManyAttempts):
        await house.log_in_by_password(client=replace(stranger, device_token=other.device_token))


async def test_failures_are_forgotten_after_a_day(house: Any) -> None:
    await house.with_password()
    for _ in range(4):
        with pytest.raises(identity.LogInRefused):
            await house.log_in_by_password("wrong wrong")
    house.advance(days=1)
    with pytest.raises(identity.LogInRefused):
        await house.log_in_by_password("wrong wrong")
    assert (await house.log_in_by_password()).token


async def test_a_change_ends_every_session_everywhere(house: Any) -> None:
    await house.with_password()
    sessions = [await house.log_in_by_password() for _ in range(3)]
    other = identity.SessionCache(house.desk.database)
    await other.learn_news()
    for issued in sessions:
        assert await other.authenticate(issued.token, now=house.now)
    await house.change_password(sessions[0].session, "another long phrase 北", current=PASSWORD)
    for issued in sessions:
        assert await house.desk.sessions.authenticate(issued.token, now=house.now) is None
    await other.learn_news()
    for issued in sessions:
        assert await other.authenticate(issued.token, now=house.now) is None
    with pytest.raises(identity.LogInRefused):
        await house.log_in_by_password()
    assert (await house.log_in_by_password("another long phrase 北")).token


async def test_of_two_changes_at_once_one_wins(house: Any) -> None:
    await house.with_password()
    issued = await house.log_in_by_password()
    new = [f"another long phrase {number} 北" for number in range(4)]
    results = await asyncio.gather(
        *(house.change_password(issued.session, each, current=PASSWORD) for each in new),
        return_exceptions=True,
    )
    won = [password for password, result in zip(new, results, strict=True) if result is None]
    assert len(won) == 1
    lost = [each for each in results if each is not None]
    assert all(
        isinstance(
            each,
            identity.CredentialsChanged | identity.SessionEnded | identity.CurrentPasswordWrong,
        )
        for each in lost
    )
    assert (await house.log_in_by_password(won[0])).token


async def test_a_password_that_changed_while_it_was_verified_opens_nothing(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.with_password()
    issued = await house.log_in_by_password()
    verify = house.desk.hasher.verify

    async def verify_slowly(known: str | None, secret: str) -> Any:
        verification = await verify(known, secret)
        monkeypatch.undo()
        await house.change_password(issued.session, "another long phrase 北", current=PASSWORD)
        return verification

    monkeypatch.setattr(house.desk.hasher, "verify", verify_slowly)
    with pytest.raises(identity.LogInRefused):
        await house.log_in_by_password()


async def test_the_current_password_is_not_guessed_by_who_found_an_open_phone(house: Any) -> None:
    await house.with_password()
    issued = await house.log_in_by_password()
    for _ in range(5):
        with pytest.raises(identity.CurrentPasswordWrong):
            await house.change_password(
                issued.session, "another long phrase 北", current="guess it"
            )
    with pytest.raises(identity.TooManyAttempts):
        await house.change_password(issued.session, "another long phrase 北", current=PASSWORD)


async def test_without_the_current_password_a_fresh_factor_is_needed(house: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    house.advance(minutes=10)
    with pytest.raises(identity.StepUpRequired) as refused:
        await house.change_password(issued.session)
    assert refused.value.context == {
        "act": "identity.change_password",
        "factors": ["one_time_code", "passkey"],
        "fresh_minutes": 10,
    }
    rows = await house.query("SELECT password_hash FROM identity.logins")
    assert [row.password_hash for row in rows] == [None]


async def test_having_logged_in_with_the_password_is_not_knowing_it(house: Any) -> None:
    await house.with_password()
    issued = await house.log_in_by_password()
    with pytest.raises(identity.StepUpRequired):
        await house.change_password(issued.session, "another long phrase 北")
    await house.change_password(issued.session, "another long phrase 北", current=PASSWORD)


async def test_a_hash_of_an_older_cost_is_made_anew_at_the_next_log_in(house: Any) -> None:
    await house.with_password()
    dearer = identity.SecretHasher(memory_kib=16, passes=2)
    changed = replace(house, desk=replace(house.desk, hasher=dearer))
    await changed.log_in_by_password()
    (row,) = await house.query("SELECT password_hash FROM identity.logins")
    assert "m=16,t=2,p=1" in row.password_hash
    assert PasswordHasher().verify(row.password_hash, PASSWORD)
    assert (await changed.log_in_by_password()).token
    dearer.close()


async def test_more_hashes_than_fit_are_a_named_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HASHES_WAITING_MAX", 2)
    hasher = identity.SecretHasher(memory_kib=8)
    results = await asyncio.gather(
        *(hasher.verify(None, "secret") for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(each, identity.HashingBusy) for each in results) == 3
    assert not (await hasher.verify(None, "secret")).is_right
    hasher.close()


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 129,
        "aaaaaaaaaaaa",
        "ababababab",
        "abcabcabcabc",
        "1234567890",
        "20261126112233",
        "qwertyuiop",
        "1qaz2wsx3edc",
        "abcdefghij9",
        "Password123!",
        "p@ssw0rd2026",
        "Huitong2026!",
        "woaini1314520",
        "x13800000001y",
        "tab\there and there",
        "basketball",
        "Basketball",
        "b@sketb@ll",
        "harrypotter2026",
        "!!Manchester1998",
        "liverpool1",
        "98765432109876543",
    ],
)
def test_refuses_what_is_tried_first(password: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_password(password, field="new_password", known=[MOBILE])
    assert refused.value.field == "new_password"
    assert password not in refused.value.detail


@pytest.mark.parametrize(
    "password",
    [
        "南山南 chestnut river",
        "correct horse battery",
        "tq7-Lm2.Zr9v",
        "今天天气真不错呀我去爬山",
        "chestnut\N{IDEOGRAPHIC SPACE}river 南",
        "onlysmalllettersinarow",
        "ONLYCAPITALLETTERSINAROW",
        "83019274650918273645",
        "!#%&)(+*-/_;:<>",
        "basketball under the chestnut tree",
        "x" * 3 + " and no end of a phrase " * 5,
    ],
)
def test_takes_what_is_long_and_of_nobody_s_list(password: str) -> None:
    check_password(password, field="new_password", known=[MOBILE])


@pytest.mark.parametrize("word", CONTEXT_WORDS)
def test_refuses_what_is_tried_first_here(word: str) -> None:
    for password in (f"{word}2026!@#$%^", f"{word.capitalize()} 20261126", f"1!{word}-{word}-99"):
        with pytest.raises(InvalidField):
            check_password(password, field="password")


def test_the_common_passwords_are_a_list_with_a_source() -> None:
    found = load_common_passwords()
    assert len(found) > 30_000
    assert all(word == word.casefold() and word.strip() == word for word in found)
    for word in sorted(each for each in found if len(each) >= limits.PASSWORD_LENGTH_MIN):
        with pytest.raises(InvalidField):
            check_password(word, field="password")


async def test_a_password_does_not_grow_old(house: Any) -> None:
    await house.with_password()
    house.advance(days=3_650)
    assert (await house.log_in_by_password()).token
