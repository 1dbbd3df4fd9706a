"""The backup file: a line that says what it is, a readable header, and the sealed contents.

    huitong-backup v1
    {"has_keys": false, "key_id": "…", "made_at": "…", "revisions": {…}, "salt": "…", …}
    chunks …

The file's key depends on the header, so a changed header shows as chunks that do not open. Inside
the chunks: the length of the manifest (4 bytes, big-endian), the manifest as JSON, and the dump's
script, compressed with zlib.
"""

import base64
import json
import secrets
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Self

import msgspec

from huitong.kernel import limits
from huitong.kernel.backup.chunks import ChunkWriter, read_chunks
from huitong.kernel.backup.faults import BackupDamaged, BackupFault, WrongRecoveryKey
from huitong.kernel.backup.recovery_key import RecoveryKey

_MAGIC: Final = b"huitong-backup v1\n"
_SALT_BYTES: Final = 32
_LENGTH_BYTES: Final = 4
# The disk and the cipher are faster than zlib: a fast level costs little size.
_COMPRESSION_LEVEL: Final = 3


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What anybody may know of a backup; `salt` is base64."""

    key_id: str
    salt: str
    made_at: str
    huitong_version: str
    server_version: int
    revisions: dict[str, str | None]
    has_keys: bool

    @classmethod
    def make(cls, key: RecoveryKey, **facts: object) -> Self:
        """Return a header for a new file under `key`."""
        salt = base64.b64encode(secrets.token_bytes(_SALT_BYTES)).decode("ascii")
        return msgspec.convert({"key_id": key.id, "salt": salt, **facts}, cls)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup beside the database: key files by their names, never shown."""

    key_files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a whole look through a backup found: the manifest, and the script's length in bytes."""

    manifest: Manifest
    script_bytes: int


class ArchiveWriter:
    """Writes a backup; it is one only after `finish`."""

    def __init__(
        self, file: BinaryIO, key: RecoveryKey, header: Header, manifest: Manifest
    ) -> None:
        """Write the beginning to `file`."""
        line = msgspec.json.encode(header, order="sorted") + b"\n"
        assert len(line) <= limits.BACKUP_HEADER_BYTES_MAX, "a header has few and short fields"
        file.write(_MAGIC + line)
        self._chunks = ChunkWriter(file, _file_key(key, header, line))
        encoded = _encode_manifest(manifest)
        self._chunks.write(len(encoded).to_bytes(_LENGTH_BYTES) + encoded)
        self._compressor = zlib.compressobj(_COMPRESSION_LEVEL)

    def write(self, block: bytes) -> None:
        """Add to the script."""
        self._chunks.write(self._compressor.compress(block))

    def finish(self) -> None:
        """Write the end, without which the file cannot be restored."""
        self._chunks.write(self._compressor.flush())
        self._chunks.finish()


class ArchiveReader:
    """Reads a backup, as often as one likes; each reading checks every byte that it passes."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the beginning of `file`; raises BackupDamaged."""
        file.seek(0)
        if file.read(len(_MAGIC)) != _MAGIC:
            raise BackupDamaged("The file is no backup that this version of Huitong can read.")
        self._file = file
        self._line = file.readline(limits.BACKUP_HEADER_BYTES_MAX)
        try:
            self.header = msgspec.json.decode(self._line, type=Header)
            self._salt_length = len(base64.b64decode(self.header.salt, validate=True))
        except ValueError:
            raise BackupDamaged("The header of the backup is damaged.") from None
        if self._salt_length != _SALT_BYTES or not self._line.endswith(b"\n"):
            raise BackupDamaged("The header of the backup is damaged.")

    def check(self, key: RecoveryKey) -> Contents:
        """Read everything and return what is in it.

        Raises WrongRecoveryKey or BackupDamaged.
        """
        manifest, blocks = self.open(key)
        return Contents(manifest, sum(len(block) for block in blocks))

    def open(self, key: RecoveryKey) -> tuple[Manifest, Iterator[bytes]]:
        """Return the manifest and the script in blocks of at most BACKUP_BLOCK_BYTES_MAX.

        The script is whole only if the iterator ends without an error.
        """
        if key.id != self.header.key_id:
            raise WrongRecoveryKey(
                f"The backup was made with the recovery key {self.header.key_id}, and this is "
                f"{key.id}. Give the file of the other key with --key-file."
            )
        self._file.seek(len(_MAGIC) + len(self._line))
        chunks = read_chunks(self._file, _file_key(key, self.header, self._line))
        manifest, rest = _read_manifest(chunks)
        return manifest, _decompress(rest, chunks)


def _file_key(key: RecoveryKey, header: Header, line: bytes) -> bytes:
    return key.derive_file_key(salt=base64.b64decode(header.salt), header=_MAGIC + line)


def _encode_manifest(manifest: Manifest) -> bytes:
    files = {
        name: base64.b64encode(data).decode("ascii") for name, data in manifest.key_files.items()
    }
    encoded = json.dumps({"key_files": files}).encode()
    if len(encoded) > limits.BACKUP_MANIFEST_BYTES_MAX:
        raise BackupFault("The home's key files are larger than a backup may hold.")
    return encoded


def _read_manifest(chunks: Iterator[bytes]) -> tuple[Manifest, bytes]:
    data = b""
    length = limits.BACKUP_MANIFEST_BYTES_MAX
    for chunk in chunks:
        data += chunk
        if len(data) >= _LENGTH_BYTES:
            length = int.from_bytes(data[:_LENGTH_BYTES])
        if length > limits.BACKUP_MANIFEST_BYTES_MAX or len(data) >= _LENGTH_BYTES + length:
            break
    end = _LENGTH_BYTES + length
    if len(data) < end:
        raise BackupDamaged("The backup holds no manifest.")
    files = json.loads(data[_LENGTH_BYTES:end])["key_files"]
    decoded = {name: base64.b64decode(text) for name, text in files.items()}
    return Manifest(decoded), data[end:]


def _decompress(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    decompressor = zlib.decompressobj()
    data = first
    while True:
        block = decompressor.decompress(data, limits.BACKUP_BLOCK_BYTES_MAX)
        if block:
            yield block
        data = decompressor.unconsumed_tail
        if data or len(block) == limits.BACKUP_BLOCK_BYTES_MAX:
            continue
        following = next(chunks, None)
        if following is None:
            break
        data = following
    if not decompressor.eof or decompressor.unused_data:
        raise BackupDamaged("The backup ends before its script does, or goes on after it.")
