"""The authenticated ciphers: AES-256-GCM (NIST SP 800-38D) and SM4-GCM (GB/T 32907, RFC 8998).

Both take a nonce of 12 bytes and end their output with a tag of 16 bytes. A nonce must never serve
twice under one key, which only `keys` sees to: nothing else may call these classes.
"""

from typing import Final, Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huitong.kernel.cryptography.errors import CipherUnavailable
from huitong.kernel.settings import CipherName

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16


class Aead(Protocol):
    """An authenticated cipher with its key; `decrypt` raises InvalidTag."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Return the encrypted data and the tag."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Return what was encrypted."""


class Sm4Gcm:
    """SM4 in Galois counter mode, with the same two methods as the library's AESGCM."""

    __slots__ = ("_algorithm",)

    def __init__(self, key: bytes) -> None:
        """Take a key of 16 bytes."""
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Return the encrypted data and the tag."""
        context = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        context.authenticate_additional_data(associated_data)
        return context.update(data) + context.finalize() + context.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Return what was encrypted; raises InvalidTag, and then nothing of it is known."""
        if len(data) < TAG_BYTES:
            raise InvalidTag
        mode = modes.GCM(nonce, data[-TAG_BYTES:])
        context = Cipher(self._algorithm, mode).decryptor()
        context.authenticate_additional_data(associated_data)
        return context.update(data[:-TAG_BYTES]) + context.finalize()


#: The byte that stands for a cipher in a sealed value; never given to another one.
CIPHER_CODES: Final[dict[CipherName, int]] = {"aes-256-gcm": 1, "sm4-gcm": 2}
CIPHERS_BY_CODE: Final[dict[int, CipherName]] = {code: name for name, code in CIPHER_CODES.items()}
KEY_BYTES: Final[dict[CipherName, int]] = {"aes-256-gcm": 32, "sm4-gcm": 16}


def make_aead(cipher: CipherName, key: bytes) -> Aead:
    """Return the cipher with a key of `KEY_BYTES[cipher]` bytes."""
    return AESGCM(key) if cipher == "aes-256-gcm" else Sm4Gcm(key)


def check_cipher(cipher: CipherName) -> None:
    """Raise CipherUnavailable if the installed library cannot do `cipher`.

    Some builds of OpenSSL leave SM4 out; the time to find out is a process's start.
    """
    try:
        made = make_aead(cipher, bytes(KEY_BYTES[cipher]))
        made.encrypt(bytes(NONCE_BYTES), b"", b"")
    except UnsupportedAlgorithm as error:
        raise CipherUnavailable(
            f"The installed cryptography library cannot do {cipher}: choose another cipher in "
            "HUITONG_CIPHER, or install the library's own wheel.",
            retryable=False,
        ) from error
