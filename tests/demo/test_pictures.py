"""The demo sees a code's picture as a phone would."""

import pytest

from huitong.demo.pictures import decode_png, draw_text, read_code
from huitong.payments import qr

TEXT = "汇通天下 https://pay.example.cn/c/qr_0190a5f0"


@pytest.mark.parametrize("module_pixels", [1, 4, 8])
def test_decodes_the_pictures_that_the_platform_draws(module_pixels: int) -> None:
    picture = qr.draw_png(TEXT, module_pixels=module_pixels)
    pixels = decode_png(picture.content)
    assert pixels.shape == (picture.side_pixels, picture.side_pixels)
    assert set(pixels.ravel().tolist()) == {0, 255}


def test_reads_back_what_the_picture_says() -> None:
    assert read_code(decode_png(qr.draw_png(TEXT).content)) == TEXT


def test_draws_two_modules_a_character_whatever_their_size() -> None:
    small = draw_text(decode_png(qr.draw_png(TEXT, module_pixels=2).content))
    large = draw_text(decode_png(qr.draw_png(TEXT, module_pixels=9).content))
    assert small == large
    lines = small.splitlines()
    side = len(lines[0])
    assert len(lines) == (side + 1) // 2
    # The light border of four modules is two full rows of blocks at the top.
    assert lines[:2] == ["█" * side] * 2


def test_refuses_what_is_not_a_picture() -> None:
    with pytest.raises(ValueError, match="not a PNG"):
        decode_png(b"GIF89a")
