"""Bad input of any kind gets a 4xx problem that names the field, and changes nothing."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from huitong.api.problems import STATUS_BY_CODE, make_problem, make_reply, status_of
from huitong.api.request_context import read_request_id
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import DatabaseUnavailable
from huitong.kernel.errors import Conflict, Fault, InvalidField, LimitExceeded, NotFound, Refusal
from huitong.kernel.idempotency import IdempotencyKeyReused
from huitong.ledger import OutcomeUnknown, QueueFull

GOOD = {"name": "李雷", "mobile": "13800000001", "account_class": 2}
JSON = {"Content-Type": "application/json"}


async def send(client: httpx.AsyncClient, content: bytes, **headers: str) -> httpx.Response:
    return await client.post(
        "/v1/customers",
        content=content,
        headers={**JSON, "Idempotency-Key": uuid.uuid4().hex, **headers},
    )


def check(response: httpx.Response, status: int, code: str, field: str | None) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert problem["status"] == status
    assert problem["type"] == f"urn:huitong:problem:{code}"
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"]
    return problem


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * (limits.NAME_LENGTH_MAX + 1)}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "line\nbreak"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": 7}, "name"),
        ({"name": None}, "name"),
        ({"name": ["李雷"]}, "name"),
        ({"mobile": "1380000000"}, "mobile"),
        ({"mobile": "23800000001"}, "mobile"),
        ({"mobile": "１３８０００００００１"}, "mobile"),
        ({"mobile": "13800000001\n"}, "mobile"),
        ({"mobile": 13800000001}, "mobile"),
        ({"account_class": 4}, "account_class"),
        ({"account_class": "2"}, "account_class"),
        ({"account_class": 2.0}, "account_class"),
        ({"account_class": True}, "account_class"),
        ({"account_class": 10**30}, "account_class"),
        ({"currency": "cny"}, "currency"),
        ({"surplus": 1}, "surplus"),
        ({"sur/pl~us": 1}, "sur/pl~us"),
        ({"a\0b": 1}, "a\N{REPLACEMENT CHARACTER}b"),
    ],
)
async def test_a_bad_member_is_named_and_nothing_changes(
    api: Any, client: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    import json

    before = await api.count()
    response = await send(client, json.dumps({**GOOD, **change}).encode())
    problem = check(response, 422, "invalid_field", field)
    for error in problem.get("errors", ()):
        assert error["in"] == "body"
        assert error["pointer"] == "#/" + error["field"].replace("~", "~0").replace("/", "~1")
    after = await api.count()
    # A refusal of the domain is kept as the reply to its key, and nothing else is written.
    assert {**after, "kernel.replies": 0} == {**before, "kernel.replies": 0}


async def test_a_currency_that_does_not_exist_is_named(client: httpx.AsyncClient) -> None:
    response = await send(
        client,
        b"""{"name": "x", "mobile": "13800000009", "account_class": 1,
        "currency": "XXQ"}""",
    )
    check(response, 422, "unknown_currency", "currency")


async def test_a_member_that_utf_8_cannot_say_is_refused(client: httpx.AsyncClient) -> None:
    check(await send(client, b'{"\\ud800": 1}'), 422, "invalid_field", "body")


async def test_every_wrong_field_is_listed(client: httpx.AsyncClient) -> None:
    response = await send(client, b'{"name": "", "mobile": "1", "x": 1}')
    problem = check(response, 422, "invalid_field", "name")
    assert [error["field"] for error in problem["errors"]] == [
        "name",
        "mobile",
        "account_class",
        "x",
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"not json",
        b'{"name": "a",}',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"account_class": 1, "account_class": 2}',
        b'{"account_class": ' + b"9" * 5_000 + b"}",
        b'{"name": "\xff\xfe"}',
        '{"name": "李雷"}'.encode("utf-16"),
        '{"name": "李雷"}'.encode("gb18030"),
        b"[" * 20 + b"]" * 20,
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
)
async def test_a_body_that_is_not_one_json_text_is_refused(
    api: Any, client: httpx.AsyncClient, content: bytes
) -> None:
    before = await api.count()
    response = await send(client, content)
    if content:
        check(response, 400, "malformed_json", "body")
    else:
        check(response, 422, "invalid_field", "body")
    assert await api.count() == before


@pytest.mark.parametrize("content", [b"[]", b"null", b'"text"', b"1", b"true"])
async def test_json_that_is_not_an_object_is_refused(
    client: httpx.AsyncClient, content: bytes
) -> None:
    check(await send(client, content), 422, "invalid_field", "body")


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json; charset=gbk",
        "application/jsonp",
        "",
    ],
)
async def test_another_media_type_is_refused(client: httpx.AsyncClient, media_type: str) -> None:
    response = await send(client, b"{}", **{"Content-Type": media_type})
    check(response, 415, "unsupported_media_type", "Content-Type")


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"]
)
async def test_json_is_known_by_its_other_names(client: httpx.AsyncClient, media_type: str) -> None:
    check(await send(client, b"{", **{"Content-Type": media_type}), 400, "malformed_json", "body")


async def test_a_body_that_says_it_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    response = await send(client, b" " * (limits.REQUEST_BODY_BYTES_MAX + 1))
    check(response, 413, "body_too_large", None)


async def test_a_body_that_grows_too_large_is_refused(client: httpx.AsyncClient) -> None:
    async def pieces() -> Any:
        for _ in range(20):
            yield b" " * (limits.REQUEST_BODY_BYTES_MAX // 16)

    response = await client.post(
        "/v1/customers", content=pieces(), headers={**JSON, "Idempotency-Key": "large"}
    )
    check(response, 413, "body_too_large", None)


async def test_headers_that_are_too_large_are_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/healthz", headers={"X-Large": "x" * limits.HEADER_LENGTH_MAX})
    check(response, 431, "headers_too_large", None)


@pytest.mark.parametrize("key", ["", "x" * 65, "has space", "tab\tin", b"caf\xe9", b"\xe6\xb1\x87"])
async def test_an_unfit_idempotency_key_is_named(
    api: Any, client: httpx.AsyncClient, key: str | bytes
) -> None:
    before = await api.count()
    response = await client.post(
        "/v1/customers",
        json=GOOD,
        headers=[(b"Idempotency-Key", key)],  # type: ignore[list-item]
    )
    check(response, 422, "invalid_field", "Idempotency-Key")
    assert await api.count() == before


async def test_a_missing_idempotency_key_is_named(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/customers", json=GOOD)
    check(response, 422, "invalid_field", "Idempotency-Key")


async def test_two_idempotency_keys_are_refused(client: httpx.AsyncClient) -> None:
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    response = await client.post("/v1/customers", json=GOOD, headers=headers)
    check(response, 422, "invalid_field", "Idempotency-Key")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/customers/cus_1", "customer"),
        ("/v1/customers/%00", "customer"),
        ("/v1/customers/%FF%FE", "customer"),
        ("/v1/customers/CUS_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d", "customer"),
        ("/v1/accounts/acct_100000000191", "account"),
        ("/v1/accounts/acct_0/balance", "account"),
        ("/v1/accounts/acct_100000000190/balance?at=yesterday", "at"),
        ("/v1/accounts/acct_100000000190/balance?at=2026-11-23T08:30:00", "at"),
        ("/v1/accounts/acct_100000000190/balance?at=0001-01-01T00:00:00%2B14:00", "at"),
        ("/v1/accounts/acct_100000000190/balance?on=2026-02-30", "on"),
        ("/v1/accounts/acct_100000000190/balance?on=2026-02-03&at=2026-02-03T00:00:00Z", "on"),
        ("/v1/accounts/acct_100000000190/statement?from=2026-02-03&to=2026-02-02", "to"),
        ("/v1/accounts/acct_100000000190/statement?limit=0", "limit"),
        ("/v1/accounts/acct_100000000190/statement?limit=201", "limit"),
        ("/v1/accounts/acct_100000000190/statement?limit=99999999999999999999999", "limit"),
        ("/v1/accounts/acct_100000000190/statement?cursor=abc", "cursor"),
        ("/v1/customers?mobile=1", "mobile"),
        ("/v1/customers?cursor=%00", "cursor"),
        ("/v1/customers?cursor=" + "a" * 600, "cursor"),
        ("/v1/ledger/entries/je_x", "entry"),
        ("/v1/ledger/transfers/tr_", "transfer"),
    ],
)
async def test_a_bad_address_or_query_is_named(
    client: httpx.AsyncClient, path: str, field: str
) -> None:
    check(await client.get(path), 422, "invalid_field", field)


async def test_a_parameter_that_comes_twice_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/customers?limit=1&limit=2")
    check(response, 422, "invalid_field", "limit")
    response = await client.get("/v1/customers?limit=1&cursor=&%6cimit=2")
    check(response, 422, "invalid_field", "limit")


async def test_an_unknown_address_is_a_problem(client: httpx.AsyncClient) -> None:
    check(await client.get("/v1/nothing"), 404, "route_not_found", None)
    check(await client.get("/v1/customers/"), 404, "route_not_found", None)


async def test_an_unknown_method_is_a_problem_and_the_known_one_is_named(
    client: httpx.AsyncClient,
) -> None:
    response = await client.delete("/healthz")
    check(response, 405, "method_not_allowed", None)
    assert response.headers["allow"] == "GET"


async def test_what_does_not_exist_is_a_404(client: httpx.AsyncClient) -> None:
    unknown = "cus_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d"
    problem = check(await client.get(f"/v1/customers/{unknown}"), 404, "not_found", None)
    assert problem["context"] == {"id": unknown}


async def test_a_bug_says_nothing_about_itself(
    api: Any, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object, **__: object) -> None:
        raise RuntimeError("password=hunter2")

    logged: list[str] = []
    log = type("Log", (), {"error": lambda _, event, **__: logged.append(event)})()
    monkeypatch.setattr("huitong.api.request_context._log", log)
    monkeypatch.setattr("huitong.customers.get_customer", crash)
    response = await client.get("/v1/customers/cus_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d")
    check(response, 500, "internal_error", None)
    assert "hunter2" not in response.text
    assert logged == ["request_crashed"]


async def test_a_slow_body_is_given_up(
    api: Any, full_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REQUEST_SECONDS_MAX", 0.05)
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {full_key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{".encode()
    )
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (InvalidField, 422),
        (NotFound, 404),
        (Conflict, 409),
        (LimitExceeded, 422),
        (IdempotencyKeyReused, 422),
        (Refusal, 422),
    ],
)
def test_a_kind_of_refusal_has_its_status(kind: type[Refusal], status: int) -> None:
    assert status_of(kind) == status


def test_a_refusal_without_a_status_of_its_own_has_its_ancestors() -> None:
    class NoSuchShip(NotFound):
        code = "no_such_ship_in_a_test"

    assert status_of(NoSuchShip) == 404


@pytest.mark.parametrize("kind", [QueueFull, OutcomeUnknown, DatabaseUnavailable])
def test_a_fault_is_a_503_that_says_when_to_come_again(kind: type[Fault]) -> None:
    reply, headers = make_reply(kind("host 10.0.0.7 is down"), request_id="req_1")
    assert reply.status == 503
    assert (b"retry-after", b"1") in headers
    assert b"10.0.0.7" not in reply.body
    assert f'"code":"{kind.code}"'.encode() in reply.body


def test_a_fault_that_does_not_heal_is_a_500() -> None:
    assert make_problem(Fault("broken", retryable=False)).code == "internal_error"


def test_every_status_in_the_table_is_an_error() -> None:
    assert all(400 <= status <= 503 for status in STATUS_BY_CODE.values())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"abc-1.2_3", True),
        (b"x" * 64, True),
        (b"x" * 65, False),
        (b"", False),
        (b"a b", False),
        (b"a\xff", False),
        (b'a"}', False),
    ],
)
def test_only_a_fit_request_id_is_kept(given: bytes, kept: bool) -> None:
    assert (read_request_id([(b"x-request-id", given)]) == given.decode("latin-1")) is kept


async def test_the_request_id_comes_back(client: httpx.AsyncClient) -> None:
    response = await client.get("/healthz", headers={"X-Request-Id": "mine-1"})
    assert response.headers["x-request-id"] == "mine-1"
