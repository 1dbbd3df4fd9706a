"""`POST /v1/payments` over a real socket: it refuses what the other routes refuse, as they do."""

import asyncio
import itertools
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from jsonschema_rs import validator_for

from huitong import identity, ledger, payments
from huitong.api import create_app
from huitong.api.app import create_api
from huitong.api.gate import Gate
from huitong.api.hot_path import HotPath
from huitong.api.own_payments import OwnPayments
from huitong.api.problems import store_refusal
from huitong.api.request_context import SECURITY_HEADERS, RequestContext
from huitong.api.schemas.payments import render_instant
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.ids import MERCHANT, read_id, uuid7
from huitong.wiring.application import Application

PATH = "/v1/payments"
JSON = {"Content-Type": "application/json"}
_numbers = itertools.count(13700000001)


def money(amount: Any, currency: Any = "CNY") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


@pytest.fixture
async def parties(api: Any, post: Any) -> tuple[str, str, str]:
    """The accounts of a customer with 1,000 yuan and of a merchant, and the merchant's id."""
    customer = {"name": "李雷", "mobile": str(next(_numbers)), "account_class": 2}
    payer = (await post("/v1/customers", customer)).json()["account"]
    shop = {
        "name": "三味书屋",
        "name_latin": "SANWEI BOOKS",
        "city_latin": "SHAOXING",
        "category_code": "5942",
        "fee_rate": "0.006",
    }
    merchant = (await post("/v1/merchants", shop)).json()
    now = datetime.now(UTC)

    async def fund(uow: Any) -> None:
        cash = await ledger.ensure_system_account(
            uow, "test:cash", chart_code="1002.01", currency="CNY", name="Cash of the test"
        )
        transfer = ledger.Transfer(
            id=uuid7(),
            debit_account_id=cash.id,
            credit_account_id=ledger.read_account(payer, field="account"),
            amount=100_000,
            currency="CNY",
            code=ledger.TransferCode.OPENING,
            effective_on=business_day(now),
        )
        request = ledger.Request(ledger.Entry((transfer,)))
        (outcome,) = await ledger.post_entries(uow, [request], now=now)
        assert outcome.is_posted, outcome

    await api.run(fund)
    return payer, merchant["account"], merchant["id"]


@pytest.fixture
def good(parties: tuple[str, str, str]) -> dict[str, Any]:
    return {"payer": parties[0], "payee": parties[1], "amount": money("10.00")}


async def send(
    client: httpx.AsyncClient, content: Any, headers: list[tuple[Any, Any]] | None = None
) -> httpx.Response:
    """Send `content`, JSON or bytes, with a key of its own unless `headers` say otherwise."""
    if headers is None:
        headers = [("Idempotency-Key", uuid.uuid4().hex), ("Content-Type", "application/json")]
    raw = content if not isinstance(content, dict) else json.dumps(content).encode()
    return await client.post(PATH, content=raw, headers=headers)


