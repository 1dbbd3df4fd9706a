"""Tag-length-value text as EMVCo codes use it: two digits of id, two of length, then the value.

Facts from EMV QRCPS Merchant-Presented Mode 1.1: a length counts characters, not bytes (in
`0104最佳运输` it is 4, though the value has 12 bytes); the check sum runs over the UTF-8 bytes;
object 00 comes first and 63 last, the others in any order; a code should not exceed 512 characters.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.payments.qr.calculations import crc16_ccitt_false
from huitong.payments.qr.types import DataObject

PAYLOAD_FIELD = "payload"
VALUE_LENGTH_MAX = 99
IDENTIFIER_LENGTH_MAX = 32

_HEADER_LENGTH = 4
_HEADER = re.compile(r"[0-9]{4}")
_OBJECT_ID = re.compile(r"[0-9]{2}")
_CRC_ID = "63"
_CRC_HEADER = "6304"
_CRC_LENGTH = 4

# Control and format characters (direction overrides, zero-width joiners) let a code show the payer
# another name than the one it carries; surrogates have no UTF-8 form.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Alphabet(Enum):
    """The standard's three formats (N, ans and S), and values that are templates of objects."""

    DIGITS = "digits 0 to 9"
    PRINTABLE = "printable ASCII characters"
    TEXT = "visible, precomposed Unicode characters"
    PARTS = "data objects"


@dataclass(frozen=True, slots=True)
class ObjectRule:
    """What the standard says about the value of one data object; lengths in characters."""

    name: str
    alphabet: Alphabet
    length_max: int
    length_min: int = 1


RuleFinder = Callable[[str], ObjectRule]

_ROOT_RULES = {
    "00": ObjectRule("payload format indicator", Alphabet.DIGITS, 2, 2),
    "01": ObjectRule("point of initiation method", Alphabet.DIGITS, 2, 2),
    "52": ObjectRule("merchant category code", Alphabet.DIGITS, 4, 4),
    "53": ObjectRule("transaction currency", Alphabet.DIGITS, 3, 3),
    "54": ObjectRule("transaction amount", Alphabet.PRINTABLE, 13),
    "55": ObjectRule("tip or convenience indicator", Alphabet.DIGITS, 2, 2),
    "56": ObjectRule("convenience fee, fixed", Alphabet.PRINTABLE, 13),
    "57": ObjectRule("convenience fee, percentage", Alphabet.PRINTABLE, 5),
    "58": ObjectRule("country code", Alphabet.PRINTABLE, 2, 2),
    "59": ObjectRule("merchant name", Alphabet.PRINTABLE, 25),
    "60": ObjectRule("merchant city", Alphabet.PRINTABLE, 15),
    "61": ObjectRule("postal code", Alphabet.PRINTABLE, 10),
    "62": ObjectRule("additional data", Alphabet.PARTS, VALUE_LENGTH_MAX),
    _CRC_ID: ObjectRule("check sum", Alphabet.PRINTABLE, _CRC_LENGTH, _CRC_LENGTH),
    "64": ObjectRule("merchant information in another language", Alphabet.PARTS, VALUE_LENGTH_MAX),
}
_PRIMITIVE_ACCOUNT = ObjectRule(
    "merchant account information", Alphabet.PRINTABLE, VALUE_LENGTH_MAX
)
_TEMPLATE_ACCOUNT = ObjectRule("merchant account information", Alphabet.PARTS, VALUE_LENGTH_MAX)
_RESERVED = ObjectRule("reserved by EMVCo", Alphabet.TEXT, VALUE_LENGTH_MAX)
_UNRESERVED = ObjectRule("unreserved template", Alphabet.PARTS, VALUE_LENGTH_MAX)
_IDENTIFIER = ObjectRule("globally unique identifier", Alphabet.PRINTABLE, IDENTIFIER_LENGTH_MAX)
_CONTEXT_SPECIFIC = ObjectRule("payment system specific", Alphabet.TEXT, VALUE_LENGTH_MAX)


def refuse(path: str, reason: str) -> NoReturn:
    """Raise the `InvalidField` that names the data object at `path`."""
    raise InvalidField(f"Data object {path}: {reason}", field=path)


def is_account(object_id: str) -> bool:
    """Say whether an id at the root is merchant account information."""
    return "02" <= object_id <= "51"


def is_identified_template(object_id: str) -> bool:
    """Say whether a root object must open with a globally unique identifier."""
    return "26" <= object_id <= "51" or "80" <= object_id <= "99"


def root_rule(object_id: str) -> ObjectRule:
    """Return the rule for an object at the root of a payload."""
    named = _ROOT_RULES.get(object_id)
    if named is not None:
        return named
    if is_account(object_id):
        return _TEMPLATE_ACCOUNT if is_identified_template(object_id) else _PRIMITIVE_ACCOUNT
    return _UNRESERVED if is_identified_template(object_id) else _RESERVED


def identified_template_rule(object_id: str) -> ObjectRule:
    """Return the rule for an object inside templates 26 to 51 and 80 to 99."""
    return _IDENTIFIER if object_id == "00" else _CONTEXT_SPECIFIC


def parse_template(text: str, *, path: str, find_rule: RuleFinder) -> tuple[DataObject, ...]:
    """Return the objects in `text`, in order, or refuse, naming the object.

    `path` says where the text stands (`payload.62`). Raises `InvalidField`.
    """
    objects = _split_objects(text, path=path)
    check_objects(objects, path=path, find_rule=find_rule)
    return objects


def write_template(objects: Iterable[DataObject], *, path: str, find_rule: RuleFinder) -> str:
    """Return the text of `objects`, sorted by id so that equal facts are equal texts.

    Raises `InvalidField` for the first value that breaks its rule.
    """
    ordered = sorted(objects, key=lambda unit: unit.id)
    check_objects(ordered, path=path, find_rule=find_rule)
    return _join_objects(ordered)


