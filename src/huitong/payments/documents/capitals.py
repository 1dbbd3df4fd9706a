"""Amounts in Chinese capital numerals (人民币大写), as papers of payment carry them.

The rules are those of 正确填写票据和结算凭证的基本规定 (annex of 支付结算办法, 银发〔1997〕393号).
"""

from typing import Final

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money

_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ("", "拾", "佰", "仟")
_MYRIAD: Final = 10_000
_HUNDRED_MILLION: Final = 10**8
_CURRENCY: Final = "CNY"
#: From here on a sum would need a unit above 亿.
_YUAN_END: Final = 10**16


def write_capitals(amount: Money) -> str:
    """Return an amount of renminbi that is not negative in capital numerals, `整` where it is due.

    Worked: 107000.53 → `人民币壹拾万柒仟元零伍角叁分`, 16409.02 → `人民币壹万陆仟肆佰零玖元零贰分`,
    1409.50 → `人民币壹仟肆佰零玖元伍角`. Zeros between digits are one 零; after fen there is no 整.
    Raises InvalidField for another currency, a negative amount, and from 10^16 yuan on.
    """
    if amount.currency != _CURRENCY:
        raise InvalidField("only renminbi has capital numerals here", field="amount.currency")
    yuan, fen = divmod(amount.minor, 100)
    if not 0 <= yuan < _YUAN_END:
        raise InvalidField("cannot be written in capital numerals", field="amount")
    text = f"{_write_whole(yuan)}元" if yuan else ""
    tens, ones = divmod(fen, 10)
    if tens:
        # A zero in the place of yuan is read before what follows.
        text += ("零" if yuan and yuan % 10 == 0 else "") + f"{_DIGITS[tens]}角"
    elif ones and yuan:
        text += "零"
    if ones:
        text += f"{_DIGITS[ones]}分"
    if not text:
        text = "零元"
    ending = "" if ones or tens else "整"
    return f"人民币{text}{ending}"


def _write_whole(number: int) -> str:
    """Return a number from 1 on, below 10^16."""
    high, low = divmod(number, _HUNDRED_MILLION)
    if not high:
        return _write_below_hundred_million(low)
    text = f"{_write_below_hundred_million(high)}亿"
    if not low:
        return text
    is_gap = low < _HUNDRED_MILLION // 10
    return text + ("零" if is_gap else "") + _write_below_hundred_million(low)


def _write_below_hundred_million(number: int) -> str:
    high, low = divmod(number, _MYRIAD)
    if not high:
        return _write_below_myriad(low)
    text = f"{_write_below_myriad(high)}万"
    if not low:
        return text
    return text + ("零" if low < _MYRIAD // 10 else "") + _write_below_myriad(low)


def _write_below_myriad(number: int) -> str:
    text, is_gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            text += ("零" if is_gap else "") + _DIGITS[digit] + _PLACES[place]
            is_gap = False
        else:
            is_gap = bool(text)
    return text
