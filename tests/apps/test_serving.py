"""The apps are served as built: compressed, hashed, under a strict policy, and clear if absent."""

import gzip
import re

import httpx
import pytest

from huitong.api import apps

APPS = ["/app/", "/console/"]


@pytest.mark.parametrize("address", APPS)
async def test_any_page_of_an_app_is_its_document(
    anonymous: httpx.AsyncClient, address: str
) -> None:
    for page in ("", "bills", "loans/loan_1/schedule", "index.html"):
        answer = await anonymous.get(f"{address}{page}")
        assert answer.status_code == 200, page
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert '<div id="root">' in answer.text
    bare = await anonymous.get(address.rstrip("/"))
    assert (bare.status_code, bare.headers["location"]) == (308, address)


@pytest.mark.parametrize("address", APPS)
async def test_the_policy_lets_nothing_in_from_elsewhere_and_no_script_in_the_page(
    anonymous: httpx.AsyncClient, address: str
) -> None:
    answer = await anonymous.get(address)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text)
    assert "style=" not in answer.text


async def test_each_answer_has_a_nonce_of_its_own(anonymous: httpx.AsyncClient) -> None:
    nonces = set()
    for _ in range(2):
        answer = await anonymous.get("/console/")
        (found,) = re.findall(r"'nonce-([^']+)'", answer.headers["content-security-policy"])
        assert f'nonce="{found}"' in answer.text
        assert apps.NONCE not in answer.text
        nonces.add(found)
    assert len(nonces) == 2


async def test_the_camera_is_for_the_customers_app_only(anonymous: httpx.AsyncClient) -> None:
    theirs = await anonymous.get("/app/")
    staffs = await anonymous.get("/console/")
    assert "camera=(self)" in theirs.headers["permissions-policy"]
    assert "camera=()" in staffs.headers["permissions-policy"]


@pytest.mark.parametrize("address", APPS)
async def test_a_hashed_file_is_kept_for_good_and_comes_compressed(
    anonymous: httpx.AsyncClient, address: str
) -> None:
    page = await anonymous.get(address)
    (script,) = re.findall(r'<script type="module"[^>]* src="([^"]+)"', page.text)
    plain = await anonymous.get(script, headers={"Accept-Encoding": "identity"})
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "content-encoding" not in plain.headers
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    for accepted, coding in (
        ("gzip", "gzip"),
        ("gzip, deflate, br;q=0.9", "br"),
        ("br;q=0, gzip", "gzip"),
    ):
        async with anonymous.stream("GET", script, headers={"Accept-Encoding": accepted}) as answer:
            assert answer.headers["content-encoding"] == coding
            assert answer.headers["vary"] == "Accept-Encoding"
            body = b"".join([chunk async for chunk in answer.aiter_raw()])
        assert len(body) < len(plain.content) / 2
        if coding == "gzip":
            assert gzip.decompress(body) == plain.content
    again = await anonymous.get(script, headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/app/assets/gone-12345678.js",
        "/app/assets/../../app.py",
        "/app/..%2f..%2fapp.py",
        "/app/../../../pyproject.toml",
        "/console/assets/",
        "/app/nothing.png",
    ],
)
async def test_a_file_that_is_not_there_is_no_document(
    anonymous: httpx.AsyncClient, path: str
) -> None:
    answer = await anonymous.get(path)
    assert b"import" not in answer.content
    assert answer.status_code == 404 or '<div id="root">' in answer.text


async def test_says_what_to_do_where_an_app_is_not_built(
    anonymous: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.setattr(apps, "BUILT", tmp_path_factory.mktemp("nothing"))
    answer = await anonymous.get("/app/")
    assert answer.status_code == 503
    assert "scripts/apps" in answer.text
    assert "尚未构建" in answer.text
