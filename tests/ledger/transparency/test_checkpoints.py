"""Checkpoints: signed once for each size, with a key that stays at home, and not to be forged."""

import stat
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.checkpoints import open_checkpoint, sign_checkpoint
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.notes import get_public_key, open_note, sign_note
from huitong.ledger.transparency import (
    Checkpoint,
    LogInconsistent,
    LogKeyDiffers,
    LogKeyUnreadable,
    NoteNotValid,
    PublicKey,
    get_checkpoint,
    list_checkpoints,
    load_log_key,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
NAME = "huitong/ledger/test"
PUBLIC_KEY = get_public_key(NAME, KEY)
CHECKPOINT = Checkpoint(NAME, 20_852_163, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, KEY)

# The example in C2SP's signed-note library for Go, golang.org/x/mod/sumdb/note.
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZ"
    "b6KE6RyyBwJnAM=\n"
)


def test_writes_a_checkpoint_in_the_common_format():
    text, signature = NOTE.split("\n\n")
    assert text == f"{NAME}\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert signature.startswith(f"— {NAME} ")
    assert signature.endswith("\n")
    assert open_checkpoint(NOTE, PUBLIC_KEY) == CHECKPOINT


def test_opens_a_note_that_other_software_signed():
    text = open_note(PETER_NOTE, PublicKey.parse(PETER_KEY))
    assert text == PETER_NOTE.split("\n\n", maxsplit=1)[0] + "\n"


def test_writes_a_public_key_in_the_common_format():
    assert str(PublicKey.parse(PETER_KEY)) == PETER_KEY
    assert PublicKey.parse(f"  {PUBLIC_KEY}\n") == PUBLIC_KEY


@given(st.data())
def test_refuses_a_note_in_which_any_character_was_changed(data):
    position = data.draw(st.integers(0, len(NOTE) - 1))
    character = data.draw(st.characters(codec="utf-8").filter(lambda each: each != NOTE[position]))
    changed = NOTE[:position] + character + NOTE[position + 1 :]
    with pytest.raises(NoteNotValid):
        open_checkpoint(changed, PUBLIC_KEY)


@given(st.integers(0, len(NOTE) - 1), st.text(min_size=1, max_size=3))
def test_refuses_a_note_with_something_more_or_less(position, more):
    with pytest.raises(NoteNotValid):
        open_checkpoint(NOTE[:position], PUBLIC_KEY)
    with pytest.raises(NoteNotValid):
        open_checkpoint(NOTE[:position] + more + NOTE[position:], PUBLIC_KEY)


@given(st.integers(0, 511))
def test_refuses_a_signature_in_which_any_bit_was_changed(bit):
    text, _ = NOTE.rsplit("\n\n", 1)
    signature = KEY.sign(f"{text}\n".encode())
    changed = (int.from_bytes(signature) ^ (1 << bit)).to_bytes(64)

    class Forger:
        def sign(self, _text: bytes) -> bytes:
            return changed

        def public_key(self):
            return KEY.public_key()

    with pytest.raises(NoteNotValid, match="does not fit"):
        open_checkpoint(sign_checkpoint(CHECKPOINT, Forger()), PUBLIC_KEY)


def test_refuses_another_keys_signature():
    with pytest.raises(NoteNotValid, match="not signed with the key"):
        open_checkpoint(sign_checkpoint(CHECKPOINT, OTHER_KEY), PUBLIC_KEY)


def test_leaves_the_signatures_of_witnesses_alone():
    witness = sign_note("anything\n", "witness.example/one", OTHER_KEY).rsplit("\n\n", 1)[1]
    assert open_checkpoint(NOTE + witness, PUBLIC_KEY) == CHECKPOINT
    head, own = NOTE.rsplit("\n\n", 1)
    assert open_checkpoint(f"{head}\n\n{witness}{own}", PUBLIC_KEY) == CHECKPOINT


