"""The currencies of the world: code, number, decimals and names.

Source of codes, numbers and minor units: ISO 4217:2015, List One (SIX Group, maintenance agency),
with amendments 176 (XCG for ANG, 2025-03-31) and 179 (XAD, 2025-05-12) and the euro in Bulgaria
(BGN withdrawn 2026-01-01). Left out are the codes that have no minor unit and in which nobody can
hold an account: metals (XAU, XAG, XPT, XPD), bond-market units (XBA to XBD), XDR, XSU, XUA, and
the test and no-currency codes (XTS, XXX). Fund codes with a minor unit (CLF, UYW …) are in.
English and Chinese names are the usual ones of each currency, for display only.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField


@dataclass(frozen=True, slots=True)
class Currency:
    """One currency; `exponent` is the number of decimals, so 2 means a hundredth is the unit."""

    code: str
    numeric: str
    exponent: int
    name_en: str
    name_zh: str


class UnknownCurrency(InvalidField):
    """The text is not the code of an active currency."""

    code = "unknown_currency"
    title = "The currency is not known"


# A line is: code, number, decimals, English name | Chinese name.
_TABLE: Final = """
AED 784 2 UAE Dirham | 阿联酋迪拉姆
AFN 971 2 Afghani | 阿富汗尼
ALL 008 2 Albanian Lek | 阿尔巴尼亚列克
AMD 051 2 Armenian Dram | 亚美尼亚德拉姆
AOA 973 2 Angolan Kwanza | 安哥拉宽扎
ARS 032 2 Argentine Peso | 阿根廷比索
AUD 036 2 Australian Dollar | 澳大利亚元
AWG 533 2 Aruban Florin | 阿鲁巴弗罗林
AZN 944 2 Azerbaijan Manat | 阿塞拜疆马纳特
BAM 977 2 Bosnian Convertible Mark | 波黑可兑换马克
BBD 052 2 Barbados Dollar | 巴巴多斯元
BDT 050 2 Bangladeshi Taka | 孟加拉塔卡
BHD 048 3 Bahraini Dinar | 巴林第纳尔
BIF 108 0 Burundi Franc | 布隆迪法郎
BMD 060 2 Bermudian Dollar | 百慕大元
BND 096 2 Brunei Dollar | 文莱元
BOB 068 2 Boliviano | 玻利维亚诺
BOV 984 2 Bolivian Mvdol | 玻利维亚资金单位
BRL 986 2 Brazilian Real | 巴西雷亚尔
BSD 044 2 Bahamian Dollar | 巴哈马元
BTN 064 2 Bhutanese Ngultrum | 不丹努尔特鲁姆
BWP 072 2 Botswana Pula | 博茨瓦纳普拉
BYN 933 2 Belarusian Ruble | 白俄罗斯卢布
BZD 084 2 Belize Dollar | 伯利兹元
CAD 124 2 Canadian Dollar | 加拿大元
CDF 976 2 Congolese Franc | 刚果法郎
CHE 947 2 WIR Euro | WIR 欧元
CHF 756 2 Swiss Franc | 瑞士法郎
CHW 948 2 WIR Franc | WIR 法郎
CLF 990 4 Chilean Unit of Account (UF) | 智利资金单位
CLP 152 0 Chilean Peso | 智利比索
CNY 156 2 Renminbi Yuan | 人民币
COP 170 2 Colombian Peso | 哥伦比亚比索
COU 970 2 Colombian Real Value Unit | 哥伦比亚实际价值单位
CRC 188 2 Costa Rican Colon | 哥斯达黎加科朗
CUP 192 2 Cuban Peso | 古巴比索
CVE 132 2 Cabo Verde Escudo | 佛得角埃斯库多
CZK 203 2 Czech Koruna | 捷克克朗
DJF 262 0 Djibouti Franc | 吉布提法郎
DKK 208 2 Danish Krone | 丹麦克朗
DOP 214 2 Dominican Peso | 多米尼加比索
DZD 012 2 Algerian Dinar | 阿尔及利亚第纳尔
EGP 818 2 Egyptian Pound | 埃及镑
ERN 232 2 Eritrean Nakfa | 厄立特里亚纳克法
ETB 230 2 Ethiopian Birr | 埃塞俄比亚比尔
EUR 978 2 Euro | 欧元
FJD 242 2 Fiji Dollar | 斐济元
FKP 238 2 Falkland Islands Pound | 福克兰群岛镑
GBP 826 2 Pound Sterling | 英镑
GEL 981 2 Georgian Lari | 格鲁吉亚拉里
GHS 936 2 Ghana Cedi | 加纳塞地
GIP 292 2 Gibraltar Pound | 直布罗陀镑
GMD 270 2 Gambian Dalasi | 冈比亚达拉西
GNF 324 0 Guinean Franc | 几内亚法郎
GTQ 320 2 Guatemalan Quetzal | 危地马拉格查尔
GYD 328 2 Guyana Dollar | 圭亚那元
HKD 344 2 Hong Kong Dollar | 港元
HNL 340 2 Honduran Lempira | 洪都拉斯伦皮拉
HTG 332 2 Haitian Gourde | 海地古德
HUF 348 2 Hungarian Forint | 匈牙利福林
IDR 360 2 Indonesian Rupiah | 印度尼西亚卢比
ILS 376 2 New Israeli Shekel | 以色列新谢克尔
INR 356 2 Indian Rupee | 印度卢比
IQD 368 3 Iraqi Dinar | 伊拉克第纳尔
IRR 364 2 Iranian Rial | 伊朗里亚尔
ISK 352 0 Iceland Krona | 冰岛克朗
JMD 388 2 Jamaican Dollar | 牙买加元
JOD 400 3 Jordanian Dinar | 约旦第纳尔
JPY 392 0 Japanese Yen | 日元
KES 404 2 Kenyan Shilling | 肯尼亚先令
KGS 417 2 Kyrgyz Som | 吉尔吉斯斯坦索姆
KHR 116 2 Cambodian Riel | 柬埔寨瑞尔
KMF 174 0 Comorian Franc | 科摩罗法郎
KPW 408 2 North Korean Won | 朝鲜元
KRW 410 0 South Korean Won | 韩元
KWD 414 3 Kuwaiti Dinar | 科威特第纳尔
KYD 136 2 Cayman Islands Dollar | 开曼元
KZT 398 2 Kazakhstani Tenge | 哈萨克斯坦坚戈
LAK 418 2 Lao Kip | 老挝基普
LBP 422 2 Lebanese Pound | 黎巴嫩镑
LKR 144 2 Sri Lanka Rupee | 斯里兰卡卢比
LRD 430 2 Liberian Dollar | 利比里亚元
LSL 426 2 Lesotho Loti | 莱索托洛蒂
LYD 434 3 Libyan Dinar | 利比亚第纳尔
MAD 504 2 Moroccan Dirham | 摩洛哥迪拉姆
MDL 498 2 Moldovan Leu | 摩尔多瓦列伊
MGA 969 2 Malagasy Ariary | 马达加斯加阿里亚里
MKD 807 2 Macedonian Denar | 马其顿第纳尔
MMK 104 2 Myanmar Kyat | 缅甸元
MNT 496 2 Mongolian Tugrik | 蒙古图格里克
MOP 446 2 Macao Pataca | 澳门元
MRU 929 2 Mauritanian Ouguiya | 毛里塔尼亚乌吉亚
MUR 480 2 Mauritius Rupee | 毛里求斯卢比
MVR 462 2 Maldivian Rufiyaa | 马尔代夫卢菲亚
MWK 454 2 Malawi Kwacha | 马拉维克瓦查
MXN 484 2 Mexican Peso | 墨西哥比索
MXV 979 2 Mexican Investment Unit (UDI) | 墨西哥投资单位
MYR 458 2 Malaysian Ringgit | 马来西亚林吉特
MZN 943 2 Mozambique Metical | 莫桑比克美提卡
NAD 516 2 Namibia Dollar | 纳米比亚元
NGN 566 2 Nigerian Naira | 尼日利亚奈拉
NIO 558 2 Nicaraguan Cordoba Oro | 尼加拉瓜科多巴
NOK 578 2 Norwegian Krone | 挪威克朗
NPR 524 2 Nepalese Rupee | 尼泊尔卢比
NZD 554 2 New Zealand Dollar | 新西兰元
OMR 512 3 Omani Rial | 阿曼里亚尔
PAB 590 2 Panamanian Balboa | 巴拿马巴波亚
PEN 604 2 Peruvian Sol | 秘鲁索尔
PGK 598 2 Papua New Guinean Kina | 巴布亚新几内亚基那
PHP 608 2 Philippine Peso | 菲律宾比索
PKR 586 2 Pakistan Rupee | 巴基斯坦卢比
PLN 985 2 Polish Zloty | 波兰兹罗提
PYG 600 0 Paraguayan Guarani | 巴拉圭瓜拉尼
QAR 634 2 Qatari Rial | 卡塔尔里亚尔
RON 946 2 Romanian Leu | 罗马尼亚列伊
RSD 941 2 Serbian Dinar | 塞尔维亚第纳尔
RUB 643 2 Russian Ruble | 俄罗斯卢布
RWF 646 0 Rwanda Franc | 卢旺达法郎
SAR 682 2 Saudi Riyal | 沙特里亚尔
SBD 090 2 Solomon Islands Dollar | 所罗门群岛元
SCR 690 2 Seychelles Rupee | 塞舌尔卢比
SDG 938 2 Sudanese Pound | 苏丹镑
SEK 752 2 Swedish Krona | 瑞典克朗
SGD 702 2 Singapore Dollar | 新加坡元
SHP 654 2 Saint Helena Pound | 圣赫勒拿镑
SLE 925 2 Sierra Leonean Leone | 塞拉利昂利昂
SOS 706 2 Somali Shilling | 索马里先令
SRD 968 2 Surinamese Dollar | 苏里南元
SSP 728 2 South Sudanese Pound | 南苏丹镑
STN 930 2 Sao Tome and Principe Dobra | 圣多美和普林西比多布拉
SVC 222 2 El Salvador Colon | 萨尔瓦多科朗
SYP 760 2 Syrian Pound | 叙利亚镑
SZL 748 2 Eswatini Lilangeni | 斯威士兰里兰吉尼
THB 764 2 Thai Baht | 泰铢
TJS 972 2 Tajik Somoni | 塔吉克斯坦索莫尼
TMT 934 2 Turkmenistan New Manat | 土库曼斯坦马纳特
TND 788 3 Tunisian Dinar | 突尼斯第纳尔
TOP 776 2 Tongan Pa'anga | 汤加潘加
TRY 949 2 Turkish Lira | 土耳其里拉
TTD 780 2 Trinidad and Tobago Dollar | 特立尼达和多巴哥元
TWD 901 2 New Taiwan Dollar | 新台币
TZS 834 2 Tanzanian Shilling | 坦桑尼亚先令
UAH 980 2 Ukrainian Hryvnia | 乌克兰格里夫纳
UGX 800 0 Uganda Shilling | 乌干达先令
USD 840 2 US Dollar | 美元
USN 997 2 US Dollar (next day) | 美元（次日）
UYI 940 0 Uruguayan Indexed Unit Peso (UI) | 乌拉圭指数化单位比索
UYU 858 2 Uruguayan Peso | 乌拉圭比索
UYW 927 4 Uruguayan Pension Unit (UP) | 乌拉圭养老金单位
UZS 860 2 Uzbekistan Sum | 乌兹别克斯坦苏姆
VED 926 2 Venezuelan Digital Bolivar | 委内瑞拉数字玻利瓦尔
VES 928 2 Venezuelan Sovereign Bolivar | 委内瑞拉主权玻利瓦尔
VND 704 0 Vietnamese Dong | 越南盾
VUV 548 0 Vanuatu Vatu | 瓦努阿图瓦图
WST 882 2 Samoan Tala | 萨摩亚塔拉
XAD 396 2 Arab Accounting Dinar | 阿拉伯记账第纳尔
XAF 950 0 CFA Franc BEAC | 中非金融合作法郎
XCD 951 2 East Caribbean Dollar | 东加勒比元
XCG 532 2 Caribbean Guilder | 加勒比盾
XOF 952 0 CFA Franc BCEAO | 西非金融共同体法郎
XPF 953 0 CFP Franc | 太平洋法郎
YER 886 2 Yemeni Rial | 也门里亚尔
ZAR 710 2 South African Rand | 南非兰特
ZMW 967 2 Zambian Kwacha | 赞比亚克瓦查
ZWG 924 2 Zimbabwe Gold | 津巴布韦金
"""


def get_currency(code: object, *, field: str = "currency") -> Currency:
    """Return the currency with an alphabetic code such as "CNY".

    Raises UnknownCurrency, naming `field`, for a code that is not active, is written in lower
    case, or is not a text: a code is compared in logs and keys, so it has one spelling only.
    """
    currency = CURRENCIES.get(code) if isinstance(code, str) else None
    if currency is None:
        raise _unknown(code, field)
    return currency


def exponent_of(code: object) -> int:
    """Return how many decimals a currency has; raises UnknownCurrency.

    Apart from `get_currency` because every amount asks for it.
    """
    try:
        return _EXPONENTS[code]  # type: ignore[index]
    except (KeyError, TypeError):
        raise _unknown(code, "currency") from None


def _unknown(code: object, field: str) -> UnknownCurrency:
    # Only as much of the text is shown as could have been meant for a code.
    shown = repr(code[: limits.CURRENCY_ECHO_LENGTH_MAX]) if isinstance(code, str) else "no text"
    return UnknownCurrency(
        f"{field} must be the three-letter ISO 4217 code of an active currency, such as CNY; "
        f"received {shown}",
        field=field,
    )


def _read_table(table: str) -> dict[str, Currency]:
    currencies: dict[str, Currency] = {}
    for line in table.strip().splitlines():
        facts, _, name_zh = line.partition(" | ")
        code, numeric, exponent, name_en = facts.split(" ", 3)
        if code in currencies:
            raise ValueError(f"{code} is in the table twice")
        currencies[code] = Currency(code, numeric, int(exponent), name_en, name_zh)
    return currencies


CURRENCIES: Final = MappingProxyType(_read_table(_TABLE))
_EXPONENTS: Final = {code: currency.exponent for code, currency in CURRENCIES.items()}
