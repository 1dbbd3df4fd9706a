"""`/portfolio`: the loan portfolio for people, in English or Chinese; figures come from the API.

The page itself holds no figures, so that anybody may load it; who looks at them signs in.
"""

from html import escape
from string import Template
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong.api.authentication import PUBLIC
from huitong.api.home import Language, choose_language
from huitong.api.static_files import answer_file, answer_page, load_text

_TEXTS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "title": "Loan portfolio",
        "other": "中文",
        "as_of": "As of",
        "product": "Product",
        "grade": "Grade",
        "all": "All",
        "show": "Show",
        "sign_in": "Sign in",
        "token": "Token of your staff session",
        "token_help": "It stays in this page and is forgotten when you leave it.",
        "noscript": "This page needs JavaScript. The same figures come from",
        "waiting": "Reading the portfolio …",
        "reference": "API reference",
    },
    "zh": {
        "title": "贷款组合",
        "other": "English",
        "as_of": "截至日期",
        "product": "产品",
        "grade": "等级",
        "all": "全部",
        "show": "查看",
        "sign_in": "登录",
        "token": "员工会话令牌",
        "token_help": "只保存在本页面中，离开后即清除。",
        "noscript": "本页面需要 JavaScript。同样的数据也可从以下接口取得：",
        "waiting": "正在读取贷款组合……",
        "reference": "接口文档",
    },
}

router: Final = APIRouter(include_in_schema=False, dependencies=[PUBLIC])


@router.get("/portfolio")
async def show_portfolio(request: Request) -> Response:
    """Show the page in the language that was chosen, or that the browser prefers."""
    chosen = request.query_params.get("lang")
    language: Language = "zh" if chosen == "zh" else "en"
    if chosen not in ("en", "zh"):
        language = choose_language(request.headers.get("accept-language", ""))
    texts = {name: escape(text) for name, text in _TEXTS[language].items()}
    html = Template(load_text("portfolio.html")).substitute(
        texts,
        language="zh-CN" if language == "zh" else "en",
        other_language="en" if language == "zh" else "zh-CN",
        other_choice="en" if language == "zh" else "zh",
    )
    return answer_page(html, language="zh-CN" if language == "zh" else "en", vary="Accept-Language")


@router.get("/assets/portfolio.css")
async def get_style(request: Request) -> Response:
    """Return the page's style."""
    return answer_file(request, "huitong.api", "static/portfolio.css")


@router.get("/assets/portfolio.js")
async def get_script(request: Request) -> Response:
    """Return what asks for the figures and draws them."""
    return answer_file(request, "huitong.api", "static/portfolio.js")


@router.get("/assets/charts.js")
async def get_charts(request: Request) -> Response:
    """Return what draws charts as SVG."""
    return answer_file(request, "huitong.api", "static/charts.js")


@router.get("/assets/portfolio-texts.js")
async def get_script_texts(request: Request) -> Response:
    """Return the words of the page in both languages."""
    return answer_file(request, "huitong.api", "static/portfolio-texts.js")