TEXTS = [
    f"{NAME}\n5\n",
    f"{NAME}\n05\n{'A' * 43}=\n",
    f"{NAME}\n-5\n{'A' * 43}=\n",
    f"{NAME}\n５\n{'A' * 43}=\n",
    f"{NAME}\n9223372036854775808\n{'A' * 43}=\n",
    f"{NAME}\n5\n{'A' * 43}\n",
    f"{NAME}\n5\n{'A' * 42}B=\n",
    f"{NAME}\n5\n{'A' * 40}\n",
    f"{NAME}\n5\n{'A' * 43}=\n\nan extension after an empty line\n",
    f"other/log\n5\n{'A' * 43}=\n",
    "\n5\nAAAA\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_refuses_a_signed_text_that_is_no_checkpoint(text):
    with pytest.raises(NoteNotValid):
        open_checkpoint(sign_note(text, NAME, KEY), PUBLIC_KEY)


def test_refuses_a_note_that_is_too_long():
    with pytest.raises(NoteNotValid, match="at most 4096"):
        open_checkpoint(sign_note("x" * 4_096 + "\n", NAME, KEY), PUBLIC_KEY)
    with pytest.raises(NoteNotValid, match="at most 16"):
        open_checkpoint(NOTE + "— w AAAAAAAA\n" * 16, PUBLIC_KEY)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "huitong",
        str(PUBLIC_KEY)[:-1],
        str(PUBLIC_KEY).replace("test", "tess"),
        f"{NAME}+00000000+{'A' * 44}",
        PETER_KEY.replace("+AR", "+Ah"),
        PETER_KEY.replace("c74f20a3", "C74F20A3"),
    ],
)
def test_refuses_a_public_key_that_is_none(text):
    with pytest.raises(InvalidField) as caught:
        PublicKey.parse(text, field="--public-key")
    assert caught.value.field == "--public-key"


def test_makes_one_key_for_a_home_that_only_its_owner_can_read(tmp_path):
    keys = []

    def load() -> None:
        keys.append(load_log_key(tmp_path / "home").private_bytes_raw())

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 8
    assert set(keys) == {load_log_key(tmp_path / "home").private_bytes_raw()}
    folder = tmp_path / "home" / "keys"
    assert [path.name for path in folder.iterdir()] == ["ledger-log.pem"]
    assert stat.S_IMODE((folder / "ledger-log.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert load_log_key(tmp_path / "other").private_bytes_raw() not in keys


def test_closes_a_key_that_a_restore_left_open(tmp_path):
    key = load_log_key(tmp_path).private_bytes_raw()
    path = tmp_path / "keys" / "ledger-log.pem"
    path.chmod(0o644)
    assert load_log_key(tmp_path).private_bytes_raw() == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_never_replaces_a_key_that_it_cannot_read(tmp_path):
    path = tmp_path / "keys" / "ledger-log.pem"
    path.parent.mkdir()
    path.write_text("not a key")
    with pytest.raises(LogKeyUnreadable, match="backup"):
        load_log_key(tmp_path)
    assert path.read_text() == "not a key"


async def test_signs_what_the_log_says_and_once_for_each_size(books, log, make_journal):
    await make_journal(300)
    first = await log.seal_and_publish()
    assert await log.publish() == first
    await make_journal(5)
    assert await log.publish() == first
    second = await log.seal_and_publish()

    assert (first.size, second.size) == (300, 305)
    public_key = await log.public_key()
    assert first.public_key == second.public_key == str(public_key)
    assert open_checkpoint(first.note, public_key) == Checkpoint(public_key.name, 300, first.root)
    async with books.database.unit_of_work() as uow:
        assert await get_checkpoint(uow) == second
        assert await get_checkpoint(uow, 300) == first
        assert await list_checkpoints(uow) == [first, second]
        assert await list_checkpoints(uow, above=300, limit=1) == [second]
        with pytest.raises(NotFound):
            await get_checkpoint(uow, 301)


async def test_does_not_change_keys_unasked(books, log, make_journal):
    await make_journal(2)
    first = await log.seal_and_publish()
    await make_journal(1)
    await log.seal()

    with pytest.raises(LogKeyDiffers, match="--new-key"):
        await log.publish(key=OTHER_KEY)
    assert await log.publish(key=OTHER_KEY, is_new_key_wanted=True) != first

    with pytest.raises(LogKeyDiffers):
        await log.publish()
    assert await log.differences() == []


async def test_signs_nothing_that_contradicts_the_last_checkpoint(books, log, make_journal):
    await make_journal(3)
    await log.seal_and_publish()
    await make_journal(1)
    await log.seal()
    await books.tamper(
        "UPDATE ledger.log_tiles SET hashes = sha256('') || substring(hashes FROM 33)"
    )

    with pytest.raises(LogInconsistent, match="size 4 contradicts"):
        await log.publish()

    assert await books.fetch("SELECT size FROM ledger.log_checkpoints") == [(3,)]
