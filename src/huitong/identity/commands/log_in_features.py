"""What a log-in is decided from: computed from this room's own rows, of what was before it.

The names and types are those of the catalogue of risk (`features.yaml`, purpose log_in); a test
holds the two together.
"""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong.identity.deciding import FeatureValue
from huitong.identity.mobiles import index_address
from huitong.identity.places import Place, calculate_distance, calculate_speed
from huitong.identity.store import log_in_history as store
from huitong.identity.store.log_in_history import KnownPlace
from huitong.identity.store.sessions import find_trusted_device
from huitong.identity.tokens import DEVICE_PREFIX, digest_token
from huitong.identity.types import Client, Factor, Login, Vault
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook

_ZONE: Final = ZoneInfo(SHANGHAI)
NIGHT_ENDS_HOUR: Final = 5
_AGENT_LENGTH_MAX: Final = 256
_AGENT_BYTES: Final = 16
#: Of what is known of a login only; a stranger has none of it.
OF_LOGINS: Final = (
    "kilometres_per_hour",
    "kilometres_from_last",
    "kilometres_from_usual",
    "is_new_place",
    "is_new_device",
    "is_new_agent",
    "seconds_since_log_in",
)


async def load_features(
    uow: UnitOfWork,
    vault: Vault,
    *,
    number_key: bytes,
    login: Login | None,
    method: Factor,
    client: Client,
    now: datetime,
) -> tuple[dict[str, FeatureValue], uuid.UUID | None]:
    """Return the features of a try to log in to a number, and the device if the login knows it.

    `login` is None for a stranger. At most three queries by index; nothing is written, and the
    history of a stranger is looked for too, so that it takes as long.
    """
    today = business_day(now)
    counters = await store.load_counters(
        uow,
        number_key=number_key,
        address_index=index_address(vault, client),
        on_day=today,
        now=now,
    )
    features: dict[str, FeatureValue] = {
        **dict.fromkeys(OF_LOGINS),
        "method": method.value,
        "is_night": now.astimezone(_ZONE).hour < NIGHT_ENDS_HOUR,
        "failures_1h": counters.failures,
        "address_failures_1h": counters.address_failures,
        "address_logins_today": float(counters.address_logins),
    }
    login_id = uuid7() if login is None else login.id
    history = await _load_history(uow, vault, login_id, client, today=today, now=now)
    device_id = await _find_device(uow, login_id, client, now=now)
    if login is not None:
        features.update(history)
        features["is_new_device"] = device_id is None
    return features, device_id


async def _find_device(
    uow: UnitOfWork, login_id: uuid.UUID, client: Client, *, now: datetime
) -> uuid.UUID | None:
    if client.device_token is None:
        return None
    digest = digest_token(DEVICE_PREFIX, client.device_token)
    if digest is None:
        return None
    return await find_trusted_device(uow, digest, login_id, now=now)


async def _load_history(
    uow: UnitOfWork,
    vault: Vault,
    login_id: uuid.UUID,
    client: Client,
    *,
    today: date,
    now: datetime,
) -> dict[str, FeatureValue]:
    rulebook = Rulebook.load()
    agent = index_agent(vault, client)
    days = rulebook.integer("fraud.place.usual.days", today)
    known = await store.list_places(
        uow,
        login_id,
        agent_index=agent,
        since=now - timedelta(days=days),
        reduced_for=reduced_for(now),
        now=now,
    )
    least = rulebook.integer("fraud.place.usual.log_ins.min", today)
    return {
        **compare_places(known, client.place, least=least, now=now),
        "is_new_agent": _is_new_agent(known, agent),
    }


def compare_places(
    known: Sequence[KnownPlace], place: Place | None, *, least: int, now: datetime
) -> dict[str, FeatureValue]:
    """Return how a place stands to those where somebody logged in before, the latest first.

    Speeds count from the last log-in whose place has coordinates, and one second at least: a
    speed is always finite. Worked: Beijing to Shanghai is 1,067 km along the great circle, and in
    half an hour 2,133 km/h. A usual place has `least` log-ins or more.
    """
    features: dict[str, FeatureValue] = {
        "kilometres_per_hour": None,
        "kilometres_from_last": None,
        "kilometres_from_usual": None,
        "is_new_place": None,
        "seconds_since_log_in": None,
    }
    if known:
        seconds = (now - known[0].last_at).total_seconds()
        features["seconds_since_log_in"] = max(0, int(seconds))
    if place is None:
        return features
    features["is_new_place"] = all(_city(each.place) != _city(place) for each in known)
    last = next((each for each in known if _has_coordinates(each.place)), None)
    if last is not None and last.place is not None:
        since = max(1.0, (now - last.last_at).total_seconds())
        features["kilometres_from_last"] = calculate_distance(last.place, place)
        features["kilometres_per_hour"] = calculate_speed(last.place, place, seconds=since)
    distances = [
        calculate_distance(each.place, place)
        for each in known
        if each.place is not None and each.log_ins >= least
    ]
    features["kilometres_from_usual"] = min(
        (each for each in distances if each is not None), default=None
    )
    return features


def reduced_for(now: datetime) -> timedelta:
    """Return for how long a session has reduced powers, where risk wants that."""
    hours = Rulebook.load().integer("risk.log_in.reduced.hours", business_day(now))
    return timedelta(hours=hours)


def index_agent(vault: Vault, client: Client) -> bytes | None:
    """Return by what a program is known again, None if it does not say what it is."""
    if not client.agent:
        return None
    return vault.blind_index("login_agent", client.agent[:_AGENT_LENGTH_MAX])[:_AGENT_BYTES]


def _is_new_agent(known: Sequence[KnownPlace], agent: bytes | None) -> bool | None:
    said = [each.has_agent for each in known if each.has_agent is not None]
    return not any(said) if agent is not None and said else None


def _city(place: Place | None) -> tuple[str, str | None, str | None] | None:
    return None if place is None else (place.country, place.region, place.city)


def _has_coordinates(place: Place | None) -> bool:
    return place is not None and place.latitude is not None
