"""Ciphers, keys, the ring of master keys and blind indexes do what their standards say."""

import concurrent.futures
import hashlib
import hmac
import json
import pickle
import stat
import uuid
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel import limits
from huitong.kernel.cryptography import (
    BlindIndexer,
    CipherName,
    CipherUnavailable,
    DataKey,
    MasterKey,
    MasterKeysUnchangeable,
    MasterKeysUnreadable,
    MasterKeyUnknown,
    SealBroken,
    check_cipher,
    load_key_ring,
    open_record,
    read_key_name,
    seal_record,
)
from huitong.kernel.cryptography import ciphers as ciphers_module
from huitong.kernel.cryptography.ciphers import make_aead
from huitong.kernel.errors import InvalidField

CIPHERS: tuple[CipherName, ...] = ("aes-256-gcm", "sm4-gcm")
SUBJECT = uuid.UUID(int=7)
NAME, MOBILE = "customers.people.name", "customers.people.mobile"
KEY = DataKey(bytes(range(32)))

# RFC 8998, appendix A.1.
SM4_VECTOR = {
    "key": "0123456789abcdeffedcba9876543210",
    "nonce": "00001234567800000000abcd",
    "text": "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
    "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
    "associated": "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "encrypted": "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
    "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
    "tag": "83de3541e4c2b58177e065a9bf7b62ec",
}
# "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega, test case 16.
AES_VECTOR = {
    "key": "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    "nonce": "cafebabefacedbaddecaf888",
    "text": "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    "associated": "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "encrypted": "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
    "tag": "76fc6ece0f4e1768cddf8853bb2d551b",
}


@pytest.mark.parametrize(
    ("cipher", "vector"), [("sm4-gcm", SM4_VECTOR), ("aes-256-gcm", AES_VECTOR)]
)
def test_encrypts_as_the_standard_s_example(cipher: CipherName, vector: dict[str, str]) -> None:
    given_bytes = {name: bytes.fromhex(text) for name, text in vector.items()}
    nonce, associated = given_bytes["nonce"], given_bytes["associated"]
    aead = make_aead(cipher, given_bytes["key"])
    expected = given_bytes["encrypted"] + given_bytes["tag"]

    assert aead.encrypt(nonce, given_bytes["text"], associated) == expected
    assert aead.decrypt(nonce, expected, associated) == given_bytes["text"]
    with pytest.raises(InvalidTag):
        aead.decrypt(nonce, expected, associated[1:])
    with pytest.raises(InvalidTag):
        aead.decrypt(nonce, expected[:15], associated)


# Made from the description of the format with nothing of ours: old values must open for ever.
KNOWN_SEALED = "010168c1bc2f000102030405060708090a0b42efd1ec43980c9bff9d8e1df9e21d10182f474cd94c"


def test_a_sealed_value_keeps_its_format() -> None:
    sealed = bytes.fromhex(KNOWN_SEALED)

    assert sealed[:2] == b"\x01\x01"
    assert read_key_name(sealed) == KEY.name == 0x68C1BC2F
    assert KEY.open(sealed, b"context") == "张三".encode()


@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_sealed_value_is_version_cipher_key_nonce_text_and_tag(cipher: CipherName) -> None:
    sealed = KEY.seal(cipher, b"12345", b"context")

    assert sealed[0] == 1
    assert sealed[1] == {"aes-256-gcm": 1, "sm4-gcm": 2}[cipher]
    assert sealed[2:6] == KEY.name.to_bytes(4)
    assert len(sealed) == 6 + 12 + 5 + 16


@given(
    cipher=st.sampled_from(CIPHERS),
    fields=st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,9}\.[a-z]{1,9}\.[a-z]{1,9}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
        max_size=9,
    ),
    subject=st.uuids(),
)
def test_any_record_comes_back_as_it_was(
    cipher: CipherName, fields: dict[str, str], subject: uuid.UUID
) -> None:
    key = DataKey.generate()

    sealed = seal_record(key, cipher, subject, fields)

    assert open_record(key, subject, sealed) == fields


@given(cipher=st.sampled_from(CIPHERS), text=st.binary(max_size=40), data=st.data())
def test_any_flipped_bit_refuses(cipher: CipherName, text: bytes, data: st.DataObject) -> None:
    sealed = bytearray(KEY.seal(cipher, text, b"context"))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))

    sealed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(SealBroken):
        KEY.open(bytes(sealed), b"context")