def check(response: httpx.Response, status: int, code: str, field: str | None) -> None:
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (response.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert problem["request_id"] == response.headers["x-request-id"]
    for name, value in SECURITY_HEADERS.items():
        assert response.headers[name] == value, name


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"payer": ...}, "invalid_field", "payer"),
        ({"amount": ...}, "invalid_field", "amount"),
        ({"payee": ...}, "invalid_field", "payee"),
        ({"code": "qr_" + "0" * 32}, "invalid_field", "payee"),
        ({"amount": {"currency": "CNY"}}, "invalid_field", "amount.amount"),
        ({"amount": {**money("1.00"), "x": 1}}, "invalid_field", "amount.x"),
        ({"x" * 60: 1}, "invalid_field", "x" * 48 + "…"),
        ({"a\0b": 1}, "invalid_field", "a\N{REPLACEMENT CHARACTER}b"),
        ({"a`b.c": 1}, "invalid_field", "a`b.c"),
        ({"payer": 7}, "invalid_field", "payer"),
        ({"payer": None}, "invalid_field", "payer"),
        ({"payer": "mer_1"}, "invalid_field", "payer"),
        ({"payer": "acct_１００"}, "invalid_field", "payer"),
        ({"payee": ["a"]}, "invalid_field", "payee"),
        ({"payee": "acct_100000000191"}, "invalid_field", "payee"),
        ({"payee": None, "payee_mobile": "1380000000"}, "invalid_field", "payee_mobile"),
        ({"payee": None, "payee_mobile": "13800000001\n"}, "invalid_field", "payee_mobile"),
        (
            {"payee": None, "payee_mobile": "１３８００００００００"},
            "invalid_field",
            "payee_mobile",
        ),
        ({"payee": None, "code": "qr_1"}, "invalid_field", "code"),
        ({"reference": "x" * 65}, "invalid_field", "reference"),
        ({"reference": "a\0b"}, "invalid_field", "reference"),
        ({"description": "\u202e"}, "invalid_field", "description"),
        ({"description": {}}, "invalid_field", "description"),
        ({"amount": "1.00"}, "invalid_field", "amount"),
        ({"amount": money(1)}, "invalid_field", "amount.amount"),
        ({"amount": money(1.5)}, "invalid_field", "amount.amount"),
        ({"amount": money("1.00", 156)}, "invalid_field", "amount.currency"),
        ({"amount": money("1.00", "cny")}, "unknown_currency", "amount.currency"),
        ({"amount": money("1.00", "")}, "unknown_currency", "amount.currency"),
        *(
            ({"amount": money(text)}, "invalid_field", "amount.amount")
            for text in (
                *("", "0", "0.00", "-1", "-0", "+1", "1e3", "1.005", "1.", ".5", "01", "1,000"),
                *("１０", "١٠", " 1", "1 ", "NaN", "Infinity", "0x10", "1_0", "1\0", "1\n"),
                *("92233720368547758.08", "9" * 24, "9" * 10_000),
            )
        ),
    ],
)
async def test_a_bad_member_is_named_and_nothing_changes(  # noqa: PLR0917
    api: Any,
    client: httpx.AsyncClient,
    good: dict[str, Any],
    change: dict[str, Any],
    code: str,
    field: str,
) -> None:
    asked = {name: value for name, value in {**good, **change}.items() if value is not ...}
    before = await api.count()
    check(await send(client, asked), 422, code, field)
    assert await api.count() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"not json",
        b"%(good)s x",
        b"%(good)s%(good)s",
        b"\xef\xbb\xbf%(good)s",
        b'{"payer": NaN}',
        b'{"payer": "\xff\xfe"}',
        b'{"payer": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"payer": "a\x00"}',
        # A member that comes twice, in any spelling and place, with or without other colons.
        b'{"payer": "acct_1", %(rest)s',
        b'{"p\\u0061yer": "acct_1", %(rest)s',
        b'{"description": "a", "description": "b", %(rest)s',
        b'{"description": "a", "description": "\\u003a", %(rest)s',
        b'{"description": "a:b", "reference": "a", "reference": "b", %(rest)s',
        b'{"amount": {"amount": "1.00", "amount": "2.00", "currency": "CNY"}, %(no_amount)s',
    ],
)
async def test_what_is_not_one_json_text_is_refused(
    api: Any, client: httpx.AsyncClient, good: dict[str, Any], content: bytes
) -> None:
    whole = json.dumps(good).encode()
    parts = {b"good": whole, b"rest": whole[1:]}
    parts[b"no_amount"] = json.dumps({**good, "amount": None}).encode()[1:]
    parts[b"no_amount"] = parts[b"no_amount"].replace(b', "amount": null', b"")
    before = await api.count()
    check(await send(client, content % parts), 400, "malformed_json", "body")
    assert await api.count() == before


