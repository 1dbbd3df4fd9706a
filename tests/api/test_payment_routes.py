"""The routes of payments, from opening a customer to the trial balance, over a real socket."""

import itertools
import uuid
from decimal import Decimal
from typing import Any

import httpx
import pytest

_numbers = itertools.count(13900000001)


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


@pytest.fixture
async def payer(api: Any, post: Any) -> dict[str, Any]:
    body = {"name": "李雷", "mobile": str(next(_numbers)), "account_class": 2}
    made = (await post("/v1/customers", body)).json()
    await api.fund(made["account"], 100_000)
    return made  # type: ignore[no-any-return]


@pytest.fixture
async def merchant(post: Any) -> dict[str, Any]:
    body = {
        "name": "三味书屋",
        "name_latin": "SANWEI BOOKS",
        "city_latin": "SHAOXING",
        "category_code": "5942",
        "fee_rate": "0.006",
    }
    made = await post("/v1/merchants", body)
    assert made.status_code == 201, made.text
    return made.json()  # type: ignore[no-any-return]


async def balance_of(client: httpx.AsyncClient, party: dict[str, Any]) -> str:
    answer = (await client.get(f"/v1/accounts/{party['account']}/balance")).json()
    return answer["balance"]["amount"]  # type: ignore[no-any-return]


async def test_a_payment_to_a_mobile_number_moves_the_money_at_once(
    client: httpx.AsyncClient, post: Any, payer: dict[str, Any]
) -> None:
    body = {"name": "韩梅梅", "mobile": str(next(_numbers)), "account_class": 1}
    payee = (await post("/v1/customers", body)).json()
    asked = {
        "payer": payer["account"],
        "payee_mobile": body["mobile"],
        "amount": money("25.80"),
        "description": "午饭",
    }
    paid = await post("/v1/payments", asked, key="lunch")
    assert paid.status_code == 201, paid.text
    again = await post("/v1/payments", asked, key="lunch")
    assert (again.status_code, again.content) == (201, paid.content)
    assert await balance_of(client, payer) == "974.20"
    assert await balance_of(client, payee) == "25.80"
    shown = await client.get(f"/v1/payments/{paid.json()['id']}")
    assert shown.status_code == 200
    assert set(shown.json()) == set(paid.json())
    for member in ("id", "kind", "status", "amount", "payer", "payee", "transfer", "description"):
        assert shown.json()[member] == paid.json()[member], member
    listed = (await client.get("/v1/payments", params={"account": payee["account"]})).json()
    assert [each["id"] for each in listed["data"]] == [paid.json()["id"]]
    lines = (await client.get(f"/v1/accounts/{payer['account']}/statement")).json()["data"]
    assert (lines[0]["side"], lines[0]["amount"]) == ("debit", money("25.80"))
    transfer = await client.get(f"/v1/ledger/transfers/{paid.json()['transfer']}")
    assert transfer.json()["amount"] == money("25.80")


