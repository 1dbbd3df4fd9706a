"""Faces, drawn by us: that the machinery works from picture to verdict.

There are no pictures of people here, so nothing is said about how well people are told apart. The
threshold of drawn faces is their own: all of them are more alike than people are.
"""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from huitong.customers import FindingCode, SimulatedFaceComparison
from huitong.customers.evidence.face import compare_faces
from huitong.demo.id_cards import encode_jpeg
from huitong.demo.photographs import Shot, photograph
from huitong.demo.portraits import draw_portrait

DRAWN_DISTANCE_MAX = 0.2


def codes(result) -> list[tuple[FindingCode, str]]:
    return [(finding.code, finding.field) for finding in result.findings]


def compare(document: Image.Image, selfie: Image.Image):
    return compare_faces(encode_jpeg(document), encode_jpeg(selfie), threshold=DRAWN_DISTANCE_MAX)


def test_a_picture_matches_itself_and_its_worse_copies() -> None:
    portrait = draw_portrait(1)
    itself = compare(portrait, portrait)
    assert itself.is_match
    assert itself.distance == 0.0
    darker = ImageEnhance.Brightness(portrait).enhance(0.7)
    for copy in (darker, portrait.resize((180, 228)).resize((300, 380)), portrait.rotate(5)):
        assert compare(portrait, copy).is_match
    pressed = photograph(portrait, Shot(noise=8, jpeg_quality=40, margin=0.1))
    result = compare_faces(encode_jpeg(portrait), pressed, threshold=DRAWN_DISTANCE_MAX)
    assert result.is_match


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_another_picture_of_the_same_drawn_person_matches(seed: int) -> None:
    assert compare(draw_portrait(seed, pose=0), draw_portrait(seed, pose=1)).is_match


def test_a_face_that_the_quick_detector_misses_is_found_by_the_better_one() -> None:
    quick = import_module("dlib").get_frontal_face_detector()
    hidden = draw_portrait(542)
    _, scores, _ = quick.run(np.asarray(hidden), 1, -0.5)
    assert max(scores, default=-0.5) < 0.4
    assert compare(hidden, draw_portrait(542, pose=1)).is_match


def test_another_drawn_person_is_a_mismatch() -> None:
    result = compare(draw_portrait(0), draw_portrait(3))
    assert codes(result) == [(FindingCode.FACE_MISMATCH, "selfie")]
    assert not result.is_match
    assert result.distance > DRAWN_DISTANCE_MAX


def test_the_portrait_on_a_card_matches_the_selfie(cards) -> None:
    from huitong.customers import CardSide

    card = cards.draw(4, CardSide.FRONT)
    assert compare(card, draw_portrait(4, pose=2)).is_match
    lying = compare(card.rotate(90, expand=True), draw_portrait(4, pose=2).rotate(270, expand=True))
    assert lying.is_match


def test_a_picture_without_a_face_and_one_with_two_are_findings() -> None:
    nobody = Image.new("RGB", (400, 400), (90, 120, 90))
    two = Image.new("RGB", (640, 400), (246, 247, 250))
    two.paste(draw_portrait(1), (10, 10))
    two.paste(draw_portrait(2), (330, 10))
    result = compare(nobody, two)
    assert codes(result) == [
        (FindingCode.FACE_NOT_FOUND, "document"),
        (FindingCode.SEVERAL_FACES, "selfie"),
    ]
    assert result.distance is None
    assert not result.is_match


def test_an_upload_that_is_no_picture_is_a_finding() -> None:
    result = compare_faces(b"%PDF-1.7", b"", threshold=0.5)
    assert codes(result) == [
        (FindingCode.PICTURE_TYPE_REFUSED, "document"),
        (FindingCode.PICTURE_MISSING, "selfie"),
    ]


async def test_the_simulation_decides_by_the_files_alone() -> None:
    simulation = SimulatedFaceComparison()
    pictures = [encode_jpeg(Image.new("RGB", (200, 200), (shade, 0, 0))) for shade in range(40)]
    results = [
        await simulation.compare(document=document, selfie=selfie)
        for document in pictures
        for selfie in pictures
    ]
    again = await simulation.compare(document=pictures[3], selfie=pictures[5])
    assert again == results[3 * 40 + 5]
    differing = sum(not result.is_match for result in results)
    # 1,600 draws at 2 %: 32 with a standard deviation of 5.6; these pictures are always the same.
    assert 15 <= differing <= 49
    bad = await simulation.compare(document=b"", selfie=pictures[0])
    assert codes(bad) == [(FindingCode.PICTURE_MISSING, "document")]


def test_a_result_can_be_judged_by_another_threshold() -> None:
    from huitong.customers.evidence.face import judge_distance

    assert judge_distance(0.45, 0.45).is_match
    assert not judge_distance(0.4501, 0.45).is_match
    assert not replace(judge_distance(0.1, 0.45), distance=None).is_match