@pytest.mark.parametrize("text", ["12:30", "::::", '"a": "b"', "1: 2, 3: 4 \\ 5", "李:雷"])
async def test_a_colon_in_a_text_is_no_second_member(
    client: httpx.AsyncClient, good: dict[str, Any], text: str
) -> None:
    paid = await send(client, {**good, "description": text, "reference": None})
    assert (paid.status_code, paid.json()["description"]) == (201, text), paid.text


@pytest.mark.parametrize("content", [b"[]", b"null", b'"text"', b"1", b"[" * 16_000])
async def test_json_that_is_not_an_object_is_refused(
    client: httpx.AsyncClient, content: bytes
) -> None:
    check(await send(client, content), 422, "invalid_field", "body")


@pytest.mark.parametrize("content", [b'{"payer": ' + b"[" * 16_000, b'{"x": ' * 2_000])
async def test_deep_nesting_is_refused_at_its_first_member(
    client: httpx.AsyncClient, content: bytes
) -> None:
    field = content[2:].partition(b'"')[0].decode()
    check(await send(client, content), 422, "invalid_field", field)


async def test_a_large_body_is_refused_whole_or_in_pieces(
    api: Any, client: httpx.AsyncClient, good: dict[str, Any]
) -> None:
    before = await api.count()
    whole = json.dumps(good).encode()

    async def pieces() -> Any:
        yield whole
        for _ in range(20):
            yield b" " * 1_024

    check(await send(client, whole + b" " * 16_384), 413, "body_too_large", "body")
    check(await send(client, pieces()), 413, "body_too_large", "body")
    assert await api.count() == before
    assert (await send(client, whole.ljust(16_384))).status_code == 201


async def test_a_body_in_pieces_is_read_whole(
    client: httpx.AsyncClient, good: dict[str, Any]
) -> None:
    async def pieces() -> Any:
        for letter in json.dumps(good):
            yield letter.encode()

    assert (await send(client, pieces())).status_code == 201


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/jsonp", "application/json; charset=gbk", "application/json, x", ""],
)
async def test_another_media_type_is_refused(
    api: Any, client: httpx.AsyncClient, good: dict[str, Any], media_type: str
) -> None:
    before = await api.count()
    headers = [("Idempotency-Key", uuid.uuid4().hex), ("Content-Type", media_type)]
    check(await send(client, good, headers), 415, "unsupported_media_type", "Content-Type")
    check(await send(client, good, headers[:1]), 415, "unsupported_media_type", "Content-Type")
    headers += [("Content-Type", "application/json")]
    check(await send(client, good, headers), 415, "unsupported_media_type", "Content-Type")
    assert await api.count() == before


@pytest.mark.parametrize("media_type", ["Application/JSON", "application/json; charset=utf-8"])
async def test_json_is_known_by_its_other_names(
    client: httpx.AsyncClient, good: dict[str, Any], media_type: str
) -> None:
    headers = [("Idempotency-Key", uuid.uuid4().hex), ("Content-Type", media_type)]
    assert (await send(client, good, headers)).status_code == 201


@pytest.mark.parametrize(
    "keys", [(), ("",), ("x" * 65,), ("has space",), (b"caf\xe9",), ("汇".encode(),), ("a", "b")]
)
async def test_an_unfit_idempotency_key_is_named(
    api: Any, client: httpx.AsyncClient, good: dict[str, Any], keys: tuple[Any, ...]
) -> None:
    before = await api.count()
    headers: list[tuple[Any, Any]] = [(b"Idempotency-Key", key) for key in keys]
    response = await send(client, good, [*headers, ("Content-Type", "application/json")])
    check(response, 422, "invalid_field", "Idempotency-Key")
    assert await api.count() == before


