"""Withdrawals that wait, and the ways to pay that are stopped, over a real server."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.api.test_risk_routes import RULE, once, store_backtest, today

from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money

#: What the rules of this file do with which amount.
DELAYED, REVIEWED, BLOCKED, FREE = "700.01", "700.02", "700.03", "700.04"
_ACTIONS = {DELAYED: "delay", REVIEWED: "review", BLOCKED: "block"}


def yuan(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


@pytest.fixture(scope="module")
def signed_in() -> dict[str, dict[str, str]]:
    """Sessions of this module by name: second factors are good once."""
    return {}


async def seat(staff: Any, signed_in: dict[str, dict[str, str]], name: str) -> dict[str, str]:
    if name not in signed_in:
        signed_in[name] = await staff.sign_in(await staff.person(name, "risk"))
    return signed_in[name]


async def open_customer(api: Any, post: Any) -> dict[str, Any]:
    mobile = f"13{uuid.uuid4().int % 10**9:09d}"
    made = await post("/v1/customers", {"name": "甲", "mobile": mobile, "account_class": 3})
    await api.fund(made.json()["account"], 1_000_000)
    found: dict[str, Any] = made.json()
    return found


async def balance(client: httpx.AsyncClient, customer: dict[str, Any]) -> tuple[str, str]:
    """Return what is there, and what of it is free."""
    shown = (await client.get(f"/v1/accounts/{customer['account']}/balance")).json()
    return shown["balance"]["amount"], shown["available"]["amount"]


@dataclass
class Office:
    """Two members of risk staff at the same server."""

    http: httpx.AsyncClient
    staff: Any
    maker: dict[str, str]
    checker: dict[str, str]

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path, headers=self.maker)

    async def ask(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self.http.post(path, json=body, headers=once(self.maker))

    async def decide(self, asked: httpx.Response) -> httpx.Response:
        answer: httpx.Response = await self.staff.decide(asked, self.checker)
        return answer


@pytest.fixture
async def office(
    anonymous: httpx.AsyncClient, staff: Any, signed_in: dict[str, dict[str, str]]
) -> Office:
    maker, checker = [await seat(staff, signed_in, f"risk_{name}") for name in ("one", "two")]
    return Office(anonymous, staff, maker, checker)


@pytest.fixture(autouse=True)
async def rules(api: Any, post: Any, office: Office, signed_in: dict[str, dict[str, str]]) -> None:
    """Set rules live once for this file, and wait until the server knows them."""
    if "live" in signed_in:
        return
    made = [
        {**RULE, "key": action, "predicate": f"amount = {Money.parse(amount, 'CNY').minor}"}
        | {"action": action}
        for amount, action in _ACTIONS.items()
    ]
    body = {"purpose": "payment", "rules": made}
    version = (await office.ask("/v1/risk/rules", body)).json()
    path = f"/v1/risk/rules/{version['id']}"
    await office.ask(f"{path}/shadow", {})
    await store_backtest(api, version)
    body = {"digest": version["digest"], "effective_from": today(), "reason": "tested"}
    assert (await office.decide(await office.ask(f"{path}/live", body))).status_code == 200
    somebody = await open_customer(api, post)
    withdrawal = {"account": somebody["account"], "amount": yuan(BLOCKED)}
    for _ in range(100):
        if (await post("/v1/withdrawals", withdrawal)).status_code == 422:
            break
        await asyncio.sleep(0.1)
    else:
        raise AssertionError("the server never read the rules")
    signed_in["live"] = {}


async def withdraw(post: Any, customer: dict[str, Any], amount: str) -> dict[str, Any]:
    made = await post("/v1/withdrawals", {"account": customer["account"], "amount": yuan(amount)})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def test_a_customer_sees_why_it_waits_and_cancels_it(
    api: Any,
    client: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    post: Any,
    customer_headers: Any,
) -> None:
    customer, other = [await open_customer(api, post) for _ in range(2)]
    headers, foreign = [await customer_headers(each["id"]) for each in (customer, other)]
    order = await withdraw(post, customer, DELAYED)
    path = f"/v1/withdrawals/{order['id']}"
    assert await balance(client, customer) == ("10000.00", "9299.99")

    shown = (await anonymous.get(path, headers=headers)).json()
    assert (shown["status"], shown["hold"]["held_at"]) == ("pending", order["created_at"])
    assert shown["hold"]["held_until"][:10] > order["created_at"][:10]
    assert "取消" in shown["hold"]["zh"]
    assert "cancel" in shown["hold"]["en"]
    for answer in (
        await anonymous.get(path, headers=foreign),
        await anonymous.post(f"{path}/cancel", headers=once(foreign)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    key = once(headers)
    cancelled = await anonymous.post(f"{path}/cancel", headers=key)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "closed")
    assert cancelled.json()["hold"] is None
    again = await anonymous.post(f"{path}/cancel", headers=key)
    assert (again.status_code, again.content) == (200, cancelled.content)
    assert await balance(client, customer) == ("10000.00", "10000.00")


async def test_one_that_does_not_wait_is_not_cancelled(
    api: Any, client: httpx.AsyncClient, post: Any
) -> None:
    customer = await open_customer(api, post)
    order = await withdraw(post, customer, FREE)
    path = f"/v1/withdrawals/{order['id']}"
    assert (await client.get(path)).json()["hold"] is None
    refused = await post(f"{path}/cancel", None)
    assert (refused.status_code, refused.json()["code"]) == (409, "withdrawal_not_held")
    top_up = (
        await post("/v1/top-ups", {"account": customer["account"], "amount": yuan("1.00")})
    ).json()
    for answer in (
        await client.get(f"/v1/withdrawals/{top_up['id']}"),
        await post(f"/v1/withdrawals/{top_up['id']}/cancel", None),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    unknown = await post(f"/v1/withdrawals/pay_{uuid7().hex}/cancel", None)
    assert unknown.status_code == 404


async def test_a_key_of_a_merchant_has_no_business_with_withdrawals(
    api: Any, anonymous: httpx.AsyncClient, post: Any
) -> None:
    order = await withdraw(post, await open_customer(api, post), DELAYED)
    secret = await api.make_key("payments:write", "payments:read", merchant_id=uuid7())
    headers = {"Authorization": f"Bearer {secret}"}
    path = f"/v1/withdrawals/{order['id']}"
    assert (await anonymous.get(path, headers=headers)).status_code == 403
    assert (await anonymous.post(f"{path}/cancel", headers=once(headers))).status_code == 403


@pytest.mark.parametrize(("act", "status"), [("release", "pending"), ("stop", "closed")])
async def test_two_members_of_staff_decide_on_one_under_review(
    api: Any, client: httpx.AsyncClient, post: Any, office: Office, *, act: str, status: str
) -> None:
    customer = await open_customer(api, post)
    order = await withdraw(post, customer, REVIEWED)
    path = f"/v1/withdrawals/{order['id']}"
    listed = (await office.get("/v1/risk/withdrawals")).json()["data"]
    found = next(each for each in listed if each["payment"] == order["id"])
    assert (found["amount"], found["held_until"]) == (yuan(REVIEWED), None)
    decision = await office.get(f"/v1/risk/decisions/{order['id'].replace('pay_', 'dec_')}")
    assert decision.json()["action"] == "review"

    body = {"reason": "called the customer"}
    asked = await office.ask(f"/v1/risk/withdrawals/{order['id']}/{act}", body)
    assert asked.status_code == 202, asked.text
    own = await office.staff.decide(asked, office.maker)
    assert (own.status_code, own.json()["code"]) == (403, "own_request")
    assert (await client.get(path)).json()["hold"] is not None
    decided = await office.decide(asked)
    assert decided.status_code == 200, decided.text
    shown = (await client.get(path)).json()
    assert (shown["status"], shown["hold"]) == (status, None)
    late = await office.ask(f"/v1/risk/withdrawals/{order['id']}/{act}", body)
    assert (late.status_code, late.json()["code"]) == (409, "withdrawal_not_held")
    free = "10000.00" if act == "stop" else "9299.98"
    assert (await balance(client, customer))[1] == free


async def test_what_was_cancelled_meanwhile_is_not_released(
    api: Any, client: httpx.AsyncClient, post: Any, office: Office
) -> None:
    order = await withdraw(post, await open_customer(api, post), REVIEWED)
    path = f"/v1/withdrawals/{order['id']}"
    asked = await office.ask(f"/v1/risk/withdrawals/{order['id']}/release", {"reason": "fine"})
    assert (await post(f"{path}/cancel", None)).status_code == 200
    decided = await office.decide(asked)
    assert (decided.status_code, decided.json()["code"]) == (409, "withdrawal_not_held")
    assert (await client.get(path)).json()["status"] == "closed"


async def test_every_way_is_stopped_once_and_says_by_which_decision(
    api: Any, client: httpx.AsyncClient, post: Any, office: Office
) -> None:
    customer = await open_customer(api, post)
    body = {
        "name": "三味书屋",
        "name_latin": "SANWEI BOOKS",
        "city_latin": "SHAOXING",
        "category_code": "5942",
        "fee_rate": "0.006",
    }
    merchant = (await post("/v1/merchants", body)).json()["id"]
    asked = {"merchant": merchant, "amount": yuan(BLOCKED)}
    checkout = (await post("/v1/checkouts", asked)).json()["id"]
    code = (await post(f"/v1/customers/{customer['id']}/payment-codes", None)).json()["code"]
    before = await api.count()
    ways = (
        (f"/v1/checkouts/{checkout}/pay", {"payer": customer["account"]}),
        ("/v1/authorisations", {**asked, "payer": customer["account"]}),
        ("/v1/collections", {**asked, "code": code}),
        ("/v1/withdrawals", {"account": customer["account"], "amount": yuan(BLOCKED)}),
    )
    for path, wanted in ways:
        key = uuid.uuid4().hex
        refused = await post(path, wanted, key=key)
        assert (refused.status_code, refused.json()["code"]) == (422, "payment_blocked"), path
        again = await post(path, wanted, key=key)
        named = refused.json()["context"]["decision"]
        assert again.json()["context"]["decision"] == named
        shown = await office.get(f"/v1/risk/decisions/{named}")
        assert shown.json()["action"] == "block"
        assert shown.json()["replay"]["is_same"] is True
    after = await api.count()
    assert after == {**before, "kernel.replies": before["kernel.replies"] + len(ways)}
    assert await balance(client, customer) == ("10000.00", "10000.00")


async def test_a_customers_own_payment_tells_risk_of_device_and_address(
    api: Any,
    anonymous: httpx.AsyncClient,
    post: Any,
    customer_headers: Any,
    office: Office,
) -> None:
    customer, payee = [await open_customer(api, post) for _ in range(2)]
    headers = await customer_headers(customer["id"])
    body = {"payer": customer["account"], "payee": payee["account"], "amount": yuan("1.00")}
    seen = []
    for sender in (headers, headers, None):
        paid = (
            await post("/v1/payments", body)
            if sender is None
            else await anonymous.post("/v1/payments", json=body, headers=once(sender))
        )
        assert paid.status_code == 201, paid.text
        decision = await office.get(
            f"/v1/risk/decisions/{paid.json()['id'].replace('pay_', 'dec_')}"
        )
        seen.append(decision.json()["features"])
    first, second, partners = seen
    assert (first["is_new_device"], second["is_new_device"]) == (True, False)
    assert second["device_payments_1h"] == pytest.approx(1, abs=0.01)
    # Everybody of these tests is at the same address.
    assert second["address_payments_1h"] >= 0.9
    # A partner's server says nothing of where the payer is.
    assert (partners["is_new_device"], partners["address_payments_1h"]) == (None, None)


async def test_a_withdrawal_names_an_account_at_a_bank(client: Any, api: Any, post: Any) -> None:
    customer = await open_customer(api, post)
    body = {"account": customer["account"], "amount": yuan(FREE)}
    account = {"bank_code": "102100099996", "number": "6222021234567890123"}
    made = await post("/v1/withdrawals", body | {"bank_account": account})
    assert made.status_code == 201
    assert account["number"] not in made.text
    assert (await balance(client, customer))[1] == "9299.96"
    wrong = account | {"bank_code": "102100099997"}
    refused = await post("/v1/withdrawals", body | {"bank_account": wrong})
    assert (refused.status_code, refused.json()["field"]) == (
        422,
        "bank_account.bank_code",
    )
    assert (await balance(client, customer))[1] == "9299.96"
