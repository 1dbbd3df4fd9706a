"""What evidence is found to be: named findings about named fields, as values and not exceptions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Generic, TypeVar

from huitong.kernel.errors import InvalidField

FactsT = TypeVar("FactsT")


class Severity(StrEnum):
    """Whether a finding is a no, or something that a person should look at."""

    ERROR = "error"
    WARNING = "warning"


class FindingCode(StrEnum):
    """Everything that can be wrong with evidence. The codes are stable: reports count them."""

    MISSING = "missing"
    LENGTH_WRONG = "length_wrong"
    FORMAT_WRONG = "format_wrong"
    CHECK_DIGIT_WRONG = "check_digit_wrong"
    OLD_FORM = "old_form"
    BIRTH_DATE_IMPOSSIBLE = "birth_date_impossible"
    BIRTH_DATE_IN_FUTURE = "birth_date_in_future"
    AGE_IMPLAUSIBLE = "age_implausible"
    DIVISION_UNKNOWN = "division_unknown"
    DIVISION_NOT_IN_FORCE = "division_not_in_force"
    AUTHORITY_UNKNOWN = "authority_unknown"
    ORGANISATION_CHECK_WRONG = "organisation_check_wrong"
    LUHN_WRONG = "luhn_wrong"
    NOT_UNIONPAY = "not_unionpay"
    COUNTRY_UNKNOWN = "country_unknown"
    VALIDITY_REVERSED = "validity_reversed"
    VALIDITY_TERM_UNUSUAL = "validity_term_unusual"
    VALIDITY_TERM_NOT_FOR_AGE = "validity_term_not_for_age"
    ISSUED_BEFORE_BIRTH = "issued_before_birth"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    PICTURE_MISSING = "picture_missing"
    PICTURE_TOO_LARGE = "picture_too_large"
    PICTURE_TOO_SMALL = "picture_too_small"
    PICTURE_TYPE_REFUSED = "picture_type_refused"
    PICTURE_DAMAGED = "picture_damaged"
    PICTURE_UNREADABLE = "picture_unreadable"
    PICTURE_WRONG_SIDE = "picture_wrong_side"
    FIELD_UNREADABLE = "field_unreadable"
    FIELD_DIFFERS = "field_differs"
    FIELDS_CONTRADICT = "fields_contradict"
    FACE_NOT_FOUND = "face_not_found"
    SEVERAL_FACES = "several_faces"
    FACE_MISMATCH = "face_mismatch"


_EXPLANATIONS: Final[Mapping[FindingCode, str]] = {
    FindingCode.MISSING: "must be given",
    FindingCode.LENGTH_WRONG: "has the wrong number of characters",
    FindingCode.FORMAT_WRONG: "has characters that do not belong there",
    FindingCode.CHECK_DIGIT_WRONG: "has a check digit that does not match: is a digit mistyped?",
    FindingCode.OLD_FORM: "is in the old form of 15 digits, which ended in 2013; give all 18",
    FindingCode.BIRTH_DATE_IMPOSSIBLE: "holds a birth date that is not in the calendar",
    FindingCode.BIRTH_DATE_IN_FUTURE: "holds a birth date that has not come yet",
    FindingCode.AGE_IMPLAUSIBLE: "holds a birth date of an age that nobody has reached",
    FindingCode.DIVISION_UNKNOWN: "begins with a place that never had this code (GB/T 2260)",
    FindingCode.DIVISION_NOT_IN_FORCE: "begins with a code that ended before the birth date",
    FindingCode.AUTHORITY_UNKNOWN: "names a registration authority that GB 32100 does not know",
    FindingCode.ORGANISATION_CHECK_WRONG: "holds an organisation code with a wrong check digit",
    FindingCode.LUHN_WRONG: "does not follow the Luhn rule, as some older debit cards do not",
    FindingCode.NOT_UNIONPAY: "is not a number of the UnionPay range, which begins with 62",
    FindingCode.COUNTRY_UNKNOWN: "names a country or a national form that is not known",
    FindingCode.VALIDITY_REVERSED: "ends before it begins",
    FindingCode.VALIDITY_TERM_UNUSUAL: "is not valid for 5, 10 or 20 years or for ever",
    FindingCode.VALIDITY_TERM_NOT_FOR_AGE: "is valid for a term that is not given at this age",
    FindingCode.ISSUED_BEFORE_BIRTH: "was issued before the holder was born",
    FindingCode.NOT_YET_VALID: "is not valid yet",
    FindingCode.EXPIRED: "has expired",
    FindingCode.PICTURE_MISSING: "must be given",
    FindingCode.PICTURE_TOO_LARGE: "is larger than pictures may be",
    FindingCode.PICTURE_TOO_SMALL: "is too small to be read",
    FindingCode.PICTURE_TYPE_REFUSED: "must be a JPEG, PNG or WebP picture",
    FindingCode.PICTURE_DAMAGED: "cannot be decoded",
    FindingCode.PICTURE_UNREADABLE: "shows nothing that could be read as this side of an ID card",
    FindingCode.PICTURE_WRONG_SIDE: "shows the other side of the card",
    FindingCode.FIELD_UNREADABLE: "could not be read on the picture",
    FindingCode.FIELD_DIFFERS: "is not what the picture shows",
    FindingCode.FIELDS_CONTRADICT: "contradicts the number on the same card",
    FindingCode.FACE_NOT_FOUND: "shows no face",
    FindingCode.SEVERAL_FACES: "shows more than one face",
    FindingCode.FACE_MISMATCH: "shows another face",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found about one field; it never repeats what the field holds."""

    code: FindingCode
    field: str
    severity: Severity = Severity.ERROR

    @property
    def explanation(self) -> str:
        """What the finding says about the field, in words that follow the field's name."""
        return _EXPLANATIONS[self.code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Generic[FactsT]):
    """The facts that an input holds (None when it cannot be taken apart) and what was found."""

    facts: FactsT | None = field(repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether there is no error; warnings are for a person to look at."""
        return self.facts is not None and not has_errors(self.findings)

    def has(self, code: FindingCode) -> bool:
        """Whether `code` is among the findings."""
        return any(finding.code is code for finding in self.findings)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether one of the findings is a no."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def warn(code: FindingCode, field: str) -> Finding:
    """Return a finding that does not refuse."""
    return Finding(code=code, field=field, severity=Severity.WARNING)


def to_invalid_fields(findings: Iterable[Finding]) -> tuple[InvalidField, ...]:
    """Return a refusal for each finding that is an error, in order, without any personal data."""
    return tuple(
        InvalidField(
            finding.explanation, field=finding.field, context={"finding": finding.code.value}
        )
        for finding in findings
        if finding.severity is Severity.ERROR
    )
