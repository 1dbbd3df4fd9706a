"""Every scope that an API key may have, with what it lets the key do: read from the policy."""

from collections.abc import Mapping
from typing import Final

from huitong.identity import AccessPolicy

SCOPES: Final[Mapping[str, str]] = AccessPolicy.load().key_scopes
