"""The cache of data keys forgets, and never answers for another wrapped key."""

import uuid

import pytest

from huitong.kernel import limits
from huitong.kernel.cryptography import DataKey
from huitong.privacy.data_keys import DataKeyCache

ONE, TWO, THREE = (uuid.UUID(int=number) for number in (1, 2, 3))


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_answers_only_for_the_same_wrapped_key() -> None:
    cache, key = DataKeyCache(), DataKey.generate()
    cache.remember(ONE, b"wrapped", key)

    assert cache.find(ONE, b"wrapped") is key
    assert cache.find(ONE, b"wrapped again") is None
    assert cache.find(TWO, b"wrapped") is None


def test_forgets_after_its_time_and_lets_go_of_the_key() -> None:
    clock = Clock()
    cache = DataKeyCache(clock)
    cache.remember(ONE, b"1", DataKey.generate())
    clock.seconds = limits.DATA_KEYS_CACHED_SECONDS - 0.1
    cache.remember(TWO, b"2", DataKey.generate())
    assert cache.find(ONE, b"1") is not None

    clock.seconds = limits.DATA_KEYS_CACHED_SECONDS
    assert cache.find(ONE, b"1") is None
    assert cache.find(TWO, b"2") is not None
    cache.remember(THREE, b"3", DataKey.generate())

    assert len(cache) == 2


def test_holds_no_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DATA_KEYS_CACHED_MAX", 2)
    cache = DataKeyCache()
    for number, subject_id in enumerate((ONE, TWO, ONE, THREE)):
        cache.remember(subject_id, b"%d" % number, DataKey.generate())

    assert cache.find(TWO, b"1") is None
    assert cache.find(ONE, b"2") is not None
    assert cache.find(THREE, b"3") is not None


def test_forgets_what_was_destroyed() -> None:
    cache = DataKeyCache()
    cache.remember(ONE, b"1", DataKey.generate())
    cache.forget(ONE)
    cache.forget(TWO)

    assert cache.find(ONE, b"1") is None
    assert len(cache) == 0
