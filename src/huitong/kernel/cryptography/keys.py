"""Keys that seal, and the format of what they seal.

A sealed value is, in this order: one byte with the version of the format (1), one byte for the
cipher, four bytes that name the key, twelve random bytes (the nonce), the encrypted text, and a tag
of sixteen bytes. The first six bytes are authenticated together with the caller's context, so a
value opens only with the cipher, the key and the context that it was sealed with.

Each key is 32 random bytes, from which HKDF-Expand (RFC 5869) derives one key for each cipher: a
value sealed with one cipher says nothing about those sealed with the other.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag

from huitong.kernel import limits
from huitong.kernel.cryptography.ciphers import (
    CIPHER_CODES,
    CIPHERS_BY_CODE,
    KEY_BYTES,
    NONCE_BYTES,
    TAG_BYTES,
    Aead,
    make_aead,
)
from huitong.kernel.cryptography.errors import SealBroken
from huitong.kernel.settings import CipherName

SECRET_BYTES: Final = 32
FINGERPRINT_BYTES: Final = 8
_FORMAT: Final = 1
_NAME_BYTES: Final = 4
_HEADER_BYTES: Final = 2 + _NAME_BYTES
_BODY_AT: Final = _HEADER_BYTES + NONCE_BYTES
SEALED_BYTES_MIN: Final = _BODY_AT + TAG_BYTES


class _Sealer:
    """One key with one cipher."""

    __slots__ = ("aead", "header")

    def __init__(self, secret: bytes, cipher: CipherName, name: int) -> None:
        self.header = bytes((_FORMAT, CIPHER_CODES[cipher])) + name.to_bytes(_NAME_BYTES)
        self.aead: Aead = make_aead(
            cipher, _expand(secret, b"huitong seal " + cipher.encode())[: KEY_BYTES[cipher]]
        )


class _Key:
    """32 secret bytes under a name of 32 bits; ciphers are made when they are first needed."""

    __slots__ = ("_sealers", "_secret", "name")

    name: int

    def __init__(self, secret: bytes, name: int) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"A key has {SECRET_BYTES} bytes, not {len(secret)}")
        self._secret = secret
        self.name = name
        self._sealers: dict[CipherName, _Sealer] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name}, secret=***)"

    def __reduce__(self) -> str:
        # A key that travels between processes by accident would travel unprotected.
        raise TypeError("Keys are not pickled")

    def _sealer(self, cipher: CipherName) -> _Sealer:
        made = self._sealers.get(cipher)
        if made is None:
            made = self._sealers[cipher] = _Sealer(self._secret, cipher, self.name)
        return made

    def seal_all(
        self, cipher: CipherName, texts: Iterable[bytes], contexts: Sequence[bytes]
    ) -> list[bytes]:
        """Seal each text under the context at its place; the nonces come from one system call.

        Nonces are random: under one key at most `limits.SEALS_PER_KEY_MAX` values may be sealed,
        which the owner of the key counts.
        """
        sealer = self._sealer(cipher)
        header, encrypt = sealer.header, sealer.aead.encrypt
        nonces = os.urandom(NONCE_BYTES * len(contexts))
        sealed = []
        at = 0
        for text, context in zip(texts, contexts, strict=True):
            nonce = nonces[at : at + NONCE_BYTES]
            at += NONCE_BYTES
            sealed.append(header + nonce + encrypt(nonce, text, header + context))
        return sealed

    def open_all(self, sealed: Iterable[bytes], contexts: Iterable[bytes]) -> list[bytes]:
        """Return what was sealed under the context at each place.

        Raises SealBroken for a value that was changed, or sealed with another key or context.
        """
        opened = []
        header, decrypt = b"", None
        for value, context in zip(sealed, contexts, strict=True):
            if decrypt is None or value[:_HEADER_BYTES] != header:
                sealer = self._read_header(value)
                header, decrypt = sealer.header, sealer.aead.decrypt
            nonce = value[_HEADER_BYTES:_BODY_AT]
            try:
                opened.append(decrypt(nonce, value[_BODY_AT:], header + context))
            except (InvalidTag, ValueError) as error:
                # A value that is too short for a nonce is a ValueError of the library.
                raise SealBroken(
                    "A sealed value was changed, or belongs to another place"
                ) from error
        return opened

    def seal(self, cipher: CipherName, text: bytes, context: bytes) -> bytes:
        """Seal one text; see `seal_all`."""
        return self.seal_all(cipher, (text,), (context,))[0]

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return what was sealed; see `open_all`."""
        return self.open_all((sealed,), (context,))[0]

    def _read_header(self, sealed: bytes) -> _Sealer:
        if len(sealed) < SEALED_BYTES_MIN or sealed[0] != _FORMAT:
            raise SealBroken(f"This is no sealed value of format {_FORMAT}")
        cipher = CIPHERS_BY_CODE.get(sealed[1])
        if cipher is None:
            raise SealBroken(f"A value is sealed with cipher {sealed[1]}, which is not known here")
        name = read_key_name(sealed)
        if name != self.name:
            raise SealBroken(f"A value is sealed with key {name}, not with {self.name}")
        return self._sealer(cipher)


