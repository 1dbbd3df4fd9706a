"""Limits, freezes, reviews and closing over a real server."""

from datetime import timedelta
from itertools import count
from typing import Any

import httpx

from huitong import customers
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import CUSTOMER, read_id

_numbers = count(13_600_000_000)


async def open_customer(post: Any, account_class: int = 1) -> dict[str, Any]:
    body = {"name": "李雷", "mobile": str(next(_numbers)), "account_class": account_class}
    made: dict[str, Any] = (await post("/v1/customers", body)).json()
    return made


async def test_limits_show_what_may_still_be_paid(client: httpx.AsyncClient, post: Any) -> None:
    made = await open_customer(post)
    shown = (await client.get(f"/v1/customers/{made['id']}/limits")).json()
    balance = shown["meters"][0]
    assert (shown["account_class"], balance["meter"]) == (1, "balance_payments")
    assert balance["total"]["left"] == {"amount": "1000.00", "currency": "CNY"}
    assert balance["day"]["used"] == {"amount": "0.00", "currency": "CNY"}
    assert balance["year"] is None
    assert [meter["meter"] for meter in shown["meters"]] == [
        "balance_payments",
        "static_code",
        "dynamic_code",
    ]


async def test_a_customer_is_frozen_unfrozen_and_closed(
    client: httpx.AsyncClient, post: Any
) -> None:
    made = await open_customer(post)
    path, account = f"/v1/customers/{made['id']}", f"/v1/accounts/{made['account']}"
    frozen = await post(f"{path}/freeze", {"scope": "all", "reason": "court order"})
    state = (await client.get(account)).json()["state"]
    assert (frozen.status_code, state) == (200, "frozen")
    await post(f"{path}/unfreeze", {"reason": "lifted"})
    assert (await client.get(account)).json()["state"] == "open"
    top_up = {"account": made["account"], "amount": {"amount": "1.00", "currency": "CNY"}}
    assert (await post("/v1/top-ups", top_up)).status_code == 201
    refused = await post(f"{path}/close", {"reason": "asked for"})
    assert (refused.status_code, refused.json()["code"]) == (409, "orders_open")
    assert (await client.get(path)).json()["closed_at"] is None
    other = await open_customer(post)
    closed = await post(f"/v1/customers/{other['id']}/close", {"reason": "asked for"})
    assert closed.json()["closed_at"] is not None
    again = await post(f"/v1/customers/{other['id']}/freeze", {"scope": "all", "reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "customer_is_closed")
    account_name = (await client.get(account)).json()["name"]
    assert account_name == "支付账户 Payment account"


async def test_a_review_needs_a_verified_identity(client: httpx.AsyncClient, post: Any) -> None:
    made = await open_customer(post)
    path = f"/v1/customers/{made['id']}"
    for command, body in (
        ("review", {"valid_until": "2046-05-01", "reason": "seen"}),
        ("in-person-check", {"reason": "seen"}),
    ):
        refused = await post(f"{path}/{command}", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "identity_not_verified")
    expired = await post(f"{path}/review", {"valid_until": "2020-05-01", "reason": "seen"})
    assert (expired.status_code, expired.json()["code"]) == (422, "document_expired")
    assert (await client.get("/v1/customer-reviews")).json()["data"] == []


async def test_who_is_due_is_listed_until_reviewed(
    api: Any, client: httpx.AsyncClient, post: Any
) -> None:
    made = await open_customer(post)
    customer_id = read_id(CUSTOMER, made["id"], field="id")
    now = SystemClock().now()

    async def verify(uow: Any) -> None:
        await uow.execute(
            "INSERT INTO customers.identities (customer_id, id_number, person, id_index, "
            "name_birth_index, valid_until_on, channels, is_in_person, verified_at, review_due_on)"
            " VALUES (:id, :sealed, :sealed, :index, :index, :expired, '{}', false, :now, "
            ":expired)",
            id=customer_id,
            sealed=b"0" * 40,
            index=b"1" * 32,
            expired=(now - timedelta(days=2)).date(),
            now=now,
        )

    await api.run(verify)
    await api.run(lambda uow: customers.mark_reviews_due(uow, now=now))
    due = (await client.get("/v1/customer-reviews")).json()["data"]
    assert [(each["customer"], each["reason"]) for each in due] == [
        (made["id"], "document_expired")
    ]
    path = f"/v1/customers/{made['id']}"
    done = await post(f"{path}/review", {"valid_until": "2046-05-01", "reason": "new card"})
    raised = await post(f"{path}/in-person-check", {"reason": "seen with the new card"})
    assert (done.status_code, raised.json()["account_class"]) == (200, 3)
    assert (await client.get("/v1/customer-reviews")).json()["data"] == []
