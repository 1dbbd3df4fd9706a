"""Mobile numbers: their shape, their blind index, and how they are shown."""

import hashlib
import re
import uuid
from typing import Final

from huitong.identity.types import Audience, Client, Vault
from huitong.kernel.errors import InvalidField

_SHAPE: Final = re.compile(r"1[3-9][0-9]{9}")


def check_mobile(mobile: str) -> None:
    """Refuse what is no mobile number of mainland China; raises InvalidField."""
    if _SHAPE.fullmatch(mobile) is None:
        raise InvalidField("must be a mobile number of mainland China, 11 digits", field="mobile")


def index_mobile(vault: Vault, mobile: str) -> bytes:
    """Return the blind index under which a number is found."""
    return vault.blind_index("login_mobile", mobile)


def name_mobile_payee(vault: Vault, mobile: str) -> str:
    """Return how an act names a payee who is known by a number: keyed, for it is stored hashed."""
    return f"mobile:{vault.blind_index('act_payee', mobile).hex()}"


def index_address(vault: Vault, client: Client) -> bytes:
    """Return the blind index under which an address is counted."""
    return vault.blind_index("login_address", client.counted_as)


def key_number(audience: Audience, mobile_index: bytes) -> bytes:
    """Return the key under which failures of a number are counted in one audience."""
    return hashlib.sha256(audience.value.encode() + b":" + mobile_index).digest()


def key_device(device_id: uuid.UUID) -> bytes:
    """Return the key under which failures on a known device are counted."""
    return hashlib.sha256(b"device:" + device_id.bytes).digest()


def mask_mobile(mobile: str) -> str:
    """Return a number as it may be shown to its owner: 138****0001."""
    return f"{mobile[:3]}****{mobile[-4:]}"