class DataKey(_Key):
    """The key of one subject. Its name is taken from its own digest, so that it cannot be wrong."""

    __slots__ = ()

    def __init__(self, secret: bytes) -> None:
        """Take 32 secret bytes; `generate` makes new ones."""
        name = int.from_bytes(_digest(b"huitong data key name", secret)[:_NAME_BYTES])
        super().__init__(secret, name)

    @classmethod
    def generate(cls) -> "DataKey":
        """Return a new random key."""
        return cls(os.urandom(SECRET_BYTES))


class MasterKey(_Key):
    """A numbered key that wraps data keys and seals nothing else."""

    __slots__ = ("fingerprint",)

    def __init__(self, number: int, secret: bytes) -> None:
        """Take a number from 1 to `limits.MASTER_KEY_NUMBER_MAX` and 32 secret bytes."""
        if not 1 <= number <= limits.MASTER_KEY_NUMBER_MAX:
            raise ValueError(f"A master key's number is 1 to {limits.MASTER_KEY_NUMBER_MAX}")
        super().__init__(secret, number)
        self.fingerprint: Final = fingerprint(secret)

    @property
    def number(self) -> int:
        """Which master key this is; a newer one has a higher number."""
        return self.name

    def wrap(self, key: DataKey, *, cipher: CipherName, owner: bytes) -> bytes:
        """Return the data key sealed for its owner: for nobody else does it open."""
        return self.seal(cipher, key._secret, _wrap_context(owner))  # noqa: SLF001 - its own class

    def unwrap(self, wrapped: bytes, *, owner: bytes) -> DataKey:
        """Return a data key that was wrapped for `owner`; raises SealBroken."""
        return DataKey(self.open(wrapped, _wrap_context(owner)))


def read_key_name(sealed: bytes) -> int:
    """Return the name of the key that a value was sealed with, as the value says."""
    return int.from_bytes(sealed[2:_HEADER_BYTES])


def fingerprint(secret: bytes) -> bytes:
    """Return 8 bytes that tell secrets apart and say nothing about them."""
    return _digest(b"huitong fingerprint", secret)[:FINGERPRINT_BYTES]


def _wrap_context(owner: bytes) -> bytes:
    return b"huitong wrapped key " + owner


def _expand(secret: bytes, info: bytes) -> bytes:
    """Return the first 32 bytes of HKDF-Expand with SHA-256 (RFC 5869, section 2.3)."""
    return hmac.digest(secret, info + b"\x01", "sha256")


def _digest(label: bytes, secret: bytes) -> bytes:
    # Labels hold no zero byte, so no two uses run into each other.
    return hashlib.sha256(label + b"\0" + secret).digest()
