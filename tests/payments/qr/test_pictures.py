"""Pictures of codes, read back by an independent reader as a phone would read them."""

import re
import struct
import xml.etree.ElementTree as ET
import zlib

import pytest
import zxingcpp

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.payments import qr

PAYLOAD = qr.encode_payload(
    qr.MerchantPayload(
        initiation=qr.PointOfInitiation.DYNAMIC,
        merchant_accounts=(qr.code_account("qr_0190a5f0c3f17c3e8f6e2b7a9d4c5e61"),),
        merchant_category_code="5812",
        currency="CNY",
        merchant_name="LAO ZHANG NOODLES",
        merchant_city="TAIYUAN",
        amount=Money(1_850, "CNY"),
        localized=qr.LocalizedMerchant(name="老张刀削面", city="太原"),
    )
)
TEXTS = [
    PAYLOAD,
    "73000000000000123456",
    "https://pay.example.cn/c/qr_0190a5f0",
    "汇通天下：此处存款，彼处取款",
    "面",
    "𠮷野家，一碗 18.50 元",
]

Pixels = list[bytes]
QR_CODES = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def pixels_of_png(content: bytes) -> Pixels:
    """Decode the one-bit PNGs that we draw into rows of 0 and 255."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: dict[bytes, bytes] = {}
    position = 8
    while position < len(content):
        (length,) = struct.unpack_from(">I", content, position)
        kind = content[position + 4 : position + 8]
        chunks[kind] = chunks.get(kind, b"") + content[position + 8 : position + 8 + length]
        position += 12 + length
    width, height, depth, colour_type = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    assert (depth, colour_type) == (1, 0)
    stride = (width + 7) // 8 + 1
    raw = zlib.decompress(chunks[b"IDAT"])
    rows: Pixels = []
    above = bytes(stride - 1)
    for row in range(height):
        line_filter, line = raw[row * stride], raw[row * stride + 1 : (row + 1) * stride]
        assert line_filter in {0, 2}, "only the filters None and Up are expected"
        if line_filter == 2:
            line = bytes((byte + up) % 256 for byte, up in zip(line, above, strict=True))
        above = line
        bits = "".join(f"{byte:08b}" for byte in line)[:width]
        rows.append(bytes(255 if bit == "1" else 0 for bit in bits))
    return rows


def pixels_of_svg(content: bytes) -> Pixels:
    """Paint the horizontal strokes of our SVG, scaled, into rows of 0 and 255."""
    root = ET.fromstring(content)
    side = int(root.attrib["width"])
    stroke = next(node for node in root.iter() if node.attrib.get("stroke") == "#000")
    group = next((node for node in root.iter() if "transform" in node.attrib), None)
    scale = 1 if group is None else int(group.attrib["transform"].removeprefix("scale(")[:-1])
    modules = [bytearray(b"\xff" * (side // scale)) for _ in range(side // scale)]
    x, y = 0.0, 0.0
    for command, arguments in re.findall(r"([Mmh])([^Mmh]*)", stroke.attrib["d"]):
        numbers = [float(number) for number in re.findall(r"-?\d*\.?\d+", arguments)]
        if command == "M":
            x, y = numbers
        elif command == "m":
            x, y = x + numbers[0], y + numbers[1]
        else:
            start, end = int(x), int(x + numbers[0])
            modules[int(y)][start:end] = bytes(end - start)
            x = end
    rows = (bytes(byte for byte in row for _ in range(scale)) for row in modules)
    return [row for row in rows for _ in range(scale)]


def read_back(pixels: Pixels) -> zxingcpp.Barcode:
    flat = memoryview(b"".join(pixels)).cast("B", (len(pixels), len(pixels[0])))
    barcodes = zxingcpp.read_barcodes(flat, formats=QR_CODES)
    assert len(barcodes) == 1
    return barcodes[0]


@pytest.mark.parametrize("text", TEXTS)
def test_png_is_read_back_as_the_same_text(text: str) -> None:
    barcode = read_back(pixels_of_png(qr.draw_png(text).content))
    assert barcode.text == text
    assert barcode.ec_level == "M"


@pytest.mark.parametrize("text", TEXTS)
def test_svg_is_read_back_as_the_same_text(text: str) -> None:
    barcode = read_back(pixels_of_svg(qr.draw_svg(text).content))
    assert barcode.text == text
    assert barcode.ec_level == "M"


@pytest.mark.parametrize("module_pixels", [1, 3, 32])
def test_svg_and_png_show_the_same_modules_in_a_quiet_zone_of_four(module_pixels: int) -> None:
    png = qr.draw_png(PAYLOAD, module_pixels=module_pixels)
    svg = qr.draw_svg(PAYLOAD, module_pixels=module_pixels)
    pixels = pixels_of_png(png.content)
    assert pixels == pixels_of_svg(svg.content)
    assert png.side_pixels == svg.side_pixels == len(pixels) == len(pixels[0])
    quiet = 4 * module_pixels
    assert {byte for row in pixels[:quiet] + pixels[-quiet:] for byte in row} == {255}
    assert {byte for row in pixels for byte in row[:quiet] + row[-quiet:]} == {255}
    assert pixels[quiet][quiet] == 0


def test_a_payload_reads_back_to_the_code_it_was_drawn_for() -> None:
    barcode = read_back(pixels_of_png(qr.draw_png(PAYLOAD).content))
    assert qr.get_code_id(qr.parse_payload(barcode.text)) == "qr_0190a5f0c3f17c3e8f6e2b7a9d4c5e61"


def test_the_same_text_and_size_give_the_same_bytes() -> None:
    assert qr.draw_png(PAYLOAD) == qr.draw_png(PAYLOAD)
    assert qr.draw_svg(PAYLOAD) == qr.draw_svg(PAYLOAD)
    assert qr.draw_png(PAYLOAD).content != qr.draw_png(PAYLOAD, module_pixels=9).content


def test_pictures_say_what_they_are() -> None:
    assert qr.draw_png("73").media_type == "image/png"
    assert qr.draw_svg("73").media_type == "image/svg+xml"


@pytest.mark.parametrize("module_pixels", [0, -1, 33])
def test_module_size_out_of_range_is_refused(module_pixels: int) -> None:
    with pytest.raises(InvalidField) as caught:
        qr.draw_svg("73", module_pixels=module_pixels)
    assert caught.value.field == "module_pixels"


@pytest.mark.parametrize("text", ["", "A" * 1_025, "面" * 342, "\ud800"])
def test_text_that_cannot_be_drawn_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        qr.draw_png(text)
    assert caught.value.field == "text"


def test_longest_text_is_drawn_and_read() -> None:
    text = "面" * 341 + "A"
    assert read_back(pixels_of_png(qr.draw_png(text, module_pixels=4).content)).text == text