async def test_a_caller_must_be_known_and_allowed(
    api: Any, anonymous: httpx.AsyncClient, full_key: str, good: dict[str, Any]
) -> None:
    unscoped = await api.make_key("payments:read")
    issued = await api.run(
        lambda uow: identity.issue_api_key(
            uow, name="gone", scopes=["payments:write"], now=datetime.now(UTC)
        )
    )
    await api.run(lambda uow: identity.revoke_api_key(uow, issued.key.id, now=datetime.now(UTC)))
    before = await api.count()
    for values, status, code, field in (
        ((), 401, "not_authenticated", "Authorization"),
        (("",), 401, "not_authenticated", "Authorization"),
        (("Bearer",), 401, "not_authenticated", "Authorization"),
        (("Basic dTpw",), 401, "not_authenticated", "Authorization"),
        (("Bearer htk_unknown",), 401, "not_authenticated", "Authorization"),
        ((b"Bearer caf\xe9",), 401, "not_authenticated", "Authorization"),
        ((f"Bearer {full_key}x",), 401, "not_authenticated", "Authorization"),
        (("Bearer " + "x" * 200,), 401, "not_authenticated", "Authorization"),
        ((f"Bearer {full_key}", "Bearer x"), 401, "not_authenticated", "Authorization"),
        ((f"Bearer {issued.secret}",), 401, "not_authenticated", "Authorization"),
        ((f"Bearer {unscoped}",), 403, "scope_missing", None),
    ):
        headers: list[tuple[Any, Any]] = [(b"Authorization", value) for value in values]
        headers += [("Idempotency-Key", "k"), ("Content-Type", "application/json")]
        response = await send(anonymous, good, headers)
        check(response, status, code, field)
        assert response.headers["www-authenticate"].startswith("Bearer ")
    assert await api.count() == before
    lower = [("Authorization", f"bearer {full_key}"), ("Idempotency-Key", uuid.uuid4().hex)]
    assert (await send(anonymous, good, [*lower, *JSON.items()])).status_code == 201


async def test_a_bound_key_cannot_spend_another_partys_money(
    api: Any, anonymous: httpx.AsyncClient, client: httpx.AsyncClient, parties: Any, good: Any
) -> None:
    payer, shop, merchant = parties
    assert (await send(client, good)).status_code == 201
    key = await api.make_key(
        "payments:write", merchant_id=read_id(MERCHANT, merchant, field="merchant")
    )
    headers = {"Authorization": f"Bearer {key}", **JSON}
    refused = await anonymous.post(
        PATH, json=good, headers={**headers, "Idempotency-Key": "taking"}
    )
    assert (refused.status_code, refused.json()["code"]) == (404, "account_not_found")
    assert refused.json()["field"] == "payer"
    own = {"payer": shop, "payee": payer, "amount": money("1.00")}
    paid = await anonymous.post(PATH, json=own, headers={**headers, "Idempotency-Key": "own"})
    assert (paid.status_code, paid.json()["kind"]) == (201, "transfer"), paid.text


async def test_the_answer_is_the_order_field_by_field(
    client: httpx.AsyncClient, good: dict[str, Any]
) -> None:
    document = (await client.get("/openapi.json")).json()
    schema = {**document["components"]["schemas"]["PaymentView"], **_components(document)}
    for more in ({}, {"reference": "till-7", "description": "午饭 🍜 <&>"}):
        paid = await send(client, {**good, **more})
        assert paid.status_code == 201, paid.text
        validator_for(schema).validate(paid.json())
        shown = await client.get(f"{PATH}/{paid.json()['id']}")
        assert _with_instants(paid.json()) == _with_instants(shown.json())
        assert list(paid.json()) == list(shown.json()), "the order of members"
        own = {"date", "content-length", "x-request-id"}
        assert {k: v for k, v in paid.headers.items() if k not in own} == {
            k: v for k, v in shown.headers.items() if k not in own
        }


def _components(document: dict[str, Any]) -> dict[str, Any]:
    return {"components": document["components"]}


