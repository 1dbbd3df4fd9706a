"""Staff sign-in is decided by risk: stopped, asked for a passkey, and let past by the operator."""

from dataclasses import replace
from typing import Any

import pytest
from tests.identity.deciding import BEIJING, CATALOGUE, SHANGHAI, at, decided_by, rule
from tests.identity.test_staff import outcomes

from huitong import identity
from huitong.identity.commands import staff_deciding
from huitong.identity.errors import LogInBlocked, LogInRefused, PasskeyWanted
from huitong.identity.staff_errors import StaffNotFound
from huitong.kernel.rulebook import Rulebook

STAFF_ONLY = "method = 'staff_totp'"


async def use_rules(office: Any, document: Any = None) -> None:
    office.house = await decided_by(office.house, document)


def move(office: Any, place: Any) -> None:
    office.house = replace(office.house, client=at(place))


async def let_in(office: Any, email: str) -> Any:
    return await office.house.run(
        lambda uow: identity.let_staff_in(
            uow,
            vault=office.house.desk.vault,
            email=email,
            rulebook=Rulebook.load(),
            now=office.house.now,
        )
    )


async def actions(house: Any) -> list[int]:
    rows = await house.query("SELECT action FROM risk.decisions ORDER BY id")
    return [row.action for row in rows]


async def test_an_ordinary_sign_in_is_decided_and_let_in(office: Any) -> None:
    first = await office.add_first("ming@bank.example")
    await use_rules(office)
    move(office, BEIJING)
    await office.issue(first)
    assert await outcomes(office.house) == ["signed_in"]
    assert await actions(office.house) == [0]


async def test_the_features_are_those_of_the_catalogue(office: Any) -> None:
    first = await office.add_first("ming@bank.example")
    await use_rules(office)
    move(office, BEIJING)
    await office.issue(first)
    office.house.advance(minutes=30)
    move(office, SHANGHAI)
    staff = await office.staff(first.id)
    features = await office.house.run(
        lambda uow: staff_deciding.load_features(
            uow,
            office.house.desk.vault,
            staff,
            identity.SecondFactor.TOTP,
            email_index=b"e" * 32,
            client=office.house.client,
            now=office.house.now,
        )
    )
    assert set(features) == set(CATALOGUE)
    assert (features["is_new_place"], features["method"]) == (True, "staff_totp")
    assert 2_000 < features["kilometres_per_hour"] < 2_200


async def test_impossible_travel_does_not_just_pass(office: Any) -> None:
    first = await office.add_first("ming@bank.example")
    await use_rules(office)
    for place in (BEIJING, SHANGHAI):
        move(office, place)
        if place is BEIJING:
            await office.issue(first)
            office.house.advance(minutes=20)
            continue
        with pytest.raises((LogInBlocked, PasskeyWanted)) as stopped:
            await office.issue(first)
        assert stopped.value.context["reasons"]
        assert str(stopped.value.context["decision"]).startswith("dec_")
    assert (await outcomes(office.house))[0] == "signed_in"
    assert await office.house.count("identity.staff_sessions") == 1


@pytest.mark.parametrize(
    ("action", "error", "outcome"),
    [
        ("block", LogInBlocked, "blocked"),
        ("step_up", PasskeyWanted, "passkey_wanted"),
        ("review", PasskeyWanted, "passkey_wanted"),
    ],
)
async def test_only_who_proved_both_factors_hears_of_it_and_a_pass_lets_in_once(
    office: Any, action: str, error: Any, outcome: str
) -> None:
    first = await office.add_first("ming@bank.example")
    await use_rules(office, rule(STAFF_ONLY, action))
    with pytest.raises(LogInRefused):
        await office.issue(first, password="wrong chestnut river")
    with pytest.raises(error):
        await office.issue(first)
    assert await outcomes(office.house) == ["wrong", outcome]
    assert await office.house.count("identity.staff_sessions") == 0

    staff_id, _ = await let_in(office, first.email)
    assert staff_id == first.id
    with pytest.raises(LogInRefused):
        await office.issue(first, code="000000")
    assert (await office.issue(first)).session.staff.id == first.id
    with pytest.raises(error):
        await office.issue(first)
    audited = await office.house.query("SELECT action FROM kernel.audit ORDER BY id")
    found = [row.action for row in audited]
    assert {"identity.let_staff_in", "identity.use_staff_pass"} <= set(found)


async def test_a_pass_is_over_after_the_rules_minutes_and_is_for_one_member(office: Any) -> None:
    first = await office.add_first("ming@bank.example")
    second = await office.add_first("fang@bank.example")
    await use_rules(office, rule(STAFF_ONLY, "block"))
    await let_in(office, first.email)
    with pytest.raises(LogInBlocked):
        await office.issue(second)
    office.house.advance(minutes=61)
    with pytest.raises(LogInBlocked):
        await office.issue(first)
    with pytest.raises(StaffNotFound):
        await let_in(office, "nobody@bank.example")


async def test_wrong_tries_are_counted_and_rules_see_them(office: Any) -> None:
    first = await office.add_first("ming@bank.example")
    await use_rules(office, rule("failures_1h > 1.5", "block"))
    for _ in range(2):
        with pytest.raises(LogInRefused):
            await office.issue(first, password="wrong chestnut river")
    with pytest.raises(LogInBlocked):
        await office.issue(first)
