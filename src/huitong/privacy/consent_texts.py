"""The texts that people agree to: versions of each purpose, read from `consent_texts.yaml`."""

import datetime as dt
import hashlib
from functools import cache
from itertools import pairwise
from typing import Final

import msgspec

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.privacy.data_files import DataFileInvalidError, Words, parse_file, read_file

_FILE: Final = "consent_texts.yaml"
_ASKED_FROM_THE_START: Final = 1


class ConsentText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of what a person agrees to, in force from a business day on.

    `is_separate` says that it is asked for alone (PIPL Arts. 23, 29); `asks_again` that consents to
    earlier versions no longer count.
    """

    purpose: str
    version: int
    effective_from: dt.date
    asks_again: bool
    kinds: tuple[str, ...]
    is_sensitive: bool
    is_separate: bool
    title: Words
    text: Words
    withdrawing: Words

    @property
    def digest(self) -> bytes:
        """Return SHA-256 over the whole version, in all its languages."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).digest()


class ConsentTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All versions that there ever were."""

    texts: tuple[ConsentText, ...]

    @staticmethod
    def load() -> "ConsentTexts":
        """Return the texts that ship with us, read once in each process."""
        return _load()

    @staticmethod
    def parse(document: str) -> "ConsentTexts":
        """Return the texts that a YAML document writes; raises DataFileInvalidError."""
        return _check(parse_file(document.encode(), ConsentTexts))

    @property
    def purposes(self) -> frozenset[str]:
        """Return every purpose that needs a consent."""
        return frozenset(text.purpose for text in self.texts)

    def list_current(self, on: dt.date) -> tuple[ConsentText, ...]:
        """Return the version in force of each purpose on a business day, by purpose."""
        newest = {
            text.purpose: text
            for text in sorted(self.texts, key=lambda text: (text.purpose, text.version))
            if text.effective_from <= on
        }
        return tuple(newest.values())

    def get_current(self, purpose: str, on: dt.date) -> ConsentText:
        """Return the version in force of a purpose; raises InvalidField if there is none."""
        for text in self.list_current(on):
            if text.purpose == purpose:
                return text
        raise InvalidField(f"must be one of {', '.join(sorted(self.purposes))}", field="purpose")

    def oldest_valid(self, purpose: str, on: dt.date) -> int:
        """Return the oldest version a consent to which still counts; raises InvalidField."""
        current = self.get_current(purpose, on)
        asked = [
            text.version
            for text in self.texts
            if text.purpose == purpose and text.version <= current.version and text.asks_again
        ]
        return max(asked, default=_ASKED_FROM_THE_START)


def _check(read: ConsentTexts) -> ConsentTexts:
    if len(read.purposes) > limits.CONSENT_PURPOSES_MAX:
        raise DataFileInvalidError(f"more than {limits.CONSENT_PURPOSES_MAX} purposes")
    for purpose in sorted(read.purposes):
        versions = [text for text in read.texts if text.purpose == purpose]
        if [text.version for text in versions] != list(range(1, len(versions) + 1)):
            raise DataFileInvalidError(f"{purpose}: versions must count up from 1")
        for earlier, later in pairwise(versions):
            if later.effective_from <= earlier.effective_from:
                raise DataFileInvalidError(f"{purpose}: a later version must start later")
    for text in read.texts:
        if text.is_sensitive and not text.is_separate:
            # PIPL Art. 29.
            raise DataFileInvalidError(f"{text.purpose}: sensitive data needs separate consent")
        if not text.kinds:
            raise DataFileInvalidError(f"{text.purpose}: names no data")
    return read


@cache
def _load() -> ConsentTexts:
    return _check(read_file(_FILE, ConsentTexts))
