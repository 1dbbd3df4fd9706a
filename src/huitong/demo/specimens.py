"""Made-up people with identity numbers that are right, code and check digit, of nobody real."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from stdnum.cn import ric

SPECIMENS_MAX: Final = 100_000

# Article 5 of 居民身份证法: how many years a card is valid by the age at application; then 长期.
_TERMS: Final = ((16, 5), (26, 10), (46, 20))
_AGE_MIN: Final = 18
_AGE_MAX: Final = 75
_CARDS_SINCE: Final = date(2005, 1, 1)
_DRAWS_MAX: Final = 200
_LONG_NAME_SHARE: Final = 0.75
_NOT_HAN_SHARE: Final = 0.15

_FAMILY_NAMES: Final = (
    *"王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜",
    "欧阳",
    "上官",
    "司马",
)
_GIVEN_MALE: Final = "伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆文博志国建海峰林龙晨旭子轩"
_GIVEN_FEMALE: Final = (
    "芳娜敏静丽艳娟霞秀英玲桂兰梅琳雪莹慧颖洁婷欣怡佳璐萍红玉凤云燕晶倩雨嘉梦诗涵"
)
_ETHNICITIES: Final = ("壮", "满", "回", "苗", "土家", "彝", "蒙古", "藏", "布依", "侗")

# Codes of GB/T 2260 in force since 1983 or before, with roads and villages that are made up.
_PLACES: Final = (
    ("110101", "北京市东城区", "北京市公安局东城分局"),
    ("110108", "北京市海淀区", "北京市公安局海淀分局"),
    ("120101", "天津市和平区", "天津市公安局和平分局"),
    ("210102", "沈阳市和平区", "沈阳市公安局和平分局"),
    ("310104", "上海市徐汇区", "上海市公安局徐汇分局"),
    ("310110", "上海市杨浦区", "上海市公安局杨浦分局"),
    ("320102", "南京市玄武区", "南京市公安局玄武分局"),
    ("330106", "杭州市西湖区", "杭州市公安局西湖分局"),
    ("350102", "福州市鼓楼区", "福州市公安局鼓楼分局"),
    ("360426", "江西省九江市德安县", "德安县公安局"),
    ("370202", "山东省青岛市市南区", "青岛市公安局市南分局"),
    ("410102", "郑州市中原区", "郑州市公安局中原分局"),
    ("420106", "武汉市武昌区", "武汉市公安局武昌分局"),
    ("440104", "广州市越秀区", "广州市公安局越秀分局"),
    ("510104", "成都市锦江区", "成都市公安局锦江分局"),
    ("610103", "西安市碑林区", "西安市公安局碑林分局"),
)
_ROADS: Final = ("青松", "长乐", "和平", "文昌", "东湖", "新华", "望江", "杏花", "锦绣", "清河")


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """A person who does not exist, with what both sides of the card would say."""

    name: str
    sex: str
    ethnicity: str
    birth_on: date
    address: str
    number: str
    authority: str
    valid_from_on: date
    valid_until_on: date | None


def make_specimen(seed: int, *, today: date) -> Specimen:
    """Return the adult of a seed: the same seed and day give the same person.

    The identity number has a real division's code, the birth date, a made-up sequence and the
    check digit; the card was issued between 2005 and `today` and has not expired.
    """
    draw = random.Random(seed)  # noqa: S311 - made-up people need no secrecy
    age = draw.randint(_AGE_MIN, _AGE_MAX)
    birth_on = today - timedelta(days=age * 365 + age // 4 + draw.randint(0, 300))
    is_male = draw.random() < 0.5  # noqa: PLR2004 - a coin
    code, place, authority = draw.choice(_PLACES)
    sequence = draw.randint(1, 499) * 2 - (1 if is_male else 0)
    body = f"{code}{birth_on:%Y%m%d}{sequence:03d}"
    valid_from_on, valid_until_on = _draw_validity(draw, birth_on, today)
    return Specimen(
        name=_draw_name(draw, _GIVEN_MALE if is_male else _GIVEN_FEMALE),
        sex="男" if is_male else "女",
        ethnicity=draw.choice(_ETHNICITIES) if draw.random() < _NOT_HAN_SHARE else "汉",
        birth_on=birth_on,
        address=_draw_address(draw, place),
        number=body + ric.calc_check_digit(body + "0"),
        authority=authority,
        valid_from_on=valid_from_on,
        valid_until_on=valid_until_on,
    )


def _draw_name(draw: random.Random, given: str) -> str:
    count = 2 if draw.random() < _LONG_NAME_SHARE else 1
    family: str = draw.choice(_FAMILY_NAMES)
    return family + "".join(draw.sample(given, count))


def _draw_address(draw: random.Random, place: str) -> str:
    road = f"{draw.choice(_ROADS)}路{draw.randint(1, 999)}号"
    if draw.random() < 0.5:  # noqa: PLR2004 - a coin
        return place + road
    house, unit, room = draw.randint(1, 40), draw.randint(1, 6), draw.randint(101, 2904)
    return f"{place}{road}{house}号楼{unit}单元{room}室"


def _draw_validity(draw: random.Random, birth_on: date, today: date) -> tuple[date, date | None]:
    for _ in range(_DRAWS_MAX):
        since = max(_CARDS_SINCE, _birthday(birth_on, _AGE_MIN - 2))
        from_on = since + timedelta(days=draw.randint(0, max(0, (today - since).days)))
        has_had_birthday = (from_on.month, from_on.day) >= (birth_on.month, birth_on.day)
        age = from_on.year - birth_on.year - (0 if has_had_birthday else 1)
        years = next((years for age_limit, years in _TERMS if age < age_limit), None)
        until_on = None if years is None else _birthday(from_on, years)
        if until_on is None or until_on > today:
            return from_on, until_on
    raise AssertionError("a card that has not expired is found in a few draws")


def _birthday(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 2, 28)
