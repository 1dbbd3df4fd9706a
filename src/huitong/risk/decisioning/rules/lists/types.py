"""Entities on lists, and how their keys are written."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

_VERSION_6: Final = 6
_MAPPED: Final = int(IPv6Address("::ffff:0.0.0.0"))


def number_address(address: IPv4Address | IPv6Address) -> int:
    """Return an address as the number of an IPv6 address: one of IPv4 in its mapped form."""
    return int(address) if address.version == _VERSION_6 else _MAPPED | int(address)


class ListKind(StrEnum):
    """What being on a list means."""

    #: Rules and models do not hold back who is allowed; for a time only.
    ALLOW = "allow"
    BLOCK = "block"
    #: Noted in the decision, and looked at by people.
    WATCH = "watch"


class EntityKind(StrEnum):
    """What can be on a list."""

    CUSTOMER = "customer"
    ACCOUNT = "account"
    DEVICE = "device"
    ADDRESS = "address"
    MERCHANT = "merchant"
    #: By blind index: a list never holds a number.
    MOBILE = "mobile"
    #: Payer and payee together, on `allow` only.
    PAIR = "pair"


KEY_BYTES: Final = {EntityKind.ACCOUNT: 8, EntityKind.MOBILE: 32}
ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Entity:
    """One customer, account, device, address, merchant, mobile number, or payer with payee."""

    kind: EntityKind
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a key of another kind's length; raises ValueError."""
        if len(self.key) != KEY_BYTES.get(self.kind, ID_BYTES):
            raise ValueError(f"a key of {self.kind} does not have {len(self.key)} bytes")

    @staticmethod
    def of_id(kind: EntityKind, identifier: uuid.UUID) -> "Entity":
        """Return a customer, device or merchant."""
        return Entity(kind, identifier.bytes)

    @staticmethod
    def of_account(account_id: int) -> "Entity":
        """Return an account."""
        return Entity(EntityKind.ACCOUNT, account_id.to_bytes(8, "big"))

    @staticmethod
    def of_pair(payer_account_id: int, payee_account_id: int) -> "Entity":
        """Return what a payer pays to one payee."""
        key = payer_account_id.to_bytes(8, "big") + payee_account_id.to_bytes(8, "big")
        return Entity(EntityKind.PAIR, key)

    @property
    def accounts(self) -> tuple[int, ...]:
        """The accounts that it is made of: one, two for a pair, none for another kind."""
        if self.kind is EntityKind.ACCOUNT:
            return (int.from_bytes(self.key),)
        if self.kind is EntityKind.PAIR:
            return (int.from_bytes(self.key[:8]), int.from_bytes(self.key[8:]))
        return ()

    @staticmethod
    def of_address(address: IPv4Address | IPv6Address) -> "Entity":
        """Return an address; IPv4 in its mapped form, so that both writings are one."""
        return Entity(EntityKind.ADDRESS, number_address(address).to_bytes(ID_BYTES, "big"))

    @staticmethod
    def of_mobile(blind_index: bytes) -> "Entity":
        """Return a mobile number, by its blind index of 32 bytes."""
        return Entity(EntityKind.MOBILE, blind_index)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """Who is on a list, until when and why."""

    id: uuid.UUID
    list: ListKind
    entity: Entity
    reason: str = field(repr=False)
    added_at: datetime
    expires_at: datetime | None
    removed_at: datetime | None = None
