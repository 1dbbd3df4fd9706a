"""The ring of numbered master keys, and the secret of blind indexes.

On one machine both are in `keys/master.json` under the home, readable by its owner only; on several
the same document comes from outside (`HUITONG_MASTER_KEYS`). Whoever backs up the home backs up the
keys: without them nothing that was sealed opens again. Keep that copy apart from the database's.
"""

import base64
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from huitong.kernel import limits
from huitong.kernel.cryptography.blind_index import BlindIndexer
from huitong.kernel.cryptography.errors import (
    MasterKeysUnchangeable,
    MasterKeysUnreadable,
    MasterKeyUnknown,
)
from huitong.kernel.cryptography.keys import SECRET_BYTES, MasterKey

FOLDER_NAME: Final = "keys"
FILE_NAME: Final = "master.json"
VARIABLE: Final = "HUITONG_MASTER_KEYS"
_LOCK_NAME: Final = "master.lock"
_FORMAT: Final = 1
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What the document holds. Never shown."""

    master: Mapping[int, bytes]
    index: bytes

    def __repr__(self) -> str:
        return f"_Secrets(master={sorted(self.master)}, index=***)"

    def to_json(self) -> bytes:
        return json.dumps(
            {
                "format": _FORMAT,
                "master_keys": {
                    str(number): base64.b64encode(secret).decode()
                    for number, secret in sorted(self.master.items())
                },
                "index_secret": base64.b64encode(self.index).decode(),
            },
            indent=2,
        ).encode()


class KeyRing:
    """The master keys of one process; it notices when the file got another key."""

    def __init__(self, path: Path | None, secrets: bytes) -> None:
        """Make a ring from the document; `path` is None if it came from outside."""
        self._path = path
        self._keys: dict[int, MasterKey] = {}
        self._stamp: tuple[int, int] | None = None
        parsed = self._take(secrets)
        self.indexer: Final = BlindIndexer(parsed.index)

    def __repr__(self) -> str:
        return f"KeyRing(numbers={self.numbers})"

    @property
    def numbers(self) -> list[int]:
        """Return the numbers of all master keys, oldest first."""
        return sorted(self._keys)

    @property
    def newest(self) -> MasterKey:
        """Return the key that wraps from now on."""
        self._refresh()
        return self._keys[max(self._keys)]

    def get(self, number: int) -> MasterKey:
        """Return a key by its number; raises MasterKeyUnknown."""
        key = self._keys.get(number)
        if key is None:
            # Another process may have added it since this one read the file.
            self._refresh()
            key = self._keys.get(number)
        if key is None:
            where = VARIABLE if self._path is None else str(self._path)
            raise MasterKeyUnknown(
                f"Master key {number} is needed, but {where} has only {self.numbers}. Restore it "
                "from a backup of the keys."
            )
        return key

    def add_master_key(self) -> int:
        """Add a new random key to the file and return its number.

        All processes of this home use it as soon as they wrap the next data key. Raises
        MasterKeysUnchangeable if the keys came from outside, or there are too many.
        """
        with self._rewriting() as secrets:
            number = max(secrets) + 1
            if len(secrets) >= limits.MASTER_KEYS_MAX or number > limits.MASTER_KEY_NUMBER_MAX:
                raise MasterKeysUnchangeable(
                    f"There are {len(secrets)} master keys already: retire those that wrap nothing"
                )
            secrets[number] = os.urandom(SECRET_BYTES)
        return number

    def retire_master_key(self, number: int) -> None:
        """Remove an old key from the file for good; what it still wraps can never be opened again.

        The caller makes sure that it wraps nothing. Raises MasterKeyUnknown, and
        MasterKeysUnchangeable for the newest key.
        """
        with self._rewriting() as secrets:
            if number not in secrets:
                raise MasterKeyUnknown(f"There is no master key {number}")
            if number == max(secrets):
                raise MasterKeysUnchangeable(
                    f"Master key {number} is the newest: rotate before it is retired"
                )
            del secrets[number]

    @contextmanager
    def _rewriting(self) -> Iterator[dict[int, bytes]]:
        """Give out the secrets of the file, alone, and replace the file by what became of them."""
        if self._path is None:
            raise MasterKeysUnchangeable(f"The master keys come from {VARIABLE}: change them there")
        with _locked(self._path.with_name(_LOCK_NAME)):
            before = _parse(_read(self._path), str(self._path))
            master = dict(before.master)
            yield master
            try:
                with _temporary(self._path, _Secrets(master, before.index).to_json()) as temporary:
                    temporary.replace(self._path)
                _sync_folder(self._path.parent)
            except OSError as error:
                raise MasterKeysUnreadable(
                    f"{self._path} cannot be written ({type(error).__name__})"
                ) from error
        self._refresh()

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            found = self._path.stat()
        except OSError:
            # The keys in memory are good; that the file is gone shows at the next start.
            return
        stamp = (found.st_ino, found.st_mtime_ns)
        if stamp != self._stamp:
            self._take(_read(self._path))
            self._stamp = stamp

    def _take(self, document: bytes) -> _Secrets:
        where = VARIABLE if self._path is None else str(self._path)
        secrets = _parse(document, where)
        self._keys = {number: MasterKey(number, each) for number, each in secrets.master.items()}
        return secrets


def load_key_ring(home: Path, given: str | None = None) -> KeyRing:
    """Return the ring of this home, made now if there is none yet, or the one that is `given`.

    Many processes may ask at once: all get the same keys. `given` is the document itself
    (`Settings.master_keys`), and then the home is not looked at. Raises MasterKeysUnreadable.
    """
    if given is not None:
        return KeyRing(None, given.encode())
    path = home / FOLDER_NAME / FILE_NAME
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            # A restore or a copy often loses the mode.
            path.chmod(_FILE_MODE)
    except OSError as error:
        raise _unreadable(str(path), type(error).__name__) from error
    return KeyRing(path, _read(path))


def _make(path: Path) -> None:
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    secrets = _Secrets({1: os.urandom(SECRET_BYTES)}, os.urandom(SECRET_BYTES))
    with _temporary(path, secrets.to_json()) as temporary:
        try:
            # A link, unlike a rename, fails if another process was faster: its keys stand then,
            # whole, and ours were never used.
            path.hardlink_to(temporary)
        except FileExistsError:
            return
    # The name must survive a power cut too: data sealed with lost keys is lost.
    _sync_folder(path.parent)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    except OSError as error:
        raise MasterKeysUnreadable(f"{path} cannot be made ({type(error).__name__})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def _temporary(path: Path, content: bytes) -> Iterator[Path]:
    # `mkstemp` makes the file with mode 0600.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limits.MASTER_KEYS_BYTES_MAX + 1)
    except OSError as error:
        raise _unreadable(str(path), type(error).__name__) from error


def _parse(document: bytes, where: str) -> _Secrets:
    if len(document) > limits.MASTER_KEYS_BYTES_MAX:
        raise _unreadable(where, f"more than {limits.MASTER_KEYS_BYTES_MAX} bytes")
    try:
        read: Any = json.loads(document)
        if read["format"] != _FORMAT:
            raise _unreadable(where, "another format")
        master = {
            _read_number(number): _read_secret(secret)
            for number, secret in read["master_keys"].items()
        }
        index = _read_secret(read["index_secret"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # Neither the message nor the cause is repeated: both may hold a part of a key.
        raise _unreadable(where, type(error).__name__) from None
    if not 1 <= len(master) <= limits.MASTER_KEYS_MAX:
        raise _unreadable(where, f"{len(master)} keys, not 1 to {limits.MASTER_KEYS_MAX}")
    if len({*master.values(), index}) != len(master) + 1:
        raise _unreadable(where, "the same secret twice")
    return _Secrets(master, index)


def _read_number(text: str) -> int:
    number = int(text)
    if str(number) != text or not 1 <= number <= limits.MASTER_KEY_NUMBER_MAX:
        raise ValueError
    return number


def _read_secret(text: str) -> bytes:
    secret = base64.b64decode(text, validate=True)
    if len(secret) != SECRET_BYTES:
        raise ValueError
    return secret


def _unreadable(where: str, why: str) -> MasterKeysUnreadable:
    return MasterKeysUnreadable(
        f"The master keys in {where} cannot be read ({why}). Restore them from a backup of the "
        "keys; new ones would open nothing that was sealed before."
    )
