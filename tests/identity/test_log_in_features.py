"""What log-ins are decided from: distances, speeds, decayed failures, and their queries."""

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.conftest import MOBILE, START, House
from tests.identity.deciding import BEIJING, CATALOGUE, SHANGHAI, at

from huitong import identity
from huitong.identity.commands.log_in_features import compare_places, load_features
from huitong.identity.mobiles import index_mobile, key_number
from huitong.identity.places import Place, calculate_distance
from huitong.identity.store import log_in_history
from huitong.identity.store.log_in_history import KnownPlace, decay
from huitong.identity.store.logins import find_login
from huitong.identity.types import Audience, Factor
from huitong.kernel import limits

HALF_THE_EARTH = math.pi * 6_371.0088
degrees = st.integers(-9_000, 9_000).map(lambda each: each / 100)
places = st.builds(
    Place,
    country=st.just("CN"),
    city=st.sampled_from(["Harbin", "Lhasa", "Sanya", None]),
    latitude=degrees,
    longitude=st.integers(-18_000, 18_000).map(lambda each: each / 100),
)
known = st.builds(
    KnownPlace,
    place=st.none() | places,
    last_at=st.integers(0, 10**7).map(lambda each: START - timedelta(seconds=each)),
    log_ins=st.integers(0, 6),
    has_agent=st.none() | st.booleans(),
)


def seen(place: Place | None, *, log_ins: int = 3, minutes: float = 30) -> KnownPlace:
    return KnownPlace(
        place=place,
        last_at=START - timedelta(minutes=minutes),
        log_ins=log_ins,
        has_agent=None,
    )


def test_beijing_to_shanghai_in_half_an_hour_is_2133_kilometres_an_hour() -> None:
    found = compare_places([seen(BEIJING)], SHANGHAI, least=3, now=START)
    assert found["kilometres_from_last"] == pytest.approx(1066.7, abs=0.1)
    assert found["kilometres_per_hour"] == pytest.approx(2133.4, abs=0.2)
    assert found["kilometres_from_usual"] == found["kilometres_from_last"]
    assert (found["is_new_place"], found["seconds_since_log_in"]) == (True, 1800)


def test_what_is_not_known_is_null_and_a_place_is_usual_from_three_log_ins_on() -> None:
    nothing = compare_places([], None, least=3, now=START)
    assert set(nothing.values()) == {None}
    first = compare_places([], SHANGHAI, least=3, now=START)
    assert (first["is_new_place"], first["kilometres_per_hour"]) == (True, None)
    rare = compare_places([seen(BEIJING, log_ins=2)], SHANGHAI, least=3, now=START)
    assert (rare["kilometres_from_usual"], rare["is_new_place"]) == (None, True)
    hidden = compare_places([seen(None), seen(BEIJING)], SHANGHAI, least=3, now=START)
    assert hidden["kilometres_from_last"] == pytest.approx(1066.7, abs=0.1)


@given(st.lists(known, max_size=6), places, st.integers(1, 5))
def test_places_are_compared_within_bounds(
    history: list[KnownPlace], place: Place, least: int
) -> None:
    history.sort(key=lambda each: each.last_at, reverse=True)
    found: dict[str, Any] = compare_places(history, place, least=least, now=START)
    for name in ("kilometres_from_last", "kilometres_from_usual"):
        assert found[name] is None or 0 <= found[name] <= HALF_THE_EARTH + 1e-6
    speed = found["kilometres_per_hour"]
    assert speed is None or (math.isfinite(speed) and speed >= 0)
    usual = [each.place for each in history if each.place and each.log_ins >= least]
    assert (found["kilometres_from_usual"] is None) == (not usual)
    if usual:
        distances = [calculate_distance(each, place) for each in usual]
        assert found["kilometres_from_usual"] == min(each for each in distances if each is not None)
    again = compare_places([seen(place), *history], place, least=1, now=START)
    assert again["is_new_place"] is False
    assert again["kilometres_from_usual"] == again["kilometres_per_hour"] == 0


@given(st.lists(st.integers(0, 86_400), min_size=1, max_size=20))
def test_a_decayed_counter_is_the_sum_of_what_is_left_of_each_event(gaps: list[int]) -> None:
    count, last, at_ = 0.0, START, START
    events = []
    for gap in gaps:
        at_ += timedelta(seconds=gap)
        count, last = 1 + decay(count, last, at_), at_
        events.append(at_)
    expected = sum(2 ** (-(at_ - each).total_seconds() / 3_600) for each in events)
    assert count == pytest.approx(expected, rel=1e-9)


