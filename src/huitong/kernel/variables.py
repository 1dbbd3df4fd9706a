"""Reading single variables of the environment, strictly: what is wrong is named by its variable."""

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField

#: Name, kind and address of a service outside.
Endpoint = tuple[str, str, str]
_ENDPOINT: Final = re.compile(r"([a-z][a-z0-9-]{0,31})=([a-z_]{1,32})@(\S+)")
_DATABASE_SCHEMES: Final = ("postgresql", "postgres")


def read_integer(variables: Mapping[str, str], name: str, *, default: int, maximum: int) -> int:
    """Return a whole number from 1 to `maximum`; raises InvalidField."""
    text = variables.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= maximum):
        raise InvalidField(f"must be a whole number from 1 to {maximum}, not {text!r}", field=name)
    return int(text)


def read_names(variables: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return names that commas separate."""
    names = [part.strip() for part in variables.get(name, "").split(",")]
    return tuple(part for part in names if part)


def read_path(variables: Mapping[str, str], name: str) -> Path | None:
    """Return an absolute path, or None."""
    text = variables.get(name)
    return Path(text).expanduser().absolute() if text else None


def read_choice(
    variables: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]
) -> str:
    """Return one of `choices`, in small letters; raises InvalidField."""
    text = (variables.get(name) or default).lower()
    if text not in choices:
        raise InvalidField(f"must be one of {', '.join(choices)}, not {text!r}", field=name)
    return text


def read_list(variables: Mapping[str, str], name: str, *, maximum: int) -> tuple[str, ...]:
    """Return what commas separate, at most `maximum`; raises InvalidField."""
    given = tuple(each.strip() for each in variables.get(name, "").split(",") if each.strip())
    if len(given) > maximum:
        raise InvalidField(f"must name at most {maximum}, separated by commas", field=name)
    return given


def read_networks(variables: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return addresses or networks; raises InvalidField."""
    networks = read_list(variables, name, maximum=limits.NETWORKS_MAX)
    for network in networks:
        try:
            ip_network(network)
        except ValueError:
            raise InvalidField(
                "must be addresses or networks like 10.0.0.0/8, separated by commas", field=name
            ) from None
    return networks


def read_origins(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the origins of passkeys; raises InvalidField."""
    name = "HUITONG_PASSKEY_ORIGINS"
    origins = read_list(variables, name, maximum=limits.PASSKEY_ORIGINS_MAX)
    for origin in origins:
        parts = urlsplit(origin)
        is_origin = parts.scheme in ("https", "http") and f"{parts.scheme}://{parts.netloc}"
        # Browsers give passkeys to http pages of the machine itself only.
        is_safe = parts.scheme == "https" or parts.hostname == "localhost"
        if is_origin != origin or not is_safe:
            raise InvalidField(
                "must be origins like https://bank.example, separated by commas", field=name
            )
    return origins


def read_service_url(variables: Mapping[str, str], name: str) -> str | None:
    """Return the address of a service outside, or None; raises InvalidField if it is unsafe."""
    url = variables.get(name)
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    host = parts.hostname
    is_bare = not (parts.username or parts.query or parts.fragment)
    # Numbers, cards and codes go there: in plain text over the loopback interface only.
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or ""))
    if host is None or not is_bare or not is_safe:
        raise InvalidField(
            "must look like https://host:443/path, or http://127.0.0.1:8600 on this machine",
            field=name,
        )
    return url


def read_endpoints(variables: Mapping[str, str], name: str) -> tuple[Endpoint, ...]:
    """Return services outside as (name, kind, address); raises InvalidField if one is unsafe."""
    found: list[Endpoint] = []
    for text in filter(None, (part.strip() for part in variables.get(name, "").split(","))):
        match = _ENDPOINT.fullmatch(text)
        if match is None or any(known[0] == match[1] for known in found):
            raise InvalidField(
                "must look like cards=card_acquiring@https://host/path, with commas between, "
                "and no name twice",
                field=name,
            )
        url = read_service_url({name: match[3]}, name)
        assert url is not None
        found.append((match[1], match[2], url))
    return tuple(found)


def is_loopback(host: str) -> bool:
    """Say whether a host name or address never leads off this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_time_zone(variables: Mapping[str, str]) -> str:
    """Return the name of a time zone; raises InvalidField."""
    name = variables.get("HUITONG_TIME_ZONE") or "Asia/Shanghai"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidField(
            f"{name!r} is not a time zone of the IANA database", field="HUITONG_TIME_ZONE"
        ) from error
    return name


def read_database_url(variables: Mapping[str, str], name: str) -> str | None:
    """Return the URL of a database, or None; raises InvalidField, which does not repeat it."""
    url = variables.get(name)
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in _DATABASE_SCHEMES and parts.path not in ("", "/")
    except ValueError:
        is_usable = False
    if not is_usable:
        # The value itself is not repeated: it holds a password.
        raise InvalidField(
            "must look like postgresql://user:password@host:5432/database", field=name
        )
    return url
