"""Sealing the fields of one subject: each value is bound to the subject and to its field.

The context of a value is the subject's 16 bytes and the field's name, `room.table.column`, so a
sealed value that is moved to another row or column does not open there.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Final

from huitong.kernel import limits
from huitong.kernel.cryptography.errors import SealBroken
from huitong.kernel.cryptography.keys import DataKey
from huitong.kernel.errors import InvalidField
from huitong.kernel.settings import CipherName

_FIELD_SHAPE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62}){2}")
#: Names that were found good, as bytes. They come from code, never from outside.
_known_names: dict[str, bytes] = {}


def seal_record(
    key: DataKey, cipher: CipherName, subject_id: uuid.UUID, fields: Mapping[str, str]
) -> dict[str, bytes]:
    """Return each field of a subject sealed with the subject's key.

    Raises InvalidField, naming the field and never repeating its value, for a name that is not
    `room.table.column` and for text that is too long or cannot be written as UTF-8.
    """
    contexts = _make_contexts(subject_id, fields)
    try:
        texts = [text.encode() for text in fields.values()]
    except UnicodeEncodeError:
        raise _find_unwritable(fields) from None
    if texts and len(max(texts, key=len)) > limits.SEALED_TEXT_BYTES_MAX:
        longest = max(fields, key=lambda field: len(fields[field].encode()))
        raise InvalidField(
            f"must have at most {limits.SEALED_TEXT_BYTES_MAX} bytes to be sealed", field=longest
        )
    return dict(zip(fields, key.seal_all(cipher, texts, contexts), strict=True))


def open_record(key: DataKey, subject_id: uuid.UUID, sealed: Mapping[str, bytes]) -> dict[str, str]:
    """Return each field of a subject as it was before it was sealed.

    Raises SealBroken if one of them was changed, moved, or sealed with another key, and
    InvalidField for a name that cannot be a field's.
    """
    contexts = _make_contexts(subject_id, sealed)
    try:
        texts = key.open_all(sealed.values(), contexts)
    except SealBroken as error:
        # Which one it was is found by trying again, because this hardly ever happens.
        raise _name_broken(key, sealed, contexts, error) from error
    return {field: text.decode() for field, text in zip(sealed, texts, strict=True)}


def _make_contexts(subject_id: uuid.UUID, fields: Mapping[str, object]) -> list[bytes]:
    if len(fields) > limits.FIELDS_PER_SUBJECT_MAX:
        raise InvalidField(
            f"must be at most {limits.FIELDS_PER_SUBJECT_MAX} at once", field="fields"
        )
    subject = subject_id.bytes
    try:
        return [subject + _known_names[field] for field in fields]
    except KeyError:
        return [subject + _check_name(field) for field in fields]


def _check_name(field: str) -> bytes:
    if _FIELD_SHAPE.fullmatch(field) is None:
        raise InvalidField("must be named like room.table.column", field="fields")
    if len(_known_names) < limits.SEALED_FIELD_NAMES_MAX:
        _known_names[field] = field.encode()
    return field.encode()


def _find_unwritable(fields: Mapping[str, str]) -> InvalidField:
    for field, text in fields.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            return InvalidField("cannot be written as UTF-8", field=field)
    raise AssertionError("one of them failed before")


def _name_broken(
    key: DataKey, sealed: Mapping[str, bytes], contexts: list[bytes], error: SealBroken
) -> SealBroken:
    for (field, value), context in zip(sealed.items(), contexts, strict=True):
        try:
            key.open(value, context)
        except SealBroken as found:
            return SealBroken(f"{field}: {found.detail}")
    return error
