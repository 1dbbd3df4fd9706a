"""What the simulated registries say, by rules that anybody can work out again."""

import base64
import hashlib
from collections.abc import Callable
from datetime import date
from typing import Final

import msgspec

from huitong.customers.checks.types import (
    PASSPORT,
    RESIDENT_ID,
    BusinessStatus,
    CheckKind,
    CheckVerdict,
    Shareholder,
)
from huitong.customers.evidence.numbers import (
    check_bank_card,
    check_credit_code,
    check_mobile,
    check_passport,
    check_resident_id,
)
from huitong.customers.evidence.pictures import check_upload

#: Of 1,000 numbers that are in order, so many belong to somebody else or to nobody.
INCONSISTENT_PER_MILLE: Final = 20
NOT_FOUND_PER_MILLE: Final = 10
#: Words in a name that decide, for demonstrations.
INCONSISTENT_NAME: Final = "不符"
NOT_FOUND_NAME: Final = "查无"
#: Words in a company's name that say how it is, unless the register was told about it.
STATUS_WORDS: Final = {
    "注销": BusinessStatus.DEREGISTERED,
    "吊销": BusinessStatus.REVOKED,
    "异常": BusinessStatus.ABNORMAL,
}


class CompanyRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of `PUT /businesses/{code}`: what the register knows of a company from then on."""

    name: str
    legal_representative: str
    status: BusinessStatus = BusinessStatus.ACTIVE
    shareholders: tuple[Shareholder, ...] | None = None


def decide(kind: CheckKind, asked: dict[str, str], *, today: date) -> CheckVerdict:
    """Return what the simulated registries say, by these rules in this order.

    1. A number that breaks its own standard, or a picture that is none: not_found.
    2. A name with 查无: not_found; with 不符: inconsistent.
    3. By the first four bytes of SHA-256 over "kind:number" modulo 1,000, where the number is the
       identity number, card number, mobile or credit code, or the picture's digest for liveness:
       below 20 inconsistent, below 30 not_found (inconsistent for liveness), else consistent. A
       photo is judged in the same way after its number.
    """
    if not _is_in_order(asked, today):
        return CheckVerdict.NOT_FOUND
    name = asked.get("name", "")
    if NOT_FOUND_NAME in name:
        return CheckVerdict.NOT_FOUND
    if INCONSISTENT_NAME in name:
        return CheckVerdict.INCONSISTENT
    keys = {
        CheckKind.IDENTITY: ("id_number", "photo"),
        CheckKind.BANK_CARD: ("card_number",),
        CheckKind.MOBILE: ("mobile",),
        CheckKind.LIVENESS: ("picture",),
        CheckKind.BUSINESS: ("credit_code",),
    }[kind]
    for key in keys:
        digest = hashlib.sha256(f"{kind.value}:{asked.get(key, '')}".encode()).digest()
        share = int.from_bytes(digest[:4]) % 1_000
        if key in asked and share < INCONSISTENT_PER_MILLE + NOT_FOUND_PER_MILLE:
            is_number = key not in ("photo", "picture")
            is_unknown = is_number and share >= INCONSISTENT_PER_MILLE
            return CheckVerdict.NOT_FOUND if is_unknown else CheckVerdict.INCONSISTENT
    return CheckVerdict.CONSISTENT


def _is_in_order(asked: dict[str, str], today: date) -> bool:
    checks: dict[str, Callable[[str], bool]] = {
        "id_number": lambda text: _is_id_number(text, asked.get("id_kind", RESIDENT_ID), today),
        "card_number": lambda text: check_bank_card(text).is_valid,
        "mobile": lambda text: check_mobile(text).is_valid,
        "credit_code": lambda text: check_credit_code(text).is_valid,
        "photo": _is_picture,
        "picture": _is_picture,
    }
    return all(check(asked[key]) for key, check in checks.items() if key in asked)


def _is_id_number(text: str, kind: str, today: date) -> bool:
    if kind == PASSPORT:
        return check_passport(text).is_valid
    return kind == RESIDENT_ID and check_resident_id(text, today=today).is_valid


def _is_picture(text: str) -> bool:
    try:
        return check_upload(base64.b64decode(text, validate=True)) is None
    except ValueError:
        return False


def find_status(name: str) -> BusinessStatus:
    """Return what a name says of a company's life; ACTIVE if it says nothing."""
    for word, status in STATUS_WORDS.items():
        if word in name:
            return status
    return BusinessStatus.ACTIVE
