"""Checkpoints: what the log says, in three lines, at one size (C2SP tlog-checkpoint).

    huitong/ledger/0b1c…
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

The log's name, its size, its root; signed as a note. Whoever keeps a checkpoint can hold the
platform to it for ever: every later one must be provably consistent with it.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huitong.kernel.merkle import HASH_BYTES, SIZE_MAX
from huitong.kernel.notes import (
    NoteNotValid,
    PublicKey,
    decode_base64,
    encode_base64,
    open_note,
    sign_note,
)

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The root of a log of `size` leaves; `origin` is the log's name."""

    origin: str
    size: int
    root: bytes

    def to_text(self) -> str:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A checkpoint as it was signed and stored: `note` is what others are given."""

    size: int
    root: bytes
    note: str
    public_key: str
    signed_at: datetime


def sign_checkpoint(checkpoint: Checkpoint, private_key: Ed25519PrivateKey) -> str:
    """Return a checkpoint as a signed note, with the log's name as that of the key."""
    return sign_note(checkpoint.to_text(), checkpoint.origin, private_key)


def open_checkpoint(note: str, public_key: PublicKey) -> Checkpoint:
    """Return the checkpoint in a note that this key signed; raises NoteNotValid."""
    lines = open_note(note, public_key).removesuffix("\n").split("\n")
    # Lines after the third are extensions, which the format allows and tells readers to ignore.
    if len(lines) < _LINES_MIN or not all(lines):
        raise NoteNotValid("A checkpoint has the log's name, its size and its root, each on a line")
    origin, size, root = lines[:_LINES_MIN]
    decoded = decode_base64(root)
    if decoded is None or len(decoded) != HASH_BYTES:
        raise NoteNotValid("A checkpoint's third line must be the root, in base64")
    if _SIZE.fullmatch(size) is None or int(size) > SIZE_MAX:
        raise NoteNotValid("A checkpoint's second line must be the log's size, in plain digits")
    if origin != public_key.name:
        raise NoteNotValid(f"The checkpoint is of the log {origin}, not of {public_key.name}")
    return Checkpoint(origin, int(size), decoded)
