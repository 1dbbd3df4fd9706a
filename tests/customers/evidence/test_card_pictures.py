"""Drawn cards through the real engine, as cameras show them: turned, slanted, noisy, small."""

import pytest

from huitong.customers import CardField, CardSide, CardVerdict, FindingCode, compare_card
from huitong.customers.evidence.id_card import RapidTextReader, read_card
from huitong.demo.id_cards import encode_jpeg
from huitong.demo.photographs import Shot, photograph
from huitong.demo.portraits import draw_portrait

FRONT, BACK = CardSide.FRONT, CardSide.BACK
SHOTS = {
    "scanned": (FRONT, Shot(), 0),
    "a quarter turn left": (FRONT, Shot(quarter_turns=1, slant_degrees=-3), 1),
    "upside down": (FRONT, Shot(quarter_turns=2, noise=6), 2),
    "a quarter turn right": (FRONT, Shot(quarter_turns=3), 3),
    "slanted, noisy, glaring, pressed": (
        FRONT,
        Shot(slant_degrees=5, perspective=0.08, noise=12, glare=120, jpeg_quality=40),
        0,
    ),
    "half the size": (FRONT, Shot(scale=0.45, jpeg_quality=60), 0),
    "far away on a table": (FRONT, Shot(margin=0.6), 0),
    "blurred and dark": (FRONT, Shot(blur=1.5, brightness=0.6), 0),
    "the back": (BACK, Shot(noise=5), 0),
    "the back, lying": (BACK, Shot(quarter_turns=1, jpeg_quality=60), 1),
    "the back, slanted and small": (BACK, Shot(slant_degrees=-4, scale=0.5), 0),
}


@pytest.fixture(scope="module")
def reader() -> RapidTextReader:
    return RapidTextReader()


@pytest.mark.parametrize("name", SHOTS)
def test_a_card_is_read_right(name: str, cards, reader) -> None:
    side, shot, turns = SHOTS[name]
    seed = 100 + list(SHOTS).index(name)
    reading = read_card(photograph(cards.draw(seed, side), shot), reader, side=side)
    assert reading.findings == ()
    assert reading.quarter_turns == turns
    compared = compare_card(reading, cards.typed(seed, side))
    assert compared.verdict is CardVerdict.MATCHED, compared.fields


def test_a_liar_is_found(cards, reader) -> None:
    reading = read_card(photograph(cards.draw(120, FRONT), Shot()), reader, side=FRONT)
    liar = cards.typed(121, FRONT)
    compared = compare_card(reading, liar)
    assert compared.verdict is CardVerdict.MISMATCHED
    differing = {finding.field for finding in compared.findings}
    assert {"name", "number", "birth_on"} <= differing


def test_a_card_that_cannot_be_made_out_is_never_called_different(cards, reader) -> None:
    shot = Shot(blur=9, noise=40, scale=0.4, jpeg_quality=15)
    reading = read_card(photograph(cards.draw(122, FRONT), shot), reader, side=FRONT)
    assert reading.findings
    typed = {CardField.NUMBER: cards.person(122).number, CardField.NAME: cards.person(122).name}
    assert compare_card(reading, typed).verdict is CardVerdict.UNREADABLE


def test_a_portrait_is_no_card(reader) -> None:
    reading = read_card(encode_jpeg(draw_portrait(1)), reader, field="front")
    assert [(f.code, f.field) for f in reading.findings] == [
        (FindingCode.PICTURE_UNREADABLE, "front")
    ]
