"""What the desk and its process say to each other: frames of a length and that many bytes."""

import struct
from datetime import date
from typing import Final

import msgspec

from huitong.customers.evidence.id_card import CardSide

#: The length of what follows, then whether it is an answer (1) or a failure (0).
HEADER: Final = struct.Struct(">IB")
ANSWERED: Final = 1
FAILED: Final = 0


class ReadCard(msgspec.Struct, frozen=True, kw_only=True, tag="read_card"):
    """Read one side of an identity card."""

    content: bytes
    side: CardSide | None
    field: str


class ReadPassport(msgspec.Struct, frozen=True, kw_only=True, tag="read_passport"):
    """Read the lines for machines of a passport."""

    content: bytes
    today: date
    field: str


class CompareFaces(msgspec.Struct, frozen=True, kw_only=True, tag="compare_faces"):
    """Compare the faces of two pictures."""

    document: bytes
    selfie: bytes
    threshold: float


Task = ReadCard | ReadPassport | CompareFaces


def pack(kind: int, payload: bytes) -> bytes:
    """Return a frame."""
    return HEADER.pack(len(payload), kind) + payload
