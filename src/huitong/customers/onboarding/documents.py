"""The identity document of an application, a resident's card or a passport, as typed. Pure."""

from datetime import date
from typing import Final

from huitong.customers.evidence import (
    Finding,
    FindingCode,
    PassportKind,
    Severity,
    check_passport,
    check_resident_id,
    check_validity,
)
from huitong.customers.evidence.numbers.texts import compact
from huitong.customers.onboarding.types import (
    IdentityDocument,
    PersonDetails,
    PictureKind,
    Remark,
    Weight,
)
from huitong.kernel.rulebook import Rulebook

_CHINA: Final = "CHN"
_FOREIGN_KEY: Final = "identity.document.passport.foreign.allowed"
_CHINESE_KEY: Final = "identity.document.passport.chinese_abroad.allowed"
_REVIEW_KEY: Final = "identity.document.passport.review.required"
_SPECIAL_REGIONS: Final = frozenset({PassportKind.HONG_KONG, PassportKind.MACAO})
_YEARS_MAX: Final = 130
_PICTURES: Final = {
    IdentityDocument.RESIDENT_ID: (
        PictureKind.ID_FRONT,
        PictureKind.ID_BACK,
        PictureKind.SELFIE,
    ),
    IdentityDocument.PASSPORT: (PictureKind.PASSPORT, PictureKind.SELFIE),
}
# Errors that a picture alone shows: somebody should look, since a bad picture is not a lie.
_TO_REVIEW: Final = frozenset(
    {
        FindingCode.PICTURE_UNREADABLE,
        FindingCode.PICTURE_WRONG_SIDE,
        FindingCode.PICTURE_DAMAGED,
        FindingCode.PICTURE_TOO_SMALL,
        FindingCode.PICTURE_TOO_LARGE,
        FindingCode.FIELD_UNREADABLE,
        FindingCode.FIELD_DIFFERS,
        FindingCode.FIELDS_CONTRADICT,
        FindingCode.FACE_NOT_FOUND,
        FindingCode.SEVERAL_FACES,
        FindingCode.VALIDITY_TERM_UNUSUAL,
        FindingCode.VALIDITY_TERM_NOT_FOR_AGE,
        FindingCode.AGE_IMPLAUSIBLE,
    }
)


def list_pictures(document: IdentityDocument) -> tuple[PictureKind, ...]:
    """Return the pictures that an application with such a document needs."""
    return _PICTURES[document]


def find_birth(person: PersonDetails, today: date) -> date | None:
    """Return the day of birth: on a resident's card it is in the number. None if there is none."""
    if person.document is IdentityDocument.PASSPORT:
        return person.birth_on
    facts = check_resident_id(person.id_number, today=today).facts
    return None if facts is None else facts.birth_on


def read_number(person: PersonDetails, today: date) -> str | None:
    """Return the document's number in its one form, None for one that cannot be taken apart."""
    if person.document is IdentityDocument.PASSPORT:
        passport = check_passport(person.id_number, issuer=person.issuer).facts
        return None if passport is None else passport.number
    resident = check_resident_id(person.id_number, today=today).facts
    return None if resident is None else resident.number


def name_holder(person: PersonDetails, number: str) -> str:
    """Return what a document's number is indexed as: two states may give the same number."""
    if person.document is IdentityDocument.PASSPORT:
        return f"PASSPORT {person.issuer} {number}"
    return number


def judge_document(person: PersonDetails, *, rulebook: Rulebook, today: date) -> tuple[Remark, ...]:
    """Return what is found about the document as it was typed."""
    if person.document is IdentityDocument.PASSPORT:
        return tuple(_judge_passport(person, rulebook, today))
    number = check_resident_id(person.id_number, today=today)
    remarks = [weigh(finding) for finding in number.findings]
    validity = check_validity(
        from_on=person.valid_from_on,
        until_on=person.valid_until_on,
        today=today,
        birth_on=find_birth(person, today),
        field="valid_until_on",
    )
    remarks += [weigh(finding) for finding in validity.findings]
    if number.facts is not None and number.facts.sex is not person.sex:
        remarks.append(Remark(code="fields_contradict", field="sex", weight=Weight.REVIEW))
    return tuple(remarks)


