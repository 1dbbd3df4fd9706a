"""Uploads: only what is a picture by its content and small enough is decoded."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from huitong import customers
from huitong.customers import FindingCode
from huitong.customers.evidence.pictures import decode_picture
from huitong.kernel import limits


def encode(picture: Image.Image, form: str, **more) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **more)
    return file.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises any size, in a hundred bytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + content


PLAIN = Image.new("RGB", (400, 300), (10, 200, 30))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_three_kinds_of_pictures_are_taken(form: str) -> None:
    checked = customers.check_picture(encode(PLAIN, form))
    assert checked.is_valid
    facts = checked.facts
    assert (facts.format, facts.width, facts.height) == (form.lower(), 400, 300)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", FindingCode.PICTURE_MISSING),
        (b"not a picture", FindingCode.PICTURE_TYPE_REFUSED),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", FindingCode.PICTURE_TYPE_REFUSED),
        (encode(PLAIN, "GIF"), FindingCode.PICTURE_TYPE_REFUSED),
        (encode(PLAIN, "BMP"), FindingCode.PICTURE_TYPE_REFUSED),
        (encode(PLAIN, "TIFF"), FindingCode.PICTURE_TYPE_REFUSED),
        (b"RIFF\x00\x00\x00\x00WAVE" + bytes(100), FindingCode.PICTURE_TYPE_REFUSED),
        (b"\xff\xd8\xff" + bytes(50), FindingCode.PICTURE_DAMAGED),
        (encode(Image.new("RGB", (199, 900)), "PNG"), FindingCode.PICTURE_TOO_SMALL),
        (b"\xff\xd8\xff" + bytes(limits.PICTURE_BYTES_MAX), FindingCode.PICTURE_TOO_LARGE),
        (png_of(12_001, 400), FindingCode.PICTURE_TOO_LARGE),
        (png_of(7_000, 7_000), FindingCode.PICTURE_TOO_LARGE),
        (png_of(11_000, 11_000), FindingCode.PICTURE_TOO_LARGE),
        (png_of(60_000, 60_000), FindingCode.PICTURE_TOO_LARGE),
    ],
)
def test_an_upload_is_refused_before_it_is_decoded(content: bytes, code: FindingCode) -> None:
    checked = customers.check_picture(content, field="front")
    assert [finding.code for finding in checked.findings] == [code]
    assert checked.findings[0].field == "front"
    assert not checked.is_valid


def test_a_picture_that_breaks_off_is_damaged() -> None:
    whole = encode(Image.effect_noise((600, 400), 80).convert("RGB"), "JPEG")
    decoded = decode_picture(whole[: len(whole) // 2], side_max=1_000)
    assert [finding.code for finding in decoded.findings] == [FindingCode.PICTURE_DAMAGED]


def test_a_large_picture_is_scaled_down_and_transparency_is_white() -> None:
    clear = Image.new("RGBA", (3_000, 1_500), (0, 0, 0, 0))
    decoded = decode_picture(encode(clear, "PNG"), side_max=800)
    assert decoded.facts.shape == (400, 800, 3)
    assert decoded.facts.dtype == np.uint8
    assert decoded.facts.min() == 255


def test_the_orientation_in_the_metadata_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode_picture(encode(PLAIN, "JPEG", exif=exif), side_max=800)
    assert decoded.facts.shape == (300, 400, 3)


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF"]))
def test_no_bytes_make_decoding_raise(noise: bytes, start: bytes) -> None:
    decoded = decode_picture(start + noise, side_max=100)
    assert decoded.facts is None
    assert decoded.findings
