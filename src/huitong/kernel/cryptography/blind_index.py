"""Blind indexes: finding a sealed value by what it says, without opening anything.

The index of a value is HMAC-SHA-256 of it under a key of its own kind, derived by HKDF (RFC 5869)
from a secret that is in no database. Equal values of one kind have equal indexes; across kinds, and
without the secret, nothing can be compared. The secret is another one than the master keys: it has
to stay when those are rotated, or every index would have to be made again.
"""

import hmac
import re
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from huitong.kernel import limits
from huitong.kernel.cryptography.keys import SECRET_BYTES, fingerprint
from huitong.kernel.errors import InvalidField

INDEX_BYTES: Final = 32
_KIND_SHAPE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


class BlindIndexer:
    """Makes blind indexes from one secret of 32 bytes."""

    __slots__ = ("_keys", "_secret", "fingerprint")

    def __init__(self, secret: bytes) -> None:
        """Take the secret; raises ValueError for another length."""
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"The index secret has {SECRET_BYTES} bytes, not {len(secret)}")
        self._secret = secret
        self._keys: dict[str, bytes] = {}
        self.fingerprint: Final = fingerprint(secret)

    def __repr__(self) -> str:
        return "BlindIndexer(secret=***)"

    def __reduce__(self) -> str:
        # A secret that travels between processes by accident would travel unprotected.
        raise TypeError("The index secret is not pickled")

    def index(self, kind: str, value: str) -> bytes:
        """Return the 32 bytes that stand for `value` among values of the same `kind`.

        The value is taken as it is: whoever stores and whoever looks up must write it alike (a
        mobile number without spaces, an ID number with a capital X). Raises InvalidField.
        """
        key = self._keys.get(kind)
        if key is None:
            key = self._derive(kind)
        try:
            encoded = value.encode()
        except UnicodeEncodeError:
            # The original error repeats the value.
            raise InvalidField("cannot be written as UTF-8", field=kind) from None
        if not 1 <= len(encoded) <= limits.INDEXED_TEXT_BYTES_MAX:
            raise InvalidField(
                f"must have 1 to {limits.INDEXED_TEXT_BYTES_MAX} bytes to be looked up", field=kind
            )
        return hmac.digest(key, encoded, "sha256")

    def _derive(self, kind: str) -> bytes:
        if _KIND_SHAPE.fullmatch(kind) is None:
            raise InvalidField("must look like id_number, in lowercase letters", field="kind")
        if len(self._keys) >= limits.INDEX_KINDS_MAX:
            raise InvalidField(
                f"there are at most {limits.INDEX_KINDS_MAX} kinds of index", field="kind"
            )
        derive = HKDF(
            SHA256(), INDEX_BYTES, salt=None, info=b"huitong blind index " + kind.encode()
        )
        key = self._keys[kind] = derive.derive(self._secret)
        return key
