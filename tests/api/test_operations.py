"""Health, metrics, the first page and the reference: what is there for people and operators."""

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from huitong.api import create_app
from huitong.api.home import choose_language, render_home
from huitong.kernel.settings import Settings

PAGES = ["/", "/?lang=zh", "/docs"]


async def test_is_alive_without_a_database_being_asked(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_is_ready_when_everything_is_there(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "chart": "ok", "poster": "ok"},
    }


async def test_is_alive_but_not_ready_without_a_database(serve: Any, settings_for: Any) -> None:
    from huitong.api import create_app

    key = {"Authorization": f"Bearer htk_{'x' * 43}"}
    with serve(create_app(settings_for("postgresql://nobody@127.0.0.1:1/none"))) as url:
        async with httpx.AsyncClient(base_url=url) as client:
            alive = await client.get("/healthz")
            ready = await client.get("/readyz")
            lost = await client.get("/v1/customers", headers=key)
    assert alive.status_code == 200
    assert ready.status_code == 503
    assert ready.json()["checks"] == {
        "database": "unavailable",
        "migrations": "unknown",
        "chart": "missing",
        "poster": "ok",
    }
    assert (lost.status_code, lost.json()["code"]) == (503, "database_unavailable")
    assert lost.headers["retry-after"] == "1"


async def test_counts_requests_by_template_and_not_by_path(client: httpx.AsyncClient) -> None:
    await client.get("/v1/customers/cus_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d")
    await client.get("/no/such/path")
    text = (await client.get("/metrics")).text
    counted = (
        'huitong_http_requests_total{method="GET",route="/v1/customers/{customer}",status="404"}'
    )
    assert counted in text
    assert 'route="(none)",status="404"' in text
    assert "0199c0a9" not in text
    assert "no/such" not in text


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_refers_to_no_other_host(anonymous: httpx.AsyncClient, path: str) -> None:
    html = (await anonymous.get(path)).text
    links = re.findall(r"(?:href|src|action)=\"([^\"]*)\"", html)
    assert links
    assert all(link.startswith("/") and not link.startswith("//") for link in links)
    # No styles or scripts inside the page, which its policy would not run.
    assert "<style" not in html
    assert " style=" not in html
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"\son\w+=", html)


@pytest.mark.parametrize("path", PAGES)
async def test_everything_that_a_page_needs_is_served(
    anonymous: httpx.AsyncClient, path: str
) -> None:
    html = (await anonymous.get(path)).text
    for link in re.findall(r"(?:href|src)=\"(/[^\"]*)\"", html):
        response = await anonymous.get(link)
        assert response.status_code == 200, link
        if link.endswith((".css", ".js", ".svg")):
            again = await anonymous.get(link, headers={"If-None-Match": response.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_may_load_from_this_host_only(anonymous: httpx.AsyncClient, path: str) -> None:
    policy = (await anonymous.get(path)).headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'")


async def test_the_reference_keeps_no_key_in_the_browser(anonymous: httpx.AsyncClient) -> None:
    script = (await anonymous.get("/docs/reference.js")).text
    assert "persistAuthorization: false" in script
    assert "localStorage" not in script
    assert "sessionStorage" not in script


async def test_the_reference_asks_no_validator(anonymous: httpx.AsyncClient) -> None:
    assert "validatorUrl: null" in (await anonymous.get("/docs/reference.js")).text


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/v1/customers", "/", "/metrics"])
async def test_every_answer_has_the_security_headers(
    anonymous: httpx.AsyncClient, path: str
) -> None:
    headers = (await anonymous.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert "server" not in headers


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("zh;q=0.3,en;q=0.7", "en"),
        ("fr,zh;q=0.1", "zh"),
        ("de", "en"),
        ("zh;q=abc", "en"),
        ("zh;q=nan", "en"),
        ("zh;q=0", "en"),
        (";;;,,,", "en"),
        ("zh" + ",zh" * 10_000, "zh"),
    ],
)
def test_the_preferred_language_is_chosen(header: str, language: str) -> None:
    assert choose_language(header) == language


async def test_the_switch_wins_over_the_browser(anonymous: httpx.AsyncClient) -> None:
    chinese = {"Accept-Language": "zh"}
    assert 'lang="zh-CN"' in (await anonymous.get("/", headers=chinese)).text[:60]
    assert 'lang="en"' in (await anonymous.get("/?lang=en", headers=chinese)).text[:60]
    assert (await anonymous.get("/?lang=zh")).headers["content-language"] == "zh-CN"
    assert (await anonymous.get("/?lang=xx")).headers["content-language"] == "en"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_page_leads_on(language: Any) -> None:
    html = render_home(language)
    for address in ("/docs", "/openapi.json", "/readyz", "/metrics"):
        assert f'href="{address}"' in html
    assert "$" not in html.replace("$ ", "")


@pytest.mark.parametrize(
    ("address", "networks", "status"),
    [
        ("127.0.0.1", None, 200),
        ("::1", None, 200),
        ("::ffff:127.0.0.1", None, 200),
        ("10.0.0.7", None, 404),
        ("::ffff:10.0.0.7", None, 404),
        ("2001:db8::1", None, 404),
        ("10.0.0.7", "10.0.0.0/8", 200),
        ("127.0.0.1", "10.0.0.0/8", 404),
        ("2001:db8::1", "10.0.0.0/8, 2001:db8::/32", 200),
        ("somewhere", "0.0.0.0/0,::/0", 404),
    ],
)
async def test_metrics_are_for_the_networks_that_the_operator_names(
    settings_for: Any, address: str, networks: str | None, status: int
) -> None:
    given = {} if networks is None else {"HUITONG_METRICS_NETWORKS": networks}
    named = Settings.from_environment(given).metrics_networks
    settings = replace(settings_for("postgresql://nobody@127.0.0.1:1/none"), metrics_networks=named)
    transport = httpx.ASGITransport(create_app(settings), client=(address, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/metrics")
        assert answer.status_code == status
        # Whoever balances the load asks from elsewhere.
        assert (await client.get("/healthz")).status_code == 200
    if status == 404:
        assert answer.json()["code"] == "route_not_found"
        assert "huitong_" not in answer.text