@given(cipher=st.sampled_from(CIPHERS), length=st.integers(0, 44), tail=st.binary(max_size=3))
def test_any_shortened_or_lengthened_value_refuses(
    cipher: CipherName, length: int, tail: bytes
) -> None:
    sealed = KEY.seal(cipher, b"1234567890", b"context")
    changed = sealed[:length] + tail

    if changed != sealed:
        with pytest.raises(SealBroken):
            KEY.open(changed, b"context")


@pytest.mark.parametrize("cipher", CIPHERS)
def test_refuses_another_field_subject_or_key(cipher: CipherName) -> None:
    sealed = seal_record(KEY, cipher, SUBJECT, {NAME: "张三", MOBILE: "13800001234"})
    swapped = {NAME: sealed[MOBILE], MOBILE: sealed[NAME]}

    with pytest.raises(SealBroken, match=r"^customers\.people\.name: "):
        open_record(KEY, SUBJECT, swapped)
    with pytest.raises(SealBroken, match=r"^customers\.people\.mobile: "):
        open_record(KEY, SUBJECT, {NAME: sealed[NAME], MOBILE: sealed[NAME]})
    with pytest.raises(SealBroken):
        open_record(KEY, uuid.UUID(int=8), sealed)
    with pytest.raises(SealBroken, match="sealed with key"):
        open_record(DataKey.generate(), SUBJECT, sealed)


def test_a_broken_seal_tells_nothing_of_the_value() -> None:
    sealed = seal_record(KEY, "aes-256-gcm", SUBJECT, {NAME: "张三"})

    with pytest.raises(SealBroken) as refused:
        open_record(KEY, uuid.UUID(int=8), sealed)

    shown = str(refused.value) + repr(refused.value) + repr(refused.value.__cause__)
    assert sealed[NAME].hex() not in shown
    assert "\\x" not in shown


def test_the_two_ciphers_of_a_key_have_different_keys() -> None:
    secret = bytes(range(32))
    # RFC 5869: one block of HKDF-Expand is HMAC(key, info || 0x01).
    expected = hmac.digest(secret, b"huitong seal sm4-gcm\x01", "sha256")[:16]
    sealed = KEY.seal("sm4-gcm", b"text", b"context")

    nonce, body = sealed[6:18], sealed[18:]
    assert make_aead("sm4-gcm", expected).decrypt(nonce, body, sealed[:6] + b"context") == b"text"
    assert expected != hmac.digest(secret, b"huitong seal aes-256-gcm\x01", "sha256")[:16]


def test_no_nonce_comes_twice() -> None:
    sealed = KEY.seal_all("aes-256-gcm", [b""] * 10_000, [b""] * 10_000)

    assert len({value[6:18] for value in sealed}) == 10_000


def test_a_data_key_opens_only_for_its_owner_and_its_master_key() -> None:
    master = MasterKey(3, bytes(32))
    key = DataKey.generate()

    wrapped = master.wrap(key, cipher="sm4-gcm", owner=b"one")

    assert read_key_name(wrapped) == 3
    assert master.unwrap(wrapped, owner=b"one").name == key.name
    with pytest.raises(SealBroken):
        master.unwrap(wrapped, owner=b"two")
    with pytest.raises(SealBroken):
        MasterKey(3, bytes(31) + b"\x01").unwrap(wrapped, owner=b"one")
    with pytest.raises(SealBroken, match="sealed with key 3, not with 4"):
        MasterKey(4, bytes(32)).unwrap(wrapped, owner=b"one")


def test_keys_do_not_show_themselves_and_do_not_travel(tmp_path: Path) -> None:
    secret = bytes(range(32))
    for thing in (DataKey(secret), MasterKey(1, secret), BlindIndexer(secret)):
        assert "\\x" not in repr(thing)
        assert secret.hex() not in repr(thing)
        with pytest.raises(TypeError):
            pickle.dumps(thing)
    assert repr(load_key_ring(tmp_path)) == "KeyRing(numbers=[1])"


