"""`/`: the first page that a person sees, in English or Chinese, which leads on from here."""

from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from string import Template
from typing import Final, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong.api.authentication import PUBLIC
from huitong.api.static_files import answer_file, answer_page, load_text

Language = Literal["en", "zh"]

#: What there is to visit: address, and title and line of text in each language. Apps add theirs.
_PLACES: Final[tuple[tuple[str, Mapping[Language, tuple[str, str]]], ...]] = (
    (
        "/app/",
        {
            "en": ("Customer app", "Pay, be paid, borrow, look after your account; for a phone."),
            "zh": ("客户应用", "付款、收款、借款、管理账户，手机优先。"),
        },
    ),
    (
        "/docs",
        {
            "en": ("API reference", "Every call with examples and error codes; try them here."),
            "zh": ("接口文档", "每个接口的说明、示例和错误码，可以直接试用。"),
        },
    ),
    (
        "/openapi.json",
        {
            "en": (
                "OpenAPI document",
                "The same for programs: OpenAPI 3.1, to make a client from.",
            ),
            "zh": ("OpenAPI 文件", "给程序用的同一份说明（OpenAPI 3.1），可生成客户端。"),
        },
    ),
    (
        "/portfolio",
        {
            "en": (
                "Loan portfolio",
                "Vintage curves, grades, expected loss and provisions; for staff.",
            ),
            "zh": ("贷款组合", "账龄曲线、等级、预期信用损失与拨备，供员工查看。"),
        },
    ),
    (
        "/readyz",
        {
            "en": ("Health", "Database, schema and posting engine: is everything there?"),
            "zh": ("运行状态", "数据库、表结构和记账引擎是否就绪。"),
        },
    ),
    (
        "/metrics",
        {
            "en": ("Metrics", "Counts and times of this process, for Prometheus."),
            "zh": ("监控指标", "本进程的计数和耗时，供 Prometheus 采集。"),
        },
    ),
)
_TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "title": "Huitong – internet finance on one ledger",
        "lead": "Open accounts, move money, and always know that the books tie: payments on one "
        "double-entry ledger.",
        "motto": "“Pay in here, collect there” – what the draft banks of Shanxi promised in 1823.",
        "start": "Your first call",
        "start_text": "Make an API key on the machine where Huitong runs, then open a customer:",
        "places": "Where to go from here",
        "other": "中文",
        "version": "Version",
    },
    "zh": {
        "title": "汇通 – 一本账上的网络金融",
        "lead": "开户、支付、收款、退款、分账，全部记在同一本复式账上，账账相符。",
        "motto": "“汇通天下”——1823 年山西票号的承诺：此处交钱，彼处取款。",
        "start": "第一次调用",
        "start_text": "在运行汇通的机器上生成一个 API 密钥，然后开立第一位客户：",
        "places": "从这里开始",
        "other": "English",
        "version": "版本",
    },
}

router: Final = APIRouter(include_in_schema=False, dependencies=[PUBLIC])


@router.get("/")
async def show_home(request: Request) -> Response:
    """Show the first page in the language that was chosen, or that the browser prefers."""
    chosen = request.query_params.get("lang")
    language: Language = (
        ("zh" if chosen == "zh" else "en")
        if chosen in ("en", "zh")
        else choose_language(request.headers.get("accept-language", ""))
    )
    return answer_page(
        render_home(language),
        language="zh-CN" if language == "zh" else "en",
        vary="Accept-Language",
    )


@router.get("/assets/home.css")
async def get_home_style(request: Request) -> Response:
    """Return the page's style."""
    return answer_file(request, "huitong.api", "static/home.css")


@router.get("/assets/huitong.svg")
async def get_picture(request: Request) -> Response:
    """Return the sign of the house: a coin with a square hole."""
    return answer_file(request, "huitong.api", "static/huitong.svg")


@router.get("/favicon.ico")
async def get_favicon(request: Request) -> Response:
    """Return the sign also where browsers look by themselves."""
    return answer_file(request, "huitong.api", "static/huitong.svg")


def choose_language(accept_language: str) -> Language:
    """Return the language that an Accept-Language header (RFC 9110, 12.5.4) prefers of our two.

    English if it names neither, or cannot be read.
    """
    best: tuple[float, Language] = (0.0, "en")
    for part in accept_language[:256].split(","):
        tag, _, parameter = part.strip().partition(";")
        weight = _read_weight(parameter)
        primary = tag.strip().lower().partition("-")[0]
        if primary == "zh" and weight > best[0]:
            best = (weight, "zh")
        elif primary == "en" and weight > best[0]:
            best = (weight, "en")
    return best[1]


def _read_weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0


def render_home(language: Language) -> str:
    """Return the page; every text in it is ours."""
    texts = {name: escape(text) for name, text in _TEXTS[language].items()}
    places = "\n".join(
        f'<li><a href="{escape(address)}"><strong>{escape(shown[language][0])}</strong>'
        f"<span>{escape(shown[language][1])}</span></a></li>"
        for address, shown in _PLACES
    )
    return Template(load_text("home.html")).substitute(
        texts,
        language="zh-CN" if language == "zh" else "en",
        other_language="en" if language == "zh" else "zh-CN",
        other_choice="en" if language == "zh" else "zh",
        places=places,
        places_title=texts["places"],
        number=escape(version("huitong")),
    )