async def test_an_overdraft_is_refused_and_moves_nothing(
    client: httpx.AsyncClient, post: Any, payer: dict[str, Any], merchant: dict[str, Any]
) -> None:
    asked = {"payer": payer["account"], "payee": merchant["account"], "amount": money("1000.01")}
    refused = await post("/v1/payments", asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_funds")
    assert refused.headers["content-type"] == "application/problem+json"
    assert await balance_of(client, payer) == "1000.00"


async def test_a_checkout_is_paid_shared_and_refunded(
    client: httpx.AsyncClient, post: Any, payer: dict[str, Any], merchant: dict[str, Any]
) -> None:
    order = {"merchant": merchant["id"], "amount": money("100.00"), "reference": "order-1"}
    made = await post("/v1/checkouts", order)
    assert (made.status_code, made.json()["status"]) == (201, "created"), made.text
    path = f"/v1/checkouts/{made.json()['id']}"
    paid = await post(f"{path}/pay", {"payer": payer["account"]})
    assert (paid.status_code, paid.json()["status"]) == (200, "succeeded"), paid.text
    assert paid.json()["fee"] == money("0.60")
    late = await post(f"{path}/close", {})
    assert (late.status_code, late.json()["code"]) == (409, "order_already_paid")
    payment = f"/v1/payments/{made.json()['id']}"
    receiver = (
        await post(
            "/v1/customers", {"name": "阿Q", "mobile": str(next(_numbers)), "account_class": 1}
        )
    ).json()
    shares = {"receivers": [{"account": receiver["account"], "amount": money("10.00")}]}
    shared = await post(f"{payment}/shares", shares)
    assert shared.status_code == 201, shared.text
    assert shared.json()["data"][0]["amount"] == money("10.00")
    refunded = await post(f"{payment}/refunds", {"amount": money("40.00"), "reason": "破损"})
    assert refunded.status_code == 201, refunded.text
    assert refunded.json()["amount"] == money("40.00")
    too_much = await post(f"{payment}/refunds", {"amount": money("60.01")})
    assert (too_much.status_code, too_much.json()["code"]) == (409, "refund_exceeds_payment")
    order_now = (await client.get(path)).json()
    assert (order_now["status"], order_now["refunded"]) == ("partly_refunded", money("40.00"))
    assert len((await client.get(f"{payment}/refunds")).json()["data"]) == 1
    assert len((await client.get(f"{payment}/shares")).json()["data"]) == 1
    assert await balance_of(client, payer) == "940.00"


async def test_a_static_code_is_drawn_read_and_paid(
    client: httpx.AsyncClient, post: Any, payer: dict[str, Any], merchant: dict[str, Any]
) -> None:
    made = await post(f"/v1/merchants/{merchant['id']}/codes", {"kind": "static"})
    assert made.status_code == 201, made.text
    code = made.json()
    svg = await client.get(f"/v1/codes/{code['id']}.svg")
    assert (svg.headers["content-type"], svg.content[:5]) == (
        "image/svg+xml; charset=utf-8",
        b"<?xml",
    )
    png = await client.get(f"/v1/codes/{code['id']}.png")
    assert (png.headers["content-type"], png.content[:4]) == ("image/png", b"\x89PNG")
    assert (await client.get(f"/v1/codes/{code['id']}")).json() == code
    reading = await client.post("/v1/codes/read", json={"payload": code["payload"]})
    assert reading.status_code == 200, reading.text
    assert reading.json()["merchant"] == merchant["id"]
    assert reading.json()["amount"] is None
    asked = {"payer": payer["account"], "code": code["id"], "amount": money("12.00")}
    paid = await post("/v1/payments", asked)
    assert (paid.status_code, paid.json()["kind"]) == (201, "static_qr"), paid.text
    assert paid.json()["merchant"] == merchant["id"]


async def test_a_dynamic_code_leads_to_its_order(
    client: httpx.AsyncClient, post: Any, payer: dict[str, Any], merchant: dict[str, Any]
) -> None:
    body = {"kind": "dynamic", "amount": money("30.00"), "reference": "till-1"}
    made = await post(f"/v1/merchants/{merchant['id']}/codes", body)
    assert made.status_code == 201, made.text
    payload = {"payload": made.json()["payload"]}
    reading = (await client.post("/v1/codes/read", json=payload)).json()
    assert (reading["amount"], reading["status"]) == (money("30.00"), "created")
    paid = await post(f"/v1/checkouts/{reading['payment']}/pay", {"payer": payer["account"]})
    assert paid.json()["status"] == "succeeded", paid.text


async def test_a_customers_code_is_collected_once(
    client: httpx.AsyncClient, post: Any, payer: dict[str, Any], merchant: dict[str, Any]
) -> None:
    issued = await post(f"/v1/customers/{payer['id']}/payment-codes", {})
    assert issued.status_code == 201, issued.text
    asked = {
        "merchant": merchant["id"],
        "code": issued.json()["code"],
        "amount": money("18.00"),
    }
    taken = await post("/v1/collections", asked)
    assert (taken.status_code, taken.json()["status"]) == (201, "succeeded"), taken.text
    again = await post("/v1/collections", asked)
    assert (again.status_code, again.json()["code"]) == (409, "code_used")
    assert await balance_of(client, payer) == "982.00"


async def test_an_authorisation_is_captured_in_part_or_voided(
    client: httpx.AsyncClient, post: Any, payer: dict[str, Any], merchant: dict[str, Any]
) -> None:
    asked = {"payer": payer["account"], "merchant": merchant["id"], "amount": money("500.00")}
    held = await post("/v1/authorisations", asked)
    assert (held.status_code, held.json()["status"]) == (201, "pending"), held.text
    account = (await client.get(f"/v1/accounts/{payer['account']}")).json()
    assert (account["balance"], account["available"]) == (money("1000.00"), money("500.00"))
    path = f"/v1/authorisations/{held.json()['id']}"
    taken = await post(f"{path}/capture", {"amount": money("420.00")})
    assert (taken.status_code, taken.json()["amount"]) == (200, money("420.00")), taken.text
    other = await post("/v1/authorisations", asked)
    voided = await post(f"/v1/authorisations/{other.json()['id']}/void", {})
    assert (voided.status_code, voided.json()["status"]) == (200, "closed"), voided.text
    assert await balance_of(client, payer) == "580.00"


async def test_top_ups_and_withdrawals_wait_for_the_bank(
    client: httpx.AsyncClient, post: Any, payer: dict[str, Any]
) -> None:
    for path in ("/v1/top-ups", "/v1/withdrawals"):
        asked = {"account": payer["account"], "amount": money("100.00")}
        made = await post(path, asked)
        assert (made.status_code, made.json()["status"]) == (201, "pending"), made.text
        shown = await client.get(f"/v1/payments/{made.json()['id']}")
        assert shown.json() == made.json()


async def test_an_account_is_frozen_unfrozen_and_closed(
    client: httpx.AsyncClient, post: Any, payer: dict[str, Any]
) -> None:
    path = f"/v1/accounts/{payer['account']}"
    frozen = await post(f"{path}/freeze", {"scope": "debits", "reason": "court order"})
    assert (frozen.status_code, frozen.json()["state"]) == (200, "debits_frozen"), frozen.text
    asked = {"account": payer["account"], "amount": money("1.00")}
    refused = await post("/v1/withdrawals", asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "account_frozen")
    thawed = await post(f"{path}/unfreeze", {"reason": "lifted"})
    assert thawed.json()["state"] == "open"
    full = await post(f"{path}/close", {"reason": "asked for"})
    assert (full.status_code, full.json()["code"]) == (409, "account_not_empty")


async def test_the_trial_balance_ties(client: httpx.AsyncClient, payer: dict[str, Any]) -> None:
    answer = (await client.get("/v1/ledger/trial-balance")).json()
    (books,) = answer["data"]
    assert books["currency"] == "CNY"
    assert books["is_tied"] is True
    assert books["debits"] == books["credits"]
    assert Decimal(books["debits"]["amount"]) > 0


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"amount": money("0.00")}, 422, "invalid_field", "amount.amount"),
        ({"amount": money("-1.00")}, 422, "invalid_field", "amount.amount"),
        ({"amount": money("1.001")}, 422, "invalid_field", "amount.amount"),
        ({"amount": money("1e3")}, 422, "invalid_field", "amount.amount"),
        ({"amount": {"amount": 1.5, "currency": "CNY"}}, 422, "invalid_field", "amount.amount"),
        ({"amount": {"amount": "1.50"}}, 422, "invalid_field", "amount.currency"),
        ({"amount": "1.50"}, 422, "invalid_field", "amount"),
        ({"payer": "acct_100000000191"}, 422, "invalid_field", "payer"),
        ({"payer": 7}, 422, "invalid_field", "payer"),
        ({"payee": None}, 422, "invalid_field", "payee"),
        ({"payee_mobile": "13900000000"}, 422, "invalid_field", "payee"),
        ({"description": "a\0b"}, 422, "invalid_field", "description"),
        ({"description": "x" * 257}, 422, "invalid_field", "description"),
        ({"reference": ""}, 422, "invalid_field", "reference"),
        ({"surplus": 1}, 422, "invalid_field", "surplus"),
    ],
)
async def test_a_bad_instant_payment_names_its_field_and_changes_nothing(  # noqa: PLR0917
    api: Any,
    post: Any,
    payer: dict[str, Any],
    merchant: dict[str, Any],
    change: dict[str, Any],
    status: int,
    code: str,
    field: str,
) -> None:
    asked = {"payer": payer["account"], "payee": merchant["account"], "amount": money("1.00")}
    before = await api.count()
    refused = await post("/v1/payments", {**asked, **change})
    problem = refused.json()
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.status_code, problem["code"], problem["field"]) == (status, code, field)
    assert await api.count() == before


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff", b'{"payer": "a", "payer": "b"}', b"[" * 100_000]
)
async def test_a_malformed_instant_payment_is_refused(
    api: Any, client: httpx.AsyncClient, content: bytes
) -> None:
    before = await api.count()
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
    refused = await client.post("/v1/payments", content=content, headers=headers)
    assert refused.status_code in (400, 413, 422), refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert await api.count() == before