@pytest.mark.parametrize("secret", [b"", bytes(31), bytes(33)])
def test_a_key_has_exactly_32_bytes(secret: bytes) -> None:
    for make in (DataKey, BlindIndexer):
        with pytest.raises(ValueError, match="32 bytes"):
            make(secret)


def test_says_at_once_that_a_cipher_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def __init__(self, *_: object) -> None:
            raise UnsupportedAlgorithm("no sm4")

    monkeypatch.setattr(ciphers_module, "Sm4Gcm", Missing)

    check_cipher("aes-256-gcm")
    with pytest.raises(CipherUnavailable, match="HUITONG_CIPHER"):
        check_cipher("sm4-gcm")


class TestBlindIndex:
    def test_is_an_hmac_under_a_key_for_the_kind(self) -> None:
        secret = bytes(range(32))
        # RFC 5869 with an absent salt: extract with zeros, expand to one block.
        extracted = hmac.digest(bytes(32), secret, "sha256")
        key = hmac.digest(extracted, b"huitong blind index mobile\x01", "sha256")

        made = BlindIndexer(secret).index("mobile", "13800001234")

        assert made == hmac.digest(key, b"13800001234", "sha256")

    def test_differs_by_value_kind_and_secret(self) -> None:
        one, other = BlindIndexer(bytes(32)), BlindIndexer(bytes(31) + b"\x01")
        made = {
            one.index("mobile", "1"),
            one.index("mobile", "2"),
            one.index("card", "1"),
            other.index("mobile", "1"),
        }

        assert one.index("mobile", "1") in made
        assert len(made) == 4
        assert hashlib.sha256(b"1").digest() not in made

    @pytest.mark.parametrize(
        ("kind", "value", "field"),
        [
            ("", "1", "kind"),
            ("Mobile", "1", "kind"),
            ("mobile", "", "mobile"),
            ("mobile", "1" * 1_025, "mobile"),
            ("mobile", "secret\ud800", "mobile"),
        ],
    )
    def test_refuses_by_field_and_repeats_no_value(self, kind: str, value: str, field: str) -> None:
        with pytest.raises(InvalidField) as refused:
            BlindIndexer(bytes(32)).index(kind, value)
        assert refused.value.field == field
        assert "secret" not in f"{refused.value!r}{refused.value.__cause__!r}"

    def test_holds_a_limited_number_of_kinds(self) -> None:
        indexer = BlindIndexer(bytes(32))
        for number in range(limits.INDEX_KINDS_MAX):
            indexer.index(f"kind_{number}", "1")

        with pytest.raises(InvalidField):
            indexer.index("one_more", "1")
        indexer.index("kind_0", "2")