def _with_instants(shown: dict[str, Any]) -> dict[str, Any]:
    # The two may write an instant's fraction of a second with a different number of digits.
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and value else value
        for name, value in shown.items()
    }


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [("till-7.2026_A", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("", False)],
)
async def test_a_request_id_is_kept_if_it_is_fit(
    client: httpx.AsyncClient, good: dict[str, Any], given: str, *, is_kept: bool
) -> None:
    for headers in (
        [("Idempotency-Key", uuid.uuid4().hex), *JSON.items(), ("X-Request-Id", given)],
        [*JSON.items(), ("X-Request-Id", given)],
    ):
        answer = await send(client, good, headers)
        assert (answer.headers["x-request-id"] == given) is is_kept
        assert answer.headers["x-request-id"]
        if answer.status_code != 201:
            assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_too_many_headers_are_refused(
    client: httpx.AsyncClient, good: dict[str, Any]
) -> None:
    headers = [("Idempotency-Key", "k"), *JSON.items(), ("X", "x" * limits.HEADER_LENGTH_MAX)]
    check(await send(client, good, headers), 431, "headers_too_large", None)


async def test_a_slow_body_is_given_up(
    api: Any, full_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REQUEST_SECONDS_MAX", 0.05)
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {full_key}\r\n"
        "Content-Type: application/json\r\nIdempotency-Key: slow\r\nContent-Length: 10\r\n\r\n{"
        "".encode()
    )
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer


async def test_a_full_queue_is_a_503_that_says_when_to_come_again(
    api: Any, settings_for: Any, serve: Any, full_key: str, good: dict[str, Any]
) -> None:
    application = Application.assemble(settings_for(api.owner_url))
    full = ledger.Poster(application.database, clock=application.clock.now, queue_max=0)
    application.poster = full
    writer = payments.InstantPayments(
        database=application.database,
        rulebook=application.rulebook,
        vault=lambda: application.vault,
        render=render_instant,
        render_refusal=store_refusal,
    )
    inner = RequestContext(create_api(application))
    app = HotPath(
        inner,
        poster=full,
        writer=writer,
        keys=application.keys,
        own=OwnPayments(application),
        gate=Gate(application),
        now=application.clock.now,
    )
    before = await api.count()
    headers = {"Authorization": f"Bearer {full_key}"}
    with serve(app) as url:
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            refused = await send(client, good)
    check(refused, 503, "queue_full", None)
    assert refused.headers["retry-after"] == str(limits.RETRY_AFTER_SECONDS)
    assert await api.count() == before


async def test_twenty_at_once_pay_once_through_two_servers(  # noqa: PLR0917
    api: Any,
    settings_for: Any,
    serve: Any,
    client: httpx.AsyncClient,
    full_key: str,
    good: dict[str, Any],
) -> None:
    await send(client, good)
    before = await api.count()
    headers = [("Idempotency-Key", uuid.uuid4().hex), *JSON.items()]
    with serve(create_app(settings_for(api.owner_url))) as url:
        async with httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {full_key}"}, timeout=20
        ) as other:
            answers = await asyncio.gather(
                *[send(each, good, headers) for each in [client, other] * 10]
            )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    after = await api.count()
    assert after == before | {
        "payments.orders": before["payments.orders"] + 1,
        # The payment and its fee.
        "ledger.transfers": before["ledger.transfers"] + 2,
        "kernel.outbox": before["kernel.outbox"] + 1,
        "kernel.replies": before["kernel.replies"] + 1,
    }


async def test_a_refusal_is_replayed_byte_for_byte(
    api: Any, client: httpx.AsyncClient, good: dict[str, Any]
) -> None:
    headers = [("Idempotency-Key", uuid.uuid4().hex), *JSON.items()]
    asked = {**good, "amount": money("1000.01")}
    first = await send(client, asked, headers)
    assert (first.status_code, first.json()["code"]) == (422, "insufficient_funds")
    before = await api.count()
    again = await send(client, asked, headers)
    assert (again.status_code, again.content) == (422, first.content)
    other = await send(client, good, headers)
    check(other, 422, "idempotency_key_reused", "Idempotency-Key")
    assert await api.count() == before
