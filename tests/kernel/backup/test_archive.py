"""A backup file opens whole and with its key, or not at all."""

import io
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitong.kernel import limits
from huitong.kernel.backup import (
    ArchiveReader,
    ArchiveWriter,
    BackupDamaged,
    BackupFault,
    Header,
    Manifest,
    RecoveryKey,
    WrongRecoveryKey,
)
from huitong.kernel.backup.chunks import ChunkWriter, read_chunks
from huitong.kernel.errors import InvalidField

_CHUNK = limits.BACKUP_CHUNK_BYTES
_SEALED = _CHUNK + 16
_KEY = RecoveryKey(bytes(range(32)))
_FACTS = {
    "made_at": "2026-11-26T00:00:00+00:00",
    "huitong_version": "0.1.0",
    "server_version": 180004,
    "revisions": {"pre": "0007", "post": None},
    "has_keys": False,
}


def make_archive(
    *blocks: bytes, key: RecoveryKey = _KEY, manifest: Manifest | None = None
) -> bytes:
    file = io.BytesIO()
    writer = ArchiveWriter(file, key, Header.make(key, **_FACTS), manifest or Manifest())
    for block in blocks:
        writer.write(block)
    writer.finish()
    return file.getvalue()


def read_archive(data: bytes, key: RecoveryKey = _KEY) -> tuple[Manifest, bytes]:
    manifest, blocks = ArchiveReader(io.BytesIO(data)).open(key)
    return manifest, b"".join(blocks)


def seal(data: bytes) -> bytes:
    sink = io.BytesIO()
    writer = ChunkWriter(sink, bytes(32))
    writer.write(data)
    writer.finish()
    return sink.getvalue()


@pytest.mark.parametrize("size", [0, 1, _CHUNK - 1, _CHUNK, _CHUNK + 1, 2 * _CHUNK, 3 * _CHUNK + 5])
def test_chunks_give_back_what_was_written(size: int) -> None:
    data = secrets.token_bytes(size)
    sealed = seal(data)
    assert b"".join(read_chunks(io.BytesIO(sealed), bytes(32))) == data
    assert len(sealed) == size + 16 * max(1, -(-size // _CHUNK))


@pytest.mark.parametrize(
    "change",
    [
        lambda sealed: sealed[:-_SEALED],
        lambda sealed: sealed[:-1],
        lambda sealed: sealed + b"\0",
        lambda sealed: sealed + sealed[:_SEALED],
        lambda sealed: sealed[_SEALED:],
        lambda sealed: sealed[_SEALED : 2 * _SEALED] + sealed[:_SEALED] + sealed[2 * _SEALED :],
        lambda sealed: sealed[:_SEALED] + sealed,
        lambda _sealed: b"",
    ],
    ids=["last gone", "cut", "longer", "appended", "first gone", "swapped", "repeated", "empty"],
)
def test_chunks_that_are_missing_moved_or_added_are_found(change) -> None:
    sealed = seal(secrets.token_bytes(3 * _CHUNK))
    with pytest.raises(BackupDamaged):
        list(read_chunks(io.BytesIO(change(sealed)), bytes(32)))


def test_a_backup_that_was_never_finished_cannot_be_read() -> None:
    file = io.BytesIO()
    writer = ArchiveWriter(file, _KEY, Header.make(_KEY, **_FACTS), Manifest())
    writer.write(secrets.token_bytes(5 * _CHUNK))
    with pytest.raises(BackupDamaged):
        read_archive(file.getvalue())


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300_000), max_size=4), st.binary(max_size=200))
def test_an_archive_gives_back_what_was_put_in(blocks: list[bytes], key_file: bytes) -> None:
    manifest = Manifest({"master.json": key_file})
    opened, script = read_archive(make_archive(*blocks, manifest=manifest))
    assert script == b"".join(blocks)
    assert opened.key_files == {"master.json": key_file}


def test_a_script_that_compresses_well_comes_in_blocks_of_bounded_size() -> None:
    data = make_archive(bytes(20_000_000))
    assert len(data) < 200_000
    _, blocks = ArchiveReader(io.BytesIO(data)).open(_KEY)
    sizes = [len(block) for block in blocks]
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= limits.BACKUP_BLOCK_BYTES_MAX


def test_any_flipped_byte_is_found() -> None:
    data = make_archive(b"INSERT INTO everything")
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(BackupFault):
            read_archive(bytes(changed))


def test_any_cut_is_found() -> None:
    data = make_archive(b"INSERT INTO everything")
    for length in range(len(data)):
        with pytest.raises(BackupFault):
            read_archive(data[:length])


def test_a_wrong_key_is_named_as_such() -> None:
    other = RecoveryKey.generate()
    with pytest.raises(WrongRecoveryKey) as caught:
        read_archive(make_archive(b"x"), other)
    assert other.id in caught.value.detail
    assert _KEY.id in caught.value.detail


def test_the_header_may_be_read_without_the_key_and_tells_no_secret() -> None:
    data = make_archive(b"x", manifest=Manifest({"master.json": b"secret"}))
    header = ArchiveReader(io.BytesIO(data)).header
    assert (header.key_id, header.revisions) == (_KEY.id, {"pre": "0007", "post": None})
    assert b"secret" not in data
    assert "secret" not in repr(Manifest({"master.json": b"secret"}))


def test_two_backups_of_the_same_data_have_nothing_in_common() -> None:
    one, other = make_archive(bytes(1_000)), make_archive(bytes(1_000))
    start = one.index(b"\n", 20) + 1
    assert one[start:] != other[start:]


def test_a_recovery_key_is_read_as_it_was_shown_or_typed() -> None:
    key = RecoveryKey.generate()
    shown = key.show()
    for text in (shown, shown.lower(), shown.replace("-", ""), f" {shown}\n"):
        assert RecoveryKey.parse(text, field="k").derive_file_key(
            salt=b"s", header=b"h"
        ) == key.derive_file_key(salt=b"s", header=b"h")


@pytest.mark.parametrize("change", ["", "htb1-", "htb2-AAAA", "htb1-1111", "cut", "mistyped"])
def test_a_mistyped_recovery_key_is_refused_and_never_repeated(change: str) -> None:
    shown = _KEY.show()
    letter = "A" if shown[10] != "A" else "B"
    text = {"cut": shown[:-3], "mistyped": shown[:10] + letter + shown[11:]}.get(change, change)
    with pytest.raises(InvalidField) as caught:
        RecoveryKey.parse(text, field="--key-file")
    assert caught.value.field == "--key-file"
    assert shown[20:30] not in str(caught.value)
    assert "bytes" not in repr(_KEY)
    assert "\\x" not in repr(_KEY)