def weigh(finding: Finding) -> Remark:
    """Return what follows from a finding: errors refuse unless a picture alone shows them."""
    is_about_picture = finding.code in _TO_REVIEW
    if is_about_picture:
        weight = Weight.REVIEW
    else:
        is_warning = finding.severity is Severity.WARNING
        weight = Weight.NOTE if is_warning else Weight.REFUSE
    return Remark(code=finding.code.value, field=finding.field, weight=weight)


def _judge_passport(person: PersonDetails, rulebook: Rulebook, today: date) -> list[Remark]:
    checked = check_passport(person.id_number, issuer=person.issuer, field="id_number")
    remarks = [weigh(finding) for finding in checked.findings]
    remarks += [
        _refuse("missing", field)
        for field in ("issuer", "name_latin", "birth_on", "valid_until_on")
        if getattr(person, field) is None
    ]
    remarks += _judge_days(person, today)
    kind = None if checked.facts is None else checked.facts.kind
    remarks += _judge_holder(person, kind, rulebook, today)
    return remarks


def _judge_days(person: PersonDetails, today: date) -> list[Remark]:
    remarks = []
    until_on, birth_on = person.valid_until_on, person.birth_on
    if until_on is not None and until_on < person.valid_from_on:
        remarks.append(_refuse("validity_reversed", "valid_until_on"))
    if person.valid_from_on > today:
        remarks.append(_refuse("not_yet_valid", "valid_from_on"))
    if until_on is not None and until_on < today:
        remarks.append(_refuse("expired", "valid_until_on"))
    if birth_on is not None and birth_on > today:
        remarks.append(_refuse("birth_date_in_future", "birth_on"))
    elif birth_on is not None and person.valid_from_on < birth_on:
        remarks.append(_refuse("issued_before_birth", "valid_from_on"))
    elif birth_on is not None and today.year - birth_on.year > _YEARS_MAX:
        remarks.append(Remark(code="age_implausible", field="birth_on", weight=Weight.REVIEW))
    return remarks


def _judge_holder(
    person: PersonDetails, kind: PassportKind | None, rulebook: Rulebook, today: date
) -> list[Remark]:
    """Judge whether a passport is a document that this person may use here."""
    remarks = []
    if person.issuer is not None and person.issuer != person.nationality:
        remarks.append(Remark(code="fields_contradict", field="nationality", weight=Weight.REVIEW))
    is_chinese = _CHINA in (person.nationality, person.issuer)
    if is_chinese and kind in _SPECIAL_REGIONS:
        # Who lives in Hong Kong or Macao has a permit for the mainland, and shows that.
        remarks.append(_refuse("document_not_accepted", "document"))
    elif not rulebook.flag(_CHINESE_KEY if is_chinese else _FOREIGN_KEY, today):
        remarks.append(_refuse("document_not_accepted", "document"))
    elif is_chinese:
        # Only for citizens who live abroad and have no card: staff see the proof of it.
        remarks.append(
            Remark(code="residence_abroad_to_prove", field="document", weight=Weight.REVIEW)
        )
    is_reviewed = rulebook.flag(_REVIEW_KEY, today)
    weight = Weight.REVIEW if is_reviewed else Weight.NOTE
    remarks.append(Remark(code="passport_not_confirmed", field="document", weight=weight))
    return remarks


def _refuse(code: str, field: str) -> Remark:
    return Remark(code=code, field=field, weight=Weight.REFUSE)


def is_readable(person: PersonDetails, today: date) -> bool:
    """Say whether there is a number without errors that registries can be asked about."""
    if person.document is IdentityDocument.PASSPORT:
        return compact(person.id_number) != "" and read_number(person, today) is not None
    return check_resident_id(person.id_number, today=today).is_valid
