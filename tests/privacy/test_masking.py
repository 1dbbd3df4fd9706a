"""Masks cover what their kind hides, and never more is shown than of a well-formed text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.privacy import DataKind, mask


@pytest.mark.parametrize(
    ("kind", "text", "masked"),
    [
        (DataKind.ID_NUMBER, "11010519491231002X", "110***********002X"),
        (DataKind.ID_NUMBER, "1101051", "*******"),
        (DataKind.MOBILE, "13812341234", "138****1234"),
        (DataKind.MOBILE, "8001234", "*******"),
        (DataKind.CARD, "6222021234561234", "6222 **** **** 1234"),
        (DataKind.CARD, "6222 0212 3456 1234", "6222 **** **** 1234"),
        (DataKind.CARD, "6222021234567891234", "6222 **** **** *** 1234"),
        (DataKind.CARD, "62221234", "********"),
        (DataKind.PICTURE, "aGVsbG8=", "****"),
        (DataKind.NAME, "张", "*"),
        (DataKind.NAME, "张三", "张*"),
        (DataKind.NAME, "张小三", "张*三"),
        (DataKind.NAME, "欧阳小三", "欧**三"),
        (DataKind.NAME, "阿不都·热合曼", "阿*****曼"),
        (DataKind.NAME, "Li Hua", "L* H**"),
        (DataKind.ADDRESS, "浙江省杭州市西湖区文三路100号2单元", "浙江省杭州市西湖区****"),
        (DataKind.ADDRESS, "北京市海淀区中关村大街1号", "北京市海淀区****"),
        (
            DataKind.ADDRESS,
            "内蒙古自治区呼伦贝尔市鄂温克族自治旗巴彦镇",
            "内蒙古自治区呼伦贝尔市鄂温克族自治旗****",
        ),
        (DataKind.ADDRESS, "浙江省金华市义乌市稠城街道", "浙江省金华市义乌市****"),
        (DataKind.ADDRESS, "江苏省镇江市京口区正东路1号", "江苏省镇江市京口区****"),
        (DataKind.ADDRESS, "江西省景德镇市珠山区昌江大道", "江西省景德镇市珠山区****"),
        (DataKind.ADDRESS, "浙江省嘉兴市桐乡市梧桐街道", "浙江省嘉兴市桐乡市****"),
        (DataKind.ADDRESS, "黑龙江省哈尔滨市道里区中央大街", "黑龙江省哈尔滨市道里区****"),
        (DataKind.ADDRESS, "江苏省苏州市工业园区星湖街", "江苏省苏州市工业园区****"),
        (
            DataKind.ADDRESS,
            "甘肃省临夏回族自治州东乡族自治县锁南镇",
            "甘肃省临夏回族自治州东乡族自治县****",
        ),
        (DataKind.ADDRESS, "香港特别行政区中环", "香港特别行政区****"),
        (DataKind.ADDRESS, "杭州市阳光花园小区", "杭州市****"),
        (DataKind.ADDRESS, "阳光超市楼上", "****"),
        (DataKind.ADDRESS, "文三路100号小区5栋", "****"),
        (DataKind.ADDRESS, "12 Long Street, Springfield", "****"),
        (DataKind.EMAIL, "lihua@example.com", "l****a@example.com"),
        (DataKind.EMAIL, "ab@example.com", "a****@example.com"),
        (DataKind.EMAIL, "a@example.com", "****@example.com"),
        (DataKind.EMAIL, "no address", "****"),
        (DataKind.EMAIL, "@example.com", "****"),
        (DataKind.PASSPORT, "E12345678", "E1*****78"),
        (DataKind.USCC, "91350100M000100Y43", "9135**********0Y43"),
    ],
)
def test_masks(kind: DataKind, text: str, masked: str) -> None:
    assert mask(kind, text) == masked
    assert mask(kind, f"  {text} ") == masked


@pytest.mark.parametrize("kind", list(DataKind))
def test_nothing_stays_nothing(kind: DataKind) -> None:
    assert mask(kind, "") == mask(kind, "  ") == ""


@given(kind=st.sampled_from(list(DataKind)), text=st.text(max_size=60))
def test_any_text_is_covered_at_least_in_part(kind: DataKind, text: str) -> None:
    masked = mask(kind, text)

    assert ("*" in masked) == bool(text.strip())


@given(st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True))
def test_an_id_number_shows_seven_characters(text: str) -> None:
    masked = mask(DataKind.ID_NUMBER, text)

    assert len(masked) == 18
    assert masked[3:14] == "*" * 11
    assert masked[:3] + masked[14:] == text[:3] + text[14:]


@given(st.from_regex(r"62[0-9]{14,17}", fullmatch=True))
def test_a_card_shows_eight_digits(text: str) -> None:
    masked = mask(DataKind.CARD, text)

    shown = masked.replace(" ", "")
    assert len(shown) == len(text)
    assert shown.strip("*") == shown
    assert shown[:4] + shown[-4:] == text[:4] + text[-4:]
    assert set(shown[4:-4]) == {"*"}
