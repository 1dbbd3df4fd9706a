"""Passports: the two lines by ICAO Doc 9303, read from drawn pages, and compared."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.customers import (
    FindingCode,
    MrzField,
    PassportReading,
    PictureDesk,
    Sex,
    compare_passport,
    parse_mrz,
)
from huitong.demo.id_cards import encode_jpeg
from huitong.demo.passports import PassportSpecimen, draw_passport, make_lines

TODAY = date(2026, 11, 23)
#: Doc 9303-4, appendix B.
FIRST = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
SECOND = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
HOLDER = PassportSpecimen(
    issuer="FRA",
    surname="DUPONT",
    given_names="JEAN PIERRE",
    number="12AB34567",
    nationality="FRA",
    birth_on=date(1990, 1, 2),
    sex=Sex.MALE,
    valid_until_on=date(2030, 10, 9),
)


def test_the_example_of_the_standard_is_taken_apart() -> None:
    zone = parse_mrz(FIRST, SECOND, today=TODAY)
    assert zone is not None
    assert zone.is_sound
    assert (zone.issuer, zone.nationality, zone.number) == ("UTO", "UTO", "L898902C3")
    assert (zone.surname, zone.given_names) == ("ERIKSSON", "ANNA MARIA")
    assert zone.name_latin == "ERIKSSON ANNA MARIA"
    assert (zone.birth_on, zone.valid_until_on) == (date(1974, 8, 12), date(2012, 4, 15))
    assert zone.sex is Sex.FEMALE


@pytest.mark.parametrize(
    ("second", "broken"),
    [
        (SECOND.replace("L898902C36", "L898902C35"), {MrzField.NUMBER}),
        (SECOND.replace("7408122", "7408121"), {MrzField.BIRTH_ON}),
        (SECOND.replace("1204159", "1204158"), {MrzField.VALID_UNTIL_ON}),
    ],
)
def test_a_wrong_check_digit_names_its_field(second: str, broken: set[MrzField]) -> None:
    zone = parse_mrz(FIRST, second, today=TODAY)
    assert zone is not None
    assert (zone.broken, zone.is_whole, zone.is_sound) == (broken, False, False)


def test_the_last_digit_covers_everything() -> None:
    zone = parse_mrz(FIRST, SECOND.replace("ZE184226B<<<<<10", "ZE184227B<<<<<10"), today=TODAY)
    assert zone is not None
    assert (zone.broken, zone.is_whole) == (frozenset(), False)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # What engines make of the lines: lost fillers, spaces, look-alikes, a lost single filler.
        (FIRST.rstrip("<") + "<<<", SECOND),
        (FIRST.replace("P<", "P "), SECOND),
        (FIRST.replace("ERIKSSON", "ERIKSS0N"), SECOND.replace("UTO", "UT0")),
        (FIRST.replace("P<UTO", "PUTO"), SECOND),
        (FIRST, SECOND.replace("7408122", "74O8I22")),
        (FIRST, SECOND.replace("<<<<<10", "<<<10")),
    ],
)
def test_usual_mistakes_of_reading_are_put_right(first: str, second: str) -> None:
    assert parse_mrz(first, second, today=TODAY) == parse_mrz(FIRST, SECOND, today=TODAY)


@pytest.mark.parametrize(
    "lines",
    [("", ""), (SECOND, FIRST), (FIRST, FIRST), ("I<UTO", SECOND), (FIRST, "L898902C36UTO74")],
)
def test_other_lines_are_no_passport(lines: tuple[str, str]) -> None:
    assert parse_mrz(*lines, today=TODAY) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_the_parser(first: str, second: str) -> None:
    zone = parse_mrz(first, second, today=TODAY)
    assert zone is None or zone.is_sound in (True, False)


letters = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=12)
holders = st.builds(
    PassportSpecimen,
    issuer=st.just("FRA"),
    surname=letters,
    given_names=letters,
    number=st.from_regex("[A-Z0-9]{9}", fullmatch=True),
    nationality=st.sampled_from(["FRA", "USA", "CHN"]),
    birth_on=st.dates(date(1927, 1, 1), TODAY),
    sex=st.sampled_from(Sex),
    valid_until_on=st.dates(date(2000, 1, 1), date(2060, 1, 1)),
)


@given(holders)
def test_what_is_written_is_read_back(holder: PassportSpecimen) -> None:
    lines = make_lines(holder)
    assert [len(line) for line in lines] == [44, 44]
    zone = parse_mrz(*lines, today=TODAY)
    assert zone is not None
    assert zone.is_sound
    names = ("issuer", "surname", "given_names", "nationality", "birth_on", "sex")
    for name in (*names, "number", "valid_until_on"):
        assert getattr(zone, name) == getattr(holder, name)


# A letter that looks like a digit may be repaired into it, which costs some of what is found.
clear_numbers = st.text("ACEFHJKMNPRTUVWXY0123456789", min_size=9, max_size=9)


@given(
    st.builds(replace, holders, number=clear_numbers),
    st.integers(0, 27),
    st.sampled_from("0123456789"),
)
def test_one_changed_digit_is_always_found(
    holder: PassportSpecimen, place: int, digit: str
) -> None:
    first, second = make_lines(holder)
    if not second[place].isdigit() or second[place] == digit:
        return
    zone = parse_mrz(first, second[:place] + digit + second[place + 1 :], today=TODAY)
    assert zone is None or not zone.is_sound


def test_a_german_passport_is_one_of_germany() -> None:
    zone = parse_mrz(*make_lines(replace(HOLDER, issuer="D", nationality="D")), today=TODAY)
    assert zone is not None
    assert (zone.issuer, zone.nationality) == ("DEU", "DEU")


def typed_of(holder: PassportSpecimen) -> dict[MrzField, Any]:
    return {
        MrzField.NUMBER: holder.number.lower(),
        MrzField.ISSUER: holder.issuer,
        MrzField.NATIONALITY: holder.nationality,
        MrzField.NAME_LATIN: f"{holder.surname} {holder.given_names}".title(),
        MrzField.SEX: holder.sex,
        MrzField.BIRTH_ON: holder.birth_on,
        MrzField.VALID_UNTIL_ON: holder.valid_until_on,
    }


def test_what_differs_is_named_and_a_bad_reading_is_no_lie() -> None:
    zone = parse_mrz(*make_lines(HOLDER), today=TODAY)
    sure = PassportReading(zone=zone, confidence=0.99)
    assert compare_passport(sure, typed_of(HOLDER)) == ()
    typed = typed_of(HOLDER) | {MrzField.BIRTH_ON: date(1990, 1, 3)}
    (finding,) = compare_passport(sure, typed)
    assert (finding.code, finding.field) == (FindingCode.FIELD_DIFFERS, "birth_on")
    (finding,) = compare_passport(replace(sure, confidence=0.5), typed)
    assert finding.code is FindingCode.FIELD_UNREADABLE
    first, second = make_lines(HOLDER)
    broken = second[:9] + str((int(second[9]) + 1) % 10) + second[10:]
    found = compare_passport(
        PassportReading(zone=parse_mrz(first, broken, today=TODAY), confidence=0.99),
        typed_of(HOLDER),
    )
    assert [(each.code, each.field) for each in found] == [
        (FindingCode.CHECK_DIGIT_WRONG, "mrz"),
        (FindingCode.FIELD_UNREADABLE, "number"),
    ]


@pytest.fixture(scope="module")
def page() -> Any:
    return draw_passport(HOLDER, portrait_seed=3)


@pytest.mark.parametrize("angle", [0, 4, 90, 180])
async def test_a_drawn_page_is_read_in_any_turn(page: Any, angle: int) -> None:
    turned = page.rotate(angle, expand=True, fillcolor=(90, 90, 90))
    async with PictureDesk(seconds_max=120) as desk:
        reading = await desk.read_passport(encode_jpeg(turned), today=TODAY, field="passport")
    assert reading.findings == ()
    assert reading.zone == parse_mrz(*make_lines(HOLDER), today=TODAY)
    assert compare_passport(reading, typed_of(HOLDER)) == ()


async def test_a_picture_without_lines_is_a_finding(page: Any) -> None:
    upper = page.crop((0, 0, 1181, 600))
    async with PictureDesk(seconds_max=120) as desk:
        reading = await desk.read_passport(encode_jpeg(upper), today=TODAY, field="passport")
        nothing = await desk.read_passport(b"%PDF", today=TODAY, field="passport")
    assert [each.code for each in reading.findings] == [FindingCode.PICTURE_UNREADABLE]
    assert [each.code for each in nothing.findings] == [FindingCode.PICTURE_TYPE_REFUSED]
