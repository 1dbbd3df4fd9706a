"""Reading the data files of this package: typed, bounded, refused whole at the first mistake."""

from importlib.resources import files
from typing import Final, TypeVar

import msgspec

from huitong.kernel import limits

Content = TypeVar("Content")

_PACKAGE: Final = "huitong.privacy"


class DataFileInvalidError(ValueError):
    """A data file cannot be used; a mistake of whoever changed it, found at start."""


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        """Refuse a language that says nothing."""
        if not (self.zh.strip() and self.en.strip()):
            raise ValueError("a text must say something in zh and in en")


def read_file(name: str, content: type[Content]) -> Content:
    """Return a data file of this package as `content`; raises DataFileInvalidError."""
    return parse_file((files(_PACKAGE) / name).read_bytes(), content)


def parse_file(document: bytes, content: type[Content]) -> Content:
    """Return a YAML document as `content`, every member checked; raises DataFileInvalidError."""
    if len(document) > limits.PRIVACY_FILE_BYTES_MAX:
        raise DataFileInvalidError(f"more than {limits.PRIVACY_FILE_BYTES_MAX} bytes")
    try:
        return msgspec.yaml.decode(document, type=content)
    except msgspec.DecodeError as error:
        raise DataFileInvalidError(str(error)) from error