class TestKeyRing:
    def test_is_made_once_and_readable_by_its_owner_only(self, tmp_path: Path) -> None:
        ring = load_key_ring(tmp_path)
        path = tmp_path / "keys" / "master.json"

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert [each.name for each in path.parent.iterdir()] == ["master.json"]
        assert load_key_ring(tmp_path).newest.fingerprint == ring.newest.fingerprint
        assert ring.numbers == [1]

    def test_repairs_the_mode_that_a_copy_lost(self, tmp_path: Path) -> None:
        load_key_ring(tmp_path)
        path = tmp_path / "keys" / "master.json"
        path.chmod(0o644)

        load_key_ring(tmp_path)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_many_that_start_at_once_get_the_same_keys(self, tmp_path: Path) -> None:
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            rings = list(threads.map(load_key_ring, [tmp_path] * 16))

        assert len({ring.newest.fingerprint for ring in rings}) == 1
        assert len({ring.indexer.fingerprint for ring in rings}) == 1

    def test_a_new_key_is_seen_by_rings_that_were_loaded_before(self, tmp_path: Path) -> None:
        old, ring = load_key_ring(tmp_path), load_key_ring(tmp_path)
        first = old.newest

        assert ring.add_master_key() == 2

        assert old.newest.number == 2
        assert old.get(2).fingerprint == ring.newest.fingerprint != first.fingerprint
        assert old.get(1).fingerprint == first.fingerprint
        assert old.indexer.fingerprint == load_key_ring(tmp_path).indexer.fingerprint
        assert stat.S_IMODE((tmp_path / "keys" / "master.json").stat().st_mode) == 0o600

    def test_keys_that_are_added_at_once_are_all_kept(self, tmp_path: Path) -> None:
        rings = [load_key_ring(tmp_path) for _ in range(8)]
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            numbers = list(threads.map(lambda ring: ring.add_master_key(), rings))

        assert sorted(numbers) == list(range(2, 10))
        assert load_key_ring(tmp_path).numbers == list(range(1, 10))

    def test_an_old_key_can_be_retired_and_the_newest_cannot(self, tmp_path: Path) -> None:
        ring = load_key_ring(tmp_path)
        ring.add_master_key()

        with pytest.raises(MasterKeysUnchangeable, match="newest"):
            ring.retire_master_key(2)
        with pytest.raises(MasterKeyUnknown):
            ring.retire_master_key(3)
        ring.retire_master_key(1)

        assert ring.numbers == load_key_ring(tmp_path).numbers == [2]
        with pytest.raises(MasterKeyUnknown, match=r"has only \[2\]"):
            ring.get(1)
        assert ring.add_master_key() == 3

    def test_has_a_maximum(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "MASTER_KEYS_MAX", 2)
        ring = load_key_ring(tmp_path)
        ring.add_master_key()

        with pytest.raises(MasterKeysUnchangeable, match="retire"):
            ring.add_master_key()
        assert ring.numbers == [1, 2]

    def test_a_write_that_fails_leaves_the_old_keys(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ring = load_key_ring(tmp_path)
        path = tmp_path / "keys" / "master.json"
        before = path.read_bytes()

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", fail)
        with pytest.raises(MasterKeysUnreadable, match="cannot be written"):
            ring.add_master_key()

        assert path.read_bytes() == before
        assert sorted(each.name for each in path.parent.iterdir()) == ["master.json", "master.lock"]
        assert ring.newest.number == 1

    def test_comes_from_outside_for_a_cluster(self, tmp_path: Path) -> None:
        made = load_key_ring(tmp_path)
        document = (tmp_path / "keys" / "master.json").read_text()

        ring = load_key_ring(tmp_path / "nowhere", document)

        assert ring.newest.fingerprint == made.newest.fingerprint
        assert not (tmp_path / "nowhere").exists()
        with pytest.raises(MasterKeysUnchangeable, match="HUITONG_MASTER_KEYS"):
            ring.add_master_key()
        with pytest.raises(MasterKeyUnknown, match="HUITONG_MASTER_KEYS"):
            ring.get(2)

    @pytest.mark.parametrize(
        "change",
        [
            {"format": 2},
            {"master_keys": {}},
            {"master_keys": {"0": "A" * 43 + "="}},
            {"master_keys": {"01": "A" * 43 + "="}},
            {"master_keys": {"1": "QUJD"}},
            {"master_keys": {"1": "c2VjcmV0!"}},
            {"master_keys": {"1": None}},
            {"master_keys": ["c2VjcmV0"]},
            {"index_secret": "c2VjcmV0"},
            {"master_keys": {"1": "A" * 43 + "=", "2": "A" * 43 + "="}},
            {"padding": " " * limits.MASTER_KEYS_BYTES_MAX},
        ],
    )
    def test_refuses_a_document_that_is_not_one_and_shows_nothing_of_it(
        self, tmp_path: Path, change: dict[str, object]
    ) -> None:
        load_key_ring(tmp_path)
        path = tmp_path / "keys" / "master.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))

        with pytest.raises(MasterKeysUnreadable, match=r"master\.json") as refused:
            load_key_ring(tmp_path)
        assert "c2VjcmV0" not in repr(refused.value)
        assert refused.value.__cause__ is None

    @pytest.mark.parametrize("document", ["", "{", "[]", "null", '{"format": 1}'])
    def test_refuses_broken_json(self, tmp_path: Path, document: str) -> None:
        with pytest.raises(MasterKeysUnreadable):
            load_key_ring(tmp_path, document)

    def test_never_replaces_a_file_that_it_cannot_read(self, tmp_path: Path) -> None:
        path = tmp_path / "keys" / "master.json"
        path.parent.mkdir()
        path.write_text("half a docum")

        with pytest.raises(MasterKeysUnreadable):
            load_key_ring(tmp_path)
        assert path.read_text() == "half a docum"