async def test_the_database_counts_as_the_formula_says_also_after_years(house: House) -> None:
    address, number = b"a" * 32, b"n" * 32
    expected = {"address": 0.0, "number": 0.0}
    last = house.now
    for step, has_number in ((0, True), (3_600, False), (10, True), (86_400 * 900, True)):
        house.advance(seconds=step)
        await house.run(
            lambda uow, key=number if has_number else None: log_in_history.count_failure(
                uow, number_key=key, address_index=address, now=house.now
            )
        )
        expected["address"] = 1 + decay(expected["address"], last, house.now)
        last = house.now
    rows = await house.query("SELECT kind, failures_1h FROM identity.failure_counts")
    counted = {row.kind: row.failures_1h for row in rows}
    assert counted["address"] == pytest.approx(expected["address"], rel=1e-12)
    assert counted["number"] == pytest.approx(1.0, rel=1e-9)
    house.advance(hours=1)
    found = await house.run(
        lambda uow: log_in_history.load_counters(
            uow, number_key=number, address_index=address, on_day=START.date(), now=house.now
        )
    )
    assert found.failures == pytest.approx(0.5, rel=1e-9)
    assert found.address_logins == 0


async def load(house: House, **change: Any) -> dict[str, Any]:
    login = await house.run(_find_login)
    given = {
        "number_key": key_number(Audience.CUSTOMER, index_mobile(house.desk.vault, MOBILE)),
        "login": login,
        "method": Factor.PASSWORD,
        "client": at(SHANGHAI),
        "now": house.now,
        **change,
    }
    features, _device = await house.run(lambda uow: load_features(uow, house.desk.vault, **given))
    return dict(features)


async def _find_login(uow: Any) -> Any:
    rows = await uow.execute("SELECT id FROM identity.logins LIMIT 1")
    return await find_login(uow, rows[0].id) if rows else None


async def test_the_features_are_those_of_the_catalogue_also_of_a_stranger(house: House) -> None:
    stranger = await load(house)
    assert stranger.keys() == CATALOGUE.keys()
    assert [name for name, value in stranger.items() if value is not None] == [
        "method",
        "is_night",
        "failures_1h",
        "address_failures_1h",
        "address_logins_today",
    ]
    await house.open_login()
    assert (await load(house)).keys() == CATALOGUE.keys()


async def test_a_program_is_new_until_somebody_logged_in_with_it(house: House) -> None:
    await house.open_login()
    with_agent = at(SHANGHAI, agent="Browser/1.0")
    assert (await load(house, client=with_agent))["is_new_agent"] is None
    await house.log_in(client=with_agent)
    assert (await load(house, client=with_agent))["is_new_agent"] is False
    assert (await load(house, client=at(SHANGHAI, agent="curl/8")))["is_new_agent"] is True
    assert (await load(house, client=at(SHANGHAI)))["is_new_agent"] is None


async def test_night_is_before_five_in_china(house: House) -> None:
    await house.open_login()
    hours = [START.replace(hour=hour) for hour in (15, 16, 20, 21)]
    nights = [(await load(house, now=each))["is_night"] for each in hours]
    assert nights == [False, True, True, False]


async def test_counters_are_pruned_when_they_are_over(house: House) -> None:
    await house.run(
        lambda uow: log_in_history.count_failure(
            uow, number_key=b"n" * 32, address_index=b"a" * 32, now=house.now
        )
    )
    await house.run(
        lambda uow: log_in_history.note_try(
            uow, number_key=b"n" * 32, address_index=b"a" * 32, on_day=START.date()
        )
    )
    assert await house.run(lambda uow: identity.prune_what_is_over(uow, now=house.now)) == 0
    later = house.now + timedelta(hours=limits.LOG_IN_KEEP_HOURS + 24)
    assert await house.run(lambda uow: identity.prune_what_is_over(uow, now=later)) == 2
    assert await house.count("identity.failure_counts") == 0
    assert await house.count("identity.address_tries") == 0


async def test_a_flood_of_failures_is_not_read_for_a_logins_history(house: House) -> None:
    """Twenty thousand tries of a stranger lie beside a login's own; the plan passes them by."""
    login = await house.open_login()
    for _ in range(3):
        await house.log_in(client=at(BEIJING))
        house.advance(minutes=2)
    await house.query(
        """
        INSERT INTO identity.attempts (id, attempted_at, audience, method, outcome, login_id,
                                       network)
        SELECT gen_random_uuid(), :now, 'customer', 'password', 'locked', :login,
               CAST('203.0.113.0/24' AS cidr) FROM generate_series(1, 20000)
        """,
        now=house.now,
        login=login.id,
    )
    rows = await house.query(
        "EXPLAIN (ANALYZE, FORMAT TEXT) " + log_in_history._PLACES,
        login_id=login.id,
        agent=None,
        since=START,
        undisputed=START,
        reduced_for=timedelta(hours=24),
        now=house.now,
        count=limits.LOG_INS_LOOKED_AT_MAX,
    )
    plan = "\n".join(row[0] for row in rows)
    assert "attempts_that_logged_in" in plan, plan
    assert "Removed by Filter: 20000" not in plan
