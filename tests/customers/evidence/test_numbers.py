"""Numbers of people, bodies and accounts: examples of each standard, and what holds for all."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitong import customers
from huitong.customers import FindingCode, Severity
from huitong.demo.specimens import make_specimen
from huitong.kernel.errors import InvalidField

TODAY = date(2026, 11, 26)
CHECKS = {
    "RIC": lambda text: customers.check_resident_id(text, today=TODAY),
    "USCC": customers.check_credit_code,
    "PAN": customers.check_bank_card,
    "IBAN": customers.check_iban,
    "BIC": customers.check_bic,
    "LEI": customers.check_lei,
}
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PLACES = ("110101", "310104", "360426", "440104", "510104", "810000", "830000", "620201")


def codes(checked) -> list[FindingCode]:
    return [finding.code for finding in checked.findings]


def number_of(place: str, born: date, sequence: int) -> str:
    """Make a number by the text of GB 11643, not by the code that is tested."""
    body = f"{place}{born:%Y%m%d}{sequence:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


numbers = st.builds(
    number_of,
    st.sampled_from(PLACES),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(1, 999),
)


def test_every_shared_vector_is_judged_right(shared_data: Path) -> None:
    file = shared_data / "8-standards" / "id_number_vectors_train.json"
    vectors = json.loads(file.read_text(encoding="utf-8"))
    wrong = []
    for vector in vectors:
        checked = CHECKS[vector["type"]](vector["value"])
        # Null: the check digit is right and the place had no such code any more; we warn.
        expected = True if vector["valid"] is None else vector["valid"]
        if checked.is_valid is not expected:
            wrong.append(vector)
        if "county" in vector:
            division = checked.facts.division
            assert (division.province, division.name) == (vector["province"], vector["county"])
        if vector["valid"] is None:
            assert codes(checked) == [FindingCode.DIVISION_NOT_IN_FORCE]
    assert wrong == []
    assert len(vectors) == 612


@settings(deadline=None)
@given(
    st.sampled_from(PLACES),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(1, 999),
)
def test_a_number_gives_back_what_it_was_made_of(place: str, born: date, sequence: int) -> None:
    number = number_of(place, born, sequence)
    checked = customers.check_resident_id(number, today=TODAY)
    assert checked.is_valid
    facts = checked.facts
    assert (facts.number, facts.birth_on, facts.division.code) == (number, born, place)
    assert facts.sex is (customers.Sex.MALE if sequence % 2 else customers.Sex.FEMALE)
    typed = f" {number[:6]}-{number[6:14].lower()} {number[14:].lower()} "
    assert customers.check_resident_id(typed, today=TODAY).facts == facts


@settings(deadline=None)
@given(numbers, st.integers(0, 17), st.integers(1, 9))
def test_one_changed_digit_is_found_by_the_check_digit(number: str, place: int, step: int) -> None:
    old = number[place]
    value = 10 if old == "X" else int(old)
    digit = (value + step) % 10 if place < 17 else (value + step) % 11
    changed = number[:place] + ("X" if digit == 10 else str(digit)) + number[place + 1 :]
    assert not customers.has_right_check_digit(changed)
    assert not customers.check_resident_id(changed, today=TODAY).is_valid


@settings(deadline=None)
@given(numbers, st.integers(0, 15))
def test_two_digits_exchanged_are_found_by_the_check_digit(number: str, place: int) -> None:
    pair = number[place : place + 2]
    if pair[0] != pair[1]:
        exchanged = number[:place] + pair[::-1] + number[place + 2 :]
        assert not customers.has_right_check_digit(exchanged)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_judged_and_none_raises(text: str) -> None:
    for check in (*CHECKS.values(), customers.check_passport, customers.check_mobile):
        checked = check(text)
        assert checked.is_valid is (
            checked.facts is not None
            and all(finding.severity is Severity.WARNING for finding in checked.findings)
        )
        if checked.facts is None:
            assert checked.findings


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", FindingCode.MISSING),
        ("  ", FindingCode.MISSING),
        ("110105491231002", FindingCode.OLD_FORM),
        ("11010519491231002", FindingCode.LENGTH_WRONG),
        ("1" * 200, FindingCode.LENGTH_WRONG),
        ("1101051949123100２X9", FindingCode.LENGTH_WRONG),
        ("11010519491231OO2X", FindingCode.FORMAT_WRONG),
        ("X1010519491231002X", FindingCode.FORMAT_WRONG),
        ("110105194912310021", FindingCode.CHECK_DIGIT_WRONG),
        (number_of("110101", TODAY + timedelta(1), 1), FindingCode.BIRTH_DATE_IN_FUTURE),
        (number_of("110101", date(1890, 1, 1), 1), FindingCode.AGE_IMPLAUSIBLE),
        (number_of("990426", date(1990, 1, 1), 1), FindingCode.DIVISION_UNKNOWN),
    ],
)
def test_an_identity_number_is_refused_for_one_reason(text: str, code: FindingCode) -> None:
    checked = customers.check_resident_id(text, today=TODAY)
    assert codes(checked) == [code]
    assert not checked.is_valid


def test_full_width_digits_and_a_small_x_are_the_same_number() -> None:
    checked = customers.check_resident_id("１１０１０５１９４９１２３１００２ｘ", today=TODAY)
    assert checked.is_valid
    assert checked.facts.number == "11010519491231002X"
    assert checked.facts.birth_on == date(1949, 12, 31)
    assert checked.facts.sex is customers.Sex.FEMALE


def test_a_development_zone_is_a_warning() -> None:
    checked = customers.check_resident_id(number_of("130171", date(1990, 1, 1), 1), today=TODAY)
    assert codes(checked) == [FindingCode.DIVISION_UNKNOWN]
    assert checked.is_valid


def test_findings_become_refusals_that_repeat_nothing() -> None:
    checked = customers.check_resident_id("110105194912310021", today=TODAY, field="holder.id")
    (refusal,) = customers.to_invalid_fields(checked.findings)
    assert isinstance(refusal, InvalidField)
    assert refusal.field == "holder.id"
    assert refusal.context == {"finding": "check_digit_wrong"}
    assert "1101" not in refusal.detail
    assert "1949" not in repr(checked)
    card = customers.check_bank_card("6216261000000000011")
    assert card.is_valid
    assert customers.to_invalid_fields(card.findings) == ()
    assert "6216" not in repr(card)


def test_every_finding_has_an_explanation() -> None:
    for code in FindingCode:
        assert customers.Finding(code=code, field="x").explanation


@settings(deadline=None)
@given(
    st.sampled_from(("11110000", "51310115", "92440300")),
    st.text(CREDIT_ALPHABET, min_size=8, max_size=8),
    st.integers(0, 16),
    st.sampled_from(CREDIT_ALPHABET),
)
def test_one_changed_sign_is_found_in_a_credit_code(
    start: str, body: str, position: int, sign: str
) -> None:
    start = start + body + "0"
    total = sum(CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(start))
    code = start + CREDIT_ALPHABET[-total % 31]
    assert customers.check_credit_code(code).is_valid
    changed = code[:position] + sign + code[position + 1 :]
    if changed != code:
        assert not customers.check_credit_code(changed).is_valid


def test_a_credit_code_says_who_registered_what() -> None:
    checked = customers.check_credit_code(" 91350100m000100y43 ")
    assert checked.findings == ()
    facts = checked.facts
    assert (facts.authority, facts.kind, facts.division_code) == ("9", "1", "350100")
    assert facts.organisation_code == "M000100Y4"
    assert codes(customers.check_credit_code("91350100I000100Y43")) == [FindingCode.FORMAT_WRONG]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6216261000000000018", []),
        ("6216 2610 0000 0000 018", []),
        ("6216261000000000019", [FindingCode.LUHN_WRONG]),
        ("4111111111111111", [FindingCode.NOT_UNIONPAY]),
        ("622848123456", [FindingCode.LENGTH_WRONG]),
        ("62162610000000000181", [FindingCode.LENGTH_WRONG]),
        ("6216261O00000000018", [FindingCode.FORMAT_WRONG]),
        ("0000000000000000", [FindingCode.FORMAT_WRONG]),
        ("", [FindingCode.MISSING]),
    ],
)
def test_a_bank_card_is_judged(text: str, expected: list[FindingCode]) -> None:
    checked = customers.check_bank_card(text)
    assert codes(checked) == expected
    is_only_warned = set(expected) <= {FindingCode.LUHN_WRONG, FindingCode.NOT_UNIONPAY}
    assert checked.is_valid is is_only_warned


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("13800138000", True),
        ("+86 138-0013-8000", True),
        ("008619912345678", True),
        ("12800138000", False),
        ("1380013800", False),
        ("138001380000", False),
        ("1380013800O", False),
        ("", False),
    ],
)
def test_a_mobile_number_is_judged(text: str, is_valid: bool) -> None:
    assert customers.check_mobile(text).is_valid is is_valid


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("E12345678", customers.PassportKind.CHINA_ORDINARY),
        ("EA1234567", customers.PassportKind.CHINA_ORDINARY),
        ("G12345678", customers.PassportKind.CHINA_ORDINARY),
        ("SE1234567", customers.PassportKind.CHINA_SERVICE),
        ("DE1234567", customers.PassportKind.CHINA_DIPLOMATIC),
        ("K12345678", customers.PassportKind.HONG_KONG),
        ("MA1234567", customers.PassportKind.MACAO),
        ("L898902C3", customers.PassportKind.OTHER),
    ],
)
def test_a_passport_shows_whose_it_is(text: str, kind: customers.PassportKind) -> None:
    assert customers.check_passport(text).facts.kind is kind


def test_a_passport_of_china_needs_a_form_of_china() -> None:
    assert codes(customers.check_passport("EI1234567", issuer="CHN")) == [FindingCode.FORMAT_WRONG]
    assert customers.check_passport("EI1234567", issuer="IND").is_valid
    assert codes(customers.check_passport("ABCDEFG")) == [FindingCode.FORMAT_WRONG]
    assert codes(customers.check_passport("A1")) == [FindingCode.LENGTH_WRONG]
    # The two worked numbers of ICAO Doc 9303-4, appendix A.
    assert customers.check_digit_icao("L898902C3") == 6
    assert customers.check_digit_icao("ZE184226B<<<<<") == 1


BORN = date(1990, 3, 1)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (date(2010, 5, 1), date(2020, 5, 1), [FindingCode.EXPIRED]),
        (date(2017, 5, 1), date(2037, 5, 1), []),
        (date(2016, 4, 1), date(2026, 4, 1), [FindingCode.EXPIRED]),
        # Applied for before the twenty-sixth birthday, issued a few weeks after it.
        (date(2016, 4, 1), date(2036, 4, 1), []),
        (date(2020, 2, 29), date(2040, 2, 29), []),
        (date(2020, 5, 1), date(2030, 5, 1), [FindingCode.VALIDITY_TERM_NOT_FOR_AGE]),
        (date(2020, 5, 1), None, [FindingCode.VALIDITY_TERM_NOT_FOR_AGE]),
        (date(2020, 5, 1), date(2032, 5, 1), [FindingCode.VALIDITY_TERM_UNUSUAL]),
        (date(2020, 5, 1), date(2019, 5, 1), [FindingCode.VALIDITY_REVERSED]),
        (date(2026, 11, 27), date(2046, 11, 27), [FindingCode.NOT_YET_VALID]),
        (date(1989, 1, 1), None, [FindingCode.ISSUED_BEFORE_BIRTH]),
    ],
)
def test_a_validity_fits_the_age_at_issue(start, end, expected) -> None:
    checked = customers.check_validity(from_on=start, until_on=end, today=TODAY, birth_on=BORN)
    assert codes(checked) == expected


def test_a_card_that_ends_today_is_valid_today() -> None:
    last = customers.check_validity(
        from_on=date(2016, 11, 26), until_on=TODAY, today=TODAY, birth_on=date(1995, 1, 1)
    )
    assert last.is_valid
    assert last.facts.years == 10


@settings(deadline=None)
@given(st.integers(0, 100_000))
def test_made_up_people_pass_all_checks(seed: int) -> None:
    person = make_specimen(seed, today=TODAY)
    checked = customers.check_resident_id(person.number, today=TODAY)
    assert checked.findings == ()
    assert checked.facts.birth_on == person.birth_on
    assert (checked.facts.sex is customers.Sex.MALE) is (person.sex == "男")
    validity = customers.check_validity(
        from_on=person.valid_from_on,
        until_on=person.valid_until_on,
        today=TODAY,
        birth_on=person.birth_on,
    )
    assert validity.findings == ()
