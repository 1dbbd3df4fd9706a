"""A stream in sealed chunks, so that no byte can be changed, lost, added or moved unnoticed.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar: Online Authenticated-Encryption and
its Nonce-Reuse Misuse-Resistance, 2015) over AES-256-GCM: a nonce is the chunk's number (11 bytes,
big-endian) and one byte that is 1 for the last chunk and 0 for all others. The key is used for one
file only, so no nonce ever comes twice. A chunk holds 64 KiB, the last one from 0 bytes on.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huitong.kernel import limits
from huitong.kernel.backup.faults import BackupDamaged, BackupFault

_TAG_BYTES: Final = 16
_NUMBER_BYTES: Final = 11
_SEALED_BYTES: Final = limits.BACKUP_CHUNK_BYTES + _TAG_BYTES


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take bytes."""
        ...


class Source(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        ...


class ChunkWriter:
    """Seals what is written; without `finish` the stream can never be read to its end."""

    def __init__(self, sink: Sink, key: bytes) -> None:
        """Write to `sink` under the key of this one file."""
        self._sink = sink
        self._cipher = AESGCM(key)
        self._waiting = bytearray()
        self._number = 0

    def write(self, data: bytes) -> None:
        """Add bytes; whole chunks go out."""
        self._waiting += data
        # One byte stays behind: only `finish` knows which chunk is the last.
        while len(self._waiting) > limits.BACKUP_CHUNK_BYTES:
            self._seal(bytes(self._waiting[: limits.BACKUP_CHUNK_BYTES]), is_last=False)
            del self._waiting[: limits.BACKUP_CHUNK_BYTES]

    def finish(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        if self._number >= limits.BACKUP_CHUNKS_MAX:
            raise BackupFault(f"A backup has at most {limits.BACKUP_CHUNKS_MAX} chunks.")
        self._sink.write(self._cipher.encrypt(_nonce(self._number, is_last), chunk, None))
        self._number += 1


def read_chunks(source: Source, key: bytes) -> Iterator[bytes]:
    """Yield the chunks of a stream; raises BackupDamaged at the first that is not as it was.

    Whoever stops before the end has not seen that the end is there.
    """
    cipher = AESGCM(key)
    number = 0
    sealed = _read_full(source)
    while True:
        following = _read_full(source)
        is_last = not following
        try:
            chunk = cipher.decrypt(_nonce(number, is_last), sealed, None)
        except InvalidTag:
            place = "its last chunk" if is_last else f"chunk {number}"
            raise BackupDamaged(
                f"The backup is damaged at {place}: bytes were changed, or the file was cut off. "
                "Nothing was changed here. Use another copy of it, or another backup."
            ) from None
        yield chunk
        if is_last:
            return
        sealed = following
        number += 1
        if number >= limits.BACKUP_CHUNKS_MAX:
            raise BackupDamaged("The file has more chunks than any backup.")


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(_NUMBER_BYTES) + bytes([is_last])


def _read_full(source: Source) -> bytes:
    parts: list[bytes] = []
    missing = _SEALED_BYTES
    while missing > 0 and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
