"""The loan portfolio over HTTP, for staff, and the page that shows it."""

import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from huitong import lending
from huitong.api.static_files import PAGE_POLICY
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import LOAN_WARNING, show_id, uuid7
from huitong.kernel.rulebook import Rulebook

PATH = "/v1/loan-portfolio"
STATIC = Path(lending.__file__).parents[1] / "api" / "static"


@pytest.fixture
async def risk_headers(staff: Any) -> dict[str, str]:
    headers: dict[str, str] = await staff.headers("risk")
    return headers


async def test_the_portfolio_is_shown_once_a_day_is_closed(
    api: Any, anonymous: httpx.AsyncClient, risk_headers: dict[str, str]
) -> None:
    nothing = await anonymous.get(PATH, headers=risk_headers)
    assert (nothing.status_code, nothing.json()["code"]) == (404, "portfolio_not_found")
    async with Database(api.owner_url, role="huitong_app", size=1) as database:
        until = await lending.simulate_portfolio(
            database,
            loans=30,
            months=4,
            seed=2,
            rulebook=Rulebook.load(),
            now=SystemClock().now(),
        )
    answer = await anonymous.get(PATH, headers=risk_headers)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["as_of"] == until.isoformat()
    assert sum(each["loans"] for each in found["stages"]) == found["total"]["loans"] > 0
    assert {each["key"] for each in found["products"]} <= {
        "sim_instalments",
        "sim_shops",
        "sim_farms",
    }
    assert found["months"][-1]["day"] == until.isoformat()
    assert found["vintages"][0]["points"][0]["months"] == 0
    assert set(found["rolls"]["rates"][0]) == {"from", "to", "loans", "share"}
    narrowed = await anonymous.get(
        PATH, headers=risk_headers, params={"grade": "A", "product": "sim_shops"}
    )
    part = narrowed.json()
    assert part["total"]["loans"] < found["total"]["loans"]
    assert (part["rolls"], part["scenario_losses"]) == (None, None)
    assert part["filters"] == {"product": "sim_shops", "grade": "A", "use": None, "region": None}
    await check_warnings(api, anonymous, risk_headers)
    before = await anonymous.get(PATH, headers=risk_headers, params={"as_of": "2020-01-01"})
    assert before.status_code == 404


async def check_warnings(api: Any, anonymous: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Look for signs, list them, and close one."""
    async with Database(api.owner_url, role="huitong_app", size=1) as database:
        await database.run(
            lambda uow: lending.portfolio.warn(
                uow, rulebook=Rulebook.load(), now=SystemClock().now()
            )
        )
    path = "/v1/loan-warnings"
    listed = await anonymous.get(path, headers=headers, params={"state": "open"})
    assert listed.status_code == 200, listed.text
    warning = listed.json()["data"][0]
    assert (warning["state"], warning["outcome"]) == ("open", None)
    assert warning["reason_zh"]
    assert warning["reason_en"]
    body = {"outcome": "handled", "note": "discussed in the committee"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    for _ in range(2):
        closed = await anonymous.post(
            f"{path}/{warning['id']}/closing", json=body, headers=headers | key
        )
        assert closed.status_code == 200, closed.text
        assert (closed.json()["state"], closed.json()["outcome"]) == ("closed", "handled")
    again = await anonymous.post(
        f"{path}/{warning['id']}/closing",
        json=body | {"outcome": "unfounded"},
        headers=headers | {"Idempotency-Key": uuid.uuid4().hex},
    )
    assert (again.status_code, again.json()["code"]) == (409, "loan_warning_closed")
    missing = await anonymous.post(
        f"{path}/{show_id(LOAN_WARNING, uuid7())}/closing",
        json=body,
        headers=headers | {"Idempotency-Key": uuid.uuid4().hex},
    )
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [("grade", "F"), ("as_of", "yesterday"), ("currency", "yuan"), ("product", "No Product")],
)
async def test_bad_filters_are_named(
    anonymous: httpx.AsyncClient, risk_headers: dict[str, str], name: str, value: str
) -> None:
    answer = await anonymous.get(PATH, headers=risk_headers, params={name: value})
    assert answer.status_code == 422
    assert name in answer.text


async def test_only_staff_with_the_permission_see_it(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, staff: Any, customer_headers: Any
) -> None:
    assert (await anonymous.get(PATH)).status_code == 401
    assert (await client.get(PATH)).status_code == 403
    assert (await anonymous.get(PATH, headers=await customer_headers())).status_code == 403
    service = await staff.headers("service")
    assert (await anonymous.get(PATH, headers=service)).status_code == 403


@pytest.mark.parametrize(("language", "title"), [("zh", "贷款组合"), ("en", "Loan portfolio")])
async def test_the_page_comes_in_two_languages_without_anything_inline(
    anonymous: httpx.AsyncClient, language: str, title: str
) -> None:
    answer = await anonymous.get("/portfolio", params={"lang": language})
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == PAGE_POLICY
    assert answer.headers["content-language"].startswith(language)
    assert f"<h1>{title}" in answer.text
    assert " style=" not in answer.text
    assert re.search(r"<script(?![^>]* src=)", answer.text) is None
    assert "$" not in answer.text
    for path in re.findall(r'(?:src|href)="(/assets/[^"]+)"', answer.text):
        assert (await anonymous.get(path)).status_code == 200, path


async def test_the_pages_modules_come_from_this_host(anonymous: httpx.AsyncClient) -> None:
    for name in ("portfolio", "charts", "portfolio-texts"):
        answer = await anonymous.get(f"/assets/{name}.js")
        assert answer.headers["content-type"].startswith("text/javascript")
        for source in re.findall(r'from "([^"]+)"', answer.text):
            assert (await anonymous.get(source)).status_code == 200


def test_every_word_of_the_page_is_there_in_both_languages() -> None:
    texts = (STATIC / "portfolio-texts.js").read_text(encoding="utf-8")
    english, chinese = texts.split("  zh: {")
    known = [set(re.findall(r"(?:^|[ {])(\w+): [\"{]", part)) for part in (english, chinese)]
    assert known[0] - {"en"} == known[1]
    script = (STATIC / "portfolio.js").read_text(encoding="utf-8")
    used = set(re.findall(r"\btext\.(\w+)", script))
    assert used <= known[1]
    assert "innerHTML" not in script + (STATIC / "charts.js").read_text(encoding="utf-8")
