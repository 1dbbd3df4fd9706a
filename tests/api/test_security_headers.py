"""Every answer carries the headers that keep browsers from mischief, on every way out."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from huitong.api.request_context import SECURITY_HEADERS
from huitong.api.static_files import PAGE_POLICY
from huitong.kernel import limits

ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/?lang=zh", 200),
    ("GET", "/docs", 200),
    ("GET", "/docs/swagger-ui.js", 200),
    ("GET", "/docs/swagger-ui.css", 200),
    ("GET", "/docs/reference.js", 200),
    ("GET", "/docs/reference.css", 200),
    ("GET", "/assets/home.css", 200),
    ("GET", "/assets/huitong.svg", 200),
    ("GET", "/favicon.ico", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/metrics", 200),
    ("GET", "/nothing", 404),
    ("GET", "/../etc/passwd", 404),
    ("GET", "/.git/config", 404),
    ("GET", "/assets/", 404),
    ("GET", "/assets", 404),
    ("GET", "/docs/", 404),
    ("TRACE", "/", 405),
    ("TRACE", "/v1/payments", 405),
    ("CONNECT", "/healthz", 405),
    ("DELETE", "/healthz", 405),
    ("OPTIONS", "/v1/customers", 405),
    ("GET", "/v1/customers", 401),
    ("POST", "/v1/payments", 401),
    ("PUT", "/v1/payments", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_every_answer_has_every_header_and_none_for_tls(
    anonymous: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await anonymous.request(method, path)
    assert answer.status_code == status
    for name in SECURITY_HEADERS:
        assert name in answer.headers, name
        assert len(answer.headers.get_list(name)) == 1
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert "strict-transport-security" not in answer.headers
    assert "server" not in answer.headers


async def test_what_is_no_page_may_not_act_as_one(anonymous: httpx.AsyncClient) -> None:
    for path in ("/openapi.json", "/healthz", "/nothing", "/assets/huitong.svg"):
        answer = await anonymous.get(path)
        assert "sandbox" in answer.headers["content-security-policy"], path
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_every_body_says_what_it_is_and_text_says_in_which_letters(
    anonymous: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await anonymous.request(method, path)
    kind = answer.headers["content-type"]
    assert answer.content
    if kind.startswith("text/") or "xml" in kind:
        assert "charset=utf-8" in kind
    else:
        # JSON is always UTF-8 (RFC 8259, 8.1) and knows no parameter.
        assert kind in ("application/json", "application/problem+json")
        assert answer.json()


async def test_nothing_is_told_to_other_origins_or_redirected(
    anonymous: httpx.AsyncClient,
) -> None:
    for method, path, _ in ANSWERS:
        answer = await anonymous.request(
            method, path, headers={"Origin": "https://evil.example", "X-Forwarded-Proto": "http"}
        )
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert not answer.is_redirect
        assert "set-cookie" not in answer.headers


async def test_answers_with_data_are_never_cached(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    for path in ("/v1/customers", "/v1/payments", "/v1/merchants", "/v1/ledger/trial-balance"):
        for caller in (client, anonymous):
            answer = await caller.get(path)
            assert answer.headers["cache-control"] == "no-store", path


async def test_refused_and_good_payments_have_them_too(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    for headers, body in (({}, b"{"), ({"Idempotency-Key": "k"}, b"{}")):
        answer = await client.post("/v1/payments", content=body, headers=headers)
        assert 400 <= answer.status_code < 500
        assert {name.lower() for name in SECURITY_HEADERS} <= set(answer.headers)
    large = await anonymous.post("/v1/customers", content=bytes(limits.REQUEST_BODY_BYTES_MAX + 1))
    assert large.status_code == 413
    assert {name.lower() for name in SECURITY_HEADERS} <= set(large.headers)


class Inline(HTMLParser):
    """Finds what a policy without 'unsafe-inline' would not let run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and not names.get("src")):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]
        self.addresses += [
            value or "" for name, value in attrs if name in {"src", "href"} and tag != "a"
        ]


@pytest.mark.parametrize("path", ["/", "/?lang=zh", "/docs"])
async def test_our_pages_run_nothing_inline_and_load_from_us_only(
    anonymous: httpx.AsyncClient, path: str
) -> None:
    answer = await anonymous.get(path)
    page = Inline()
    page.feed(answer.text)
    assert answer.headers["content-security-policy"] == PAGE_POLICY
    assert page.found == []
    assert page.addresses
    assert all(re.match(r"/[^/]", address) for address in page.addresses)
    for address in page.addresses:
        assert (await anonymous.get(address)).status_code == 200