def parse_objects(payload: str) -> tuple[DataObject, ...]:
    """Return the root objects of a whole payload, in order, without object 63.

    It checks size, structure, check sum and the form of every root value, and raises
    `InvalidField`. The structure goes first, so that a cut payload names the object that was cut.
    """
    body_bytes = _payload_bytes(payload)
    objects = _split_objects(payload, path=PAYLOAD_FIELD)
    if objects[0] != DataObject("00", "01"):
        refuse(f"{PAYLOAD_FIELD}.00", "must come first and be 01.")
    if objects[-1].id != _CRC_ID:
        refuse(f"{PAYLOAD_FIELD}.{_CRC_ID}", "the check sum must come last.")
    # Four ASCII characters, proven here, are the four bytes that are cut off below.
    check_objects(objects[-1:], path=PAYLOAD_FIELD, find_rule=root_rule)
    if objects[-1].value != _check_sum(body_bytes[:-_CRC_LENGTH]):
        refuse(f"{PAYLOAD_FIELD}.{_CRC_ID}", "the check sum does not fit the payload.")
    check_objects(objects[:-1], path=PAYLOAD_FIELD, find_rule=root_rule)
    return objects[:-1]


def write_objects(objects: Iterable[DataObject]) -> str:
    """Return the payload of root `objects`, in the order given, with its check sum appended.

    Raises `InvalidField` for a value, an order or a size that the standard refuses.
    """
    ordered = tuple(objects)
    if not ordered or ordered[0] != DataObject("00", "01"):
        refuse(f"{PAYLOAD_FIELD}.00", "must come first and be 01.")
    if any(unit.id == _CRC_ID for unit in ordered):
        refuse(f"{PAYLOAD_FIELD}.{_CRC_ID}", "the check sum is computed, not given.")
    check_objects(ordered, path=PAYLOAD_FIELD, find_rule=root_rule)
    unchecked = _join_objects(ordered) + _CRC_HEADER
    payload = unchecked + _check_sum(unchecked.encode())
    _payload_bytes(payload)
    return payload


def check_objects(objects: Iterable[DataObject], *, path: str, find_rule: RuleFinder) -> None:
    """Refuse ids that are malformed or come twice, and values that break the rule of their id.

    Raises `InvalidField`.
    """
    seen: set[str] = set()
    for unit in objects:
        if not _OBJECT_ID.fullmatch(unit.id):
            refuse(path, f"an id must be two digits, not {unit.id[:8]!r}.")
        object_path = f"{path}.{unit.id}"
        if unit.id in seen:
            refuse(object_path, "comes twice.")
        seen.add(unit.id)
        _check_value(unit.value, object_path, find_rule(unit.id))


def _check_value(value: str, path: str, rule: ObjectRule) -> None:
    if not rule.length_min <= len(value) <= rule.length_max:
        refuse(
            path,
            f"{rule.name} must have {rule.length_min} to {rule.length_max} characters, "
            f"and has {len(value)}.",
        )
    if not _is_written_in(value, rule.alphabet):
        refuse(path, f"{rule.name} may hold only {rule.alphabet.value}.")


def _is_written_in(value: str, alphabet: Alphabet) -> bool:
    match alphabet:
        case Alphabet.DIGITS:
            # `isdigit` alone also takes the digits of other scripts.
            return value.isascii() and value.isdigit()
        case Alphabet.PRINTABLE:
            return value.isascii() and value.isprintable()
        case Alphabet.TEXT:
            return unicodedata.is_normalized("NFC", value) and not any(
                unicodedata.category(character) in _HIDDEN_CATEGORIES for character in value
            )
        case Alphabet.PARTS:
            # Each part has a rule of its own, and a refusal should name the part.
            return True


def _split_objects(text: str, *, path: str) -> tuple[DataObject, ...]:
    if not text:
        refuse(path, "is empty.")
    objects: list[DataObject] = []
    position = 0
    while position < len(text):
        header = text[position : position + _HEADER_LENGTH]
        if not _HEADER.fullmatch(header):
            if not objects:
                refuse(path, "does not begin with an id and a length of two digits each.")
            # The likeliest cause is a wrong length of the object before, so that one is named.
            refuse(
                f"{path}.{objects[-1].id}",
                "is not followed by an id and a length of two digits each.",
            )
        object_id, length = header[:2], int(header[2:])
        position += _HEADER_LENGTH
        value = text[position : position + length]
        if length == 0:
            refuse(f"{path}.{object_id}", "has length 00; an empty object must be left out.")
        if len(value) < length:
            refuse(f"{path}.{object_id}", f"is cut: {length} characters said, {len(value)} there.")
        objects.append(DataObject(object_id, value))
        position += length
    return tuple(objects)


def _join_objects(objects: Iterable[DataObject]) -> str:
    return "".join(f"{unit.id}{len(unit.value):02d}{unit.value}" for unit in objects)


def _payload_bytes(payload: str) -> bytes:
    try:
        encoded = payload.encode()
    except UnicodeEncodeError:
        refuse(PAYLOAD_FIELD, "holds half of a surrogate pair, which is not a character.")
    # The standard counts characters; bytes are what fills the picture and what a scanner must read.
    if len(encoded) > limits.QR_PAYLOAD_LENGTH_MAX:
        refuse(
            PAYLOAD_FIELD,
            f"has {len(encoded)} bytes; at most {limits.QR_PAYLOAD_LENGTH_MAX} can be read.",
        )
    return encoded


def _check_sum(data: bytes) -> str:
    return f"{crc16_ccitt_false(data):04X}"
