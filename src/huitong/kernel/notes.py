"""Signed notes (C2SP signed-note, version 1) with Ed25519, and the public keys that check them.

A note is text, an empty line, and a line for each signature:

    the text
    its last line

    — name base64(key id || signature)

A public key is written as `name+key id+base64(1 || key)`, the form in which the tools of other
transparency logs take it; the key id is the start of SHA-256(name || newline || 1 || key).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField, Refusal

_ED25519: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_SIGNATURE_LINE: Final = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_PUBLIC_KEY: Final = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteNotValid(Refusal):
    """A note is malformed, or no signature of the given key holds for its text."""

    code = "note_not_valid"
    title = "The signed note cannot be trusted"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The key that checks a log's notes: the log's name and 32 bytes."""

    name: str
    key: bytes

    @classmethod
    def parse(cls, text: object, *, field: str = "public_key") -> "PublicKey":
        """Return the key that `str()` wrote; raises InvalidField naming `field`."""
        shape = _PUBLIC_KEY.fullmatch(text.strip()) if isinstance(text, str) else None
        data = decode_base64(shape[3]) if shape else None
        if shape is None or data is None or len(data) != 1 + _KEY_BYTES or data[:1] != _ED25519:
            raise InvalidField(
                f"{field} must be a key like huitong/ledger/0123+89abcdef+AQID…, "
                "as `huitong log key` or `huitong audit key` prints it",
                field=field,
            )
        key = cls(shape[1], data[1:])
        if key.id.hex() != shape[2]:
            raise InvalidField(f"{field} is mistyped: its id does not fit", field=field)
        return key

    @property
    def id(self) -> bytes:
        """The four bytes that name this key in a signature."""
        named = self.name.encode() + b"\n" + _ED25519 + self.key
        return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode_base64(_ED25519 + self.key)}"


def get_public_key(name: str, private_key: Ed25519PrivateKey) -> PublicKey:
    """Return the public half of a key, under a log's name."""
    return PublicKey(name, private_key.public_key().public_bytes_raw())


def sign_note(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """Return `text`, which ends with a newline, as a note signed under `name`."""
    assert text.endswith("\n"), "a note's text ends with a newline"
    assert _CONTROL.search(text) is None, "a note has no control characters"
    signature = private_key.sign(text.encode())
    key_id = get_public_key(name, private_key).id
    return f"{text}\n— {name} {encode_base64(key_id + signature)}\n"


def open_note(note: str, public_key: PublicKey) -> str:
    """Return the text of a note that this key signed; raises NoteNotValid.

    Signatures of other keys, such as those of witnesses, are left alone, as the format demands.
    """
    if len(note.encode(errors="replace")) > limits.LOG_NOTE_BYTES_MAX:
        raise NoteNotValid(f"A note has at most {limits.LOG_NOTE_BYTES_MAX} bytes")
    head, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n") or _CONTROL.search(note):
        raise NoteNotValid("A note is text, an empty line, and lines with signatures")
    text = head + "\n"
    lines = tail[:-1].split("\n")
    if len(lines) > limits.LOG_NOTE_SIGNATURES_MAX:
        raise NoteNotValid(f"A note has at most {limits.LOG_NOTE_SIGNATURES_MAX} signatures")
    is_signed = False
    for line in lines:
        signature = _find_signature(line, public_key)
        if signature is not None:
            _check_signature(signature, text, public_key)
            is_signed = True
    if not is_signed:
        raise NoteNotValid(f"The note is not signed with the key {public_key.name}")
    return text


def encode_base64(data: bytes) -> str:
    """Return bytes as text in standard base64."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: object) -> bytes | None:
    """Return the bytes behind base64, or None unless it is exactly what `encode_base64` writes."""
    if not isinstance(text, str):
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Two texts for the same bytes would let a proof be altered without anybody noticing.
    return data if encode_base64(data) == text else None


def _find_signature(line: str, public_key: PublicKey) -> bytes | None:
    """Return the signature of this key in a line; None if the line is another key's."""
    shape = _SIGNATURE_LINE.fullmatch(line)
    data = decode_base64(shape[2]) if shape else None
    if shape is None or data is None or len(data) <= _KEY_ID_BYTES:
        raise NoteNotValid("A signature line must be an em dash, a name and a signature in base64")
    if shape[1] != public_key.name or data[:_KEY_ID_BYTES] != public_key.id:
        return None
    return data[_KEY_ID_BYTES:]


def _check_signature(signature: bytes, text: str, public_key: PublicKey) -> None:
    try:
        if len(signature) != _SIGNATURE_BYTES:
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(public_key.key).verify(signature, text.encode())
    except (InvalidSignature, ValueError) as error:
        raise NoteNotValid(
            f"The signature of {public_key.name} does not fit the text: one of them was changed"
        ) from error
