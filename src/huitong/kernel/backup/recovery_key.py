"""The recovery key: 32 random bytes that an operator keeps apart from the platform.

Written as `htb1-` and base32 in groups, with a checksum, so that it can be kept on paper too.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from huitong.kernel.errors import InvalidField

_PREFIX: Final = "htb1"
_KEY_BYTES: Final = 32
_CHECK_BYTES: Final = 3
_ID_BYTES: Final = 8
_GROUP: Final = 4
_ID_PURPOSE: Final = b"huitong backup v1: key id"
_FILE_PURPOSE: Final = b"huitong backup v1: file key"


@dataclass(frozen=True, slots=True)
class RecoveryKey:
    """The key of backups; its `repr` shows nothing of it."""

    _secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key."""
        return cls(secrets.token_bytes(_KEY_BYTES))

    @classmethod
    def parse(cls, text: str, *, field: str) -> Self:
        """Return the key that `show` wrote; raises InvalidField naming `field`, never the text."""
        letters = "".join(text.split()).replace("-", "").upper()
        if not letters.startswith(_PREFIX.upper()):
            raise InvalidField("must hold a key like htb1-ABCD-…", field=field)
        body = letters.removeprefix(_PREFIX.upper())
        try:
            data = base64.b32decode(body + "=" * (-len(body) % 8))
        except (binascii.Error, ValueError):
            raise InvalidField("holds letters that no recovery key has", field=field) from None
        secret, check = data[:_KEY_BYTES], data[_KEY_BYTES:]
        if len(data) != _KEY_BYTES + _CHECK_BYTES or not hmac.compare_digest(check, _check(secret)):
            raise InvalidField("holds a mistyped or cut-off recovery key", field=field)
        return cls(secret)

    def show(self) -> str:
        """Return the key as text, for the operator's eyes only."""
        body = base64.b32encode(self._secret + _check(self._secret)).decode("ascii").rstrip("=")
        groups = [body[at : at + _GROUP] for at in range(0, len(body), _GROUP)]
        return "-".join((_PREFIX, *groups))

    @property
    def id(self) -> str:
        """Sixteen hex digits that name the key and say nothing about it."""
        return self._derive(_ID_PURPOSE, salt=None, length=_ID_BYTES).hex()

    def derive_file_key(self, *, salt: bytes, header: bytes) -> bytes:
        """Return the key of one file: 32 bytes that depend on its salt and its whole header."""
        purpose = _FILE_PURPOSE + hashlib.sha256(header).digest()
        return self._derive(purpose, salt=salt, length=_KEY_BYTES)

    def _derive(self, purpose: bytes, *, salt: bytes | None, length: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=salt, info=purpose).derive(self._secret)


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(b"huitong backup v1: check" + secret).digest()[:_CHECK_BYTES]
