"""The keys that prove receipts: numbered, in `keys/receipts.json` of the home, for its owner only.

Receipts are proved with the newest. The others stay, so that older papers can still be verified.
"""

import base64
import binascii
import fcntl
import hashlib
import hmac
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from huitong.kernel.errors import LimitExceeded
from huitong.kernel.signing_keys import KEYS_FOLDER
from huitong.payments.documents import limits
from huitong.payments.documents.errors import ReceiptKeysUnreadable

FILE_NAME: Final = "receipts.json"
_LOCK_NAME: Final = "receipts.lock"
_FORMAT: Final = 1
_KEY_BYTES: Final = 32
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
# Without I, L, O and U: what people type must not be mistaken (Crockford's base 32).
_SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_SIGNS: Final = 20
_BITS: Final = 5
_GROUP: Final = 5


class ReceiptKeys:
    """The keys of one home; it notices when another process has added one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[int, bytes] = {}
        self._stamp: tuple[int, int] | None = None
        self._refresh()

    def __repr__(self) -> str:
        return f"ReceiptKeys(numbers={sorted(self._keys)})"

    @property
    def newest(self) -> int:
        """The number of the key for new receipts."""
        self._refresh()
        return max(self._keys)

    def make_code(self, number: int, facts: bytes) -> str:
        """Return the verification code of what a receipt says: 100 bits, `XXXXX-XXXXX-…`.

        Raises KeyError for a key that this home does not have.
        """
        bits = int.from_bytes(self._prove(number, b"code", facts), "big") >> 256 - _CODE_SIGNS * 5
        signs = [_SIGNS[bits >> _BITS * place & 31] for place in range(_CODE_SIGNS - 1, -1, -1)]
        groups = ("".join(signs[at : at + _GROUP]) for at in range(0, _CODE_SIGNS, _GROUP))
        return "-".join(groups)

    def make_seal(self, number: int, paper: bytes) -> str:
        """Return the 64 signs that prove the bytes of a paper; raises KeyError."""
        return self._prove(number, b"paper", paper).hex()

    def add_key(self) -> int:
        """Add a random key to the file and return its number: new receipts are proved with it.

        Raises LimitExceeded for more than RECEIPT_KEYS_MAX, and ReceiptKeysUnreadable.
        """
        with _locked(self._path.with_name(_LOCK_NAME)):
            keys = _read(self._path)
            if len(keys) >= limits.RECEIPT_KEYS_MAX:
                raise LimitExceeded(f"a home has at most {limits.RECEIPT_KEYS_MAX} receipt keys")
            number = max(keys) + 1
            keys[number] = os.urandom(_KEY_BYTES)
            with _temporary(self._path, keys) as temporary:
                temporary.replace(self._path)
            _sync_folder(self._path.parent)
        self._refresh()
        return number

    def _prove(self, number: int, kind: bytes, content: bytes) -> bytes:
        if number not in self._keys:
            self._refresh()
        return hmac.digest(self._keys[number], b"huitong-receipt-" + kind + b"\0" + content, _HASH)

    def _refresh(self) -> None:
        try:
            found = self._path.stat()
        except OSError as error:
            if self._keys:
                # Those in memory are good; that the file is gone shows at the next start.
                return
            raise _unreadable(self._path, type(error).__name__) from error
        stamp = (found.st_ino, found.st_mtime_ns)
        if stamp != self._stamp:
            self._keys = _read(self._path)
            self._stamp = stamp


_HASH: Final = hashlib.sha256


def load_receipt_keys(home: Path) -> ReceiptKeys:
    """Return the keys of this home, the first one made now if it has none.

    Many processes may ask at once: all get the same keys. Raises ReceiptKeysUnreadable.
    """
    path = home / KEYS_FOLDER / FILE_NAME
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            # A restore or a copy often loses the mode.
            path.chmod(_FILE_MODE)
    except OSError as error:
        raise _unreadable(path, type(error).__name__) from error
    return ReceiptKeys(path)


def is_same_code(given: str, code: str) -> bool:
    """Say whether what somebody typed is a code: case, spaces, dashes and look-alikes aside."""
    plain = given.upper().replace("-", "").replace(" ", "")
    plain = plain.replace("O", "0").replace("I", "1").replace("L", "1")
    return hmac.compare_digest(plain.encode(), code.replace("-", "").encode())


def _make(path: Path) -> None:
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    with _temporary(path, {1: os.urandom(_KEY_BYTES)}) as temporary:
        try:
            # A link, unlike a rename, fails if another process was faster: its key stands then.
            path.hardlink_to(temporary)
        except FileExistsError:
            return
    _sync_folder(path.parent)


@contextmanager
def _temporary(path: Path, keys: dict[int, bytes]) -> Iterator[Path]:
    shown = {str(number): base64.b64encode(key).decode() for number, key in keys.items()}
    content = json.dumps({"format": _FORMAT, "keys": shown}, indent=2).encode()
    # `mkstemp` makes the file with mode 0600.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> dict[int, bytes]:
    try:
        with path.open("rb") as file:
            document = file.read(limits.RECEIPT_KEYS_BYTES_MAX + 1)
        if len(document) > limits.RECEIPT_KEYS_BYTES_MAX:
            raise _unreadable(path, "too large")
        parsed = json.loads(document)
        keys = {
            int(number): base64.b64decode(text, validate=True)
            for number, text in parsed["keys"].items()
        }
        is_right = parsed["format"] == _FORMAT and keys and min(keys) > 0
    except (OSError, ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise _unreadable(path, type(error).__name__) from error
    if not is_right or any(len(key) != _KEY_BYTES for key in keys.values()):
        raise _unreadable(path, "not keys of receipts")
    return keys


def _unreadable(path: Path, why: str) -> ReceiptKeysUnreadable:
    return ReceiptKeysUnreadable(f"{path}: {why}. Restore it from a backup.", retryable=False)
