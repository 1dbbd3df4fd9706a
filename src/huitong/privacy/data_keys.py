"""Unwrapped data keys, remembered for a short time and never trusted without the database."""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable

from huitong.kernel import limits
from huitong.kernel.cryptography import DataKey


class DataKeyCache:
    """Remembers which data key a wrapped one holds, for `limits.DATA_KEYS_CACHED_SECONDS`.

    It saves the unwrapping and nothing else. Whoever asks has just read the wrapped key in the
    database, and gets only what was unwrapped from exactly those bytes: so a key that another
    process destroyed or wrapped again, or that a rolled-back transaction made, is never found here.
    """

    __slots__ = ("_clock", "_keys")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty cache; `clock` tells seconds."""
        self._clock = clock
        self._keys: OrderedDict[uuid.UUID, tuple[float, bytes, DataKey]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, subject_id: uuid.UUID, wrapped: bytes) -> DataKey | None:
        """Return what `wrapped` holds, if it was unwrapped a short time ago."""
        found = self._keys.get(subject_id)
        if found is None or found[1] != wrapped or found[0] <= self._clock():
            return None
        return found[2]

    def remember(self, subject_id: uuid.UUID, wrapped: bytes, key: DataKey) -> None:
        """Remember a key, and forget those whose time is over and the oldest above the maximum."""
        now = self._clock()
        self._keys.pop(subject_id, None)
        self._keys[subject_id] = (now + limits.DATA_KEYS_CACHED_SECONDS, wrapped, key)
        # All live equally long, so the oldest are in front.
        while len(self._keys) > limits.DATA_KEYS_CACHED_MAX:
            self._keys.popitem(last=False)
        while next(iter(self._keys.values()))[0] <= now:
            self._keys.popitem(last=False)

    def forget(self, subject_id: uuid.UUID) -> None:
        """Forget the key of a subject."""
        self._keys.pop(subject_id, None)

    def clear(self) -> None:
        """Forget all keys."""
        self._keys.clear()
