"""Amounts in capital numerals: the examples of the rules, and reading back whatever is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.payments.documents import write_capitals

DIGITS = "零壹贰叁肆伍陆柒捌玖"
UNITS = {"拾": 10, "佰": 100, "仟": 1_000}


def read_section(text: str) -> int:
    """Read a number below ten thousand the way people do, from left to right."""
    total = digit = 0
    for sign in text:
        if sign in UNITS:
            total += digit * UNITS[sign]
            digit = 0
        else:
            digit = DIGITS.index(sign)
    return total + digit


def read_whole(text: str) -> int:
    high, hundred_million, low = text.rpartition("亿")
    if hundred_million:
        return read_whole(high) * 10**8 + read_whole(low)
    high, myriad, low = text.rpartition("万")
    return read_section(high) * 10**4 + read_section(low) if myriad else read_section(low)


def read_back(text: str) -> int:
    assert text.startswith("人民币")
    whole, yuan, rest = text.removeprefix("人民币").removesuffix("整").rpartition("元")
    minor = read_whole(whole) * 100 if yuan else 0
    tens, jiao, ones = rest.rpartition("角")
    if jiao:
        minor += DIGITS.index(tens[-1]) * 10
    if ones.endswith("分"):
        minor += DIGITS.index(ones[-2])
    return minor


# The five of the rules (正确填写票据和结算凭证的基本规定, item 3), and some at the edges.
@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1409.50", "人民币壹仟肆佰零玖元伍角"),
        ("6007.14", "人民币陆仟零柒元壹角肆分"),
        ("1680.32", "人民币壹仟陆佰捌拾元零叁角贰分"),
        ("107000.53", "人民币壹拾万柒仟元零伍角叁分"),
        ("16409.02", "人民币壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "人民币叁佰贰拾伍元零肆分"),
        ("0.00", "人民币零元整"),
        ("0.05", "人民币伍分"),
        ("0.50", "人民币伍角"),
        ("10.00", "人民币壹拾元整"),
        ("100005.00", "人民币壹拾万零伍元整"),
        ("100000000.00", "人民币壹亿元整"),
        ("100000001.00", "人民币壹亿零壹元整"),
        ("120000000000.00", "人民币壹仟贰佰亿元整"),
        ("1000000000000.00", "人民币壹万亿元整"),
        (
            "9999999999999999.99",
            "人民币玖仟玖佰玖拾玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
        ),
    ],
)
def test_an_amount_is_written_as_the_rules_say(amount: str, text: str) -> None:
    assert write_capitals(Money.parse(amount, "CNY")) == text


@given(st.integers(0, 10**18 - 1))
def test_what_is_written_is_read_back_to_the_fen(minor: int) -> None:
    text = write_capitals(Money(minor, "CNY"))
    assert read_back(text) == minor
    assert "零零" not in text
    assert text.endswith("整") == (minor % 100 == 0)


@pytest.mark.parametrize("money", [Money(-1, "CNY"), Money(10**18, "CNY"), Money(1, "USD")])
def test_what_cannot_be_written_is_refused(money: Money) -> None:
    with pytest.raises(InvalidField):
        write_capitals(money)
