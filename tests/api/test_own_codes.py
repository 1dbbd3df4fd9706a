"""Customers' own codes: theirs to show, anybody's to scan, nobody else's to issue."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from tests.api.gating import SHOP


async def open_customer(post: Any) -> dict[str, Any]:
    mobile = f"13{uuid.uuid4().int % 10**9:09d}"
    made = await post("/v1/customers", {"name": "甲", "mobile": mobile, "account_class": 3})
    body: dict[str, Any] = made.json()
    return body


async def test_a_customer_issues_their_own_code_and_nobody_elses(
    api: Any,
    anonymous: httpx.AsyncClient,
    post: Any,
    customer_headers: Callable[..., Awaitable[dict[str, str]]],
) -> None:
    mine, other = await open_customer(post), await open_customer(post)
    headers = {**await customer_headers(mine["id"]), "Idempotency-Key": uuid.uuid4().hex}
    path = "/v1/customers/{}/payment-codes"
    issued = await anonymous.post(path.format(mine["id"]), json={}, headers=headers)
    assert issued.status_code == 201, issued.text
    again = await anonymous.post(path.format(mine["id"]), json={}, headers=headers)
    assert again.json() == issued.json()
    before = await api.count()
    headers["Idempotency-Key"] = uuid.uuid4().hex
    foreign = await anonymous.post(path.format(other["id"]), json={}, headers=headers)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    assert await api.count() == before


async def test_a_customer_reads_what_a_merchants_code_asks_for(
    anonymous: httpx.AsyncClient,
    post: Any,
    customer_headers: Callable[..., Awaitable[dict[str, str]]],
) -> None:
    customer = await open_customer(post)
    merchant = (await post("/v1/merchants", SHOP)).json()
    made = await post(f"/v1/merchants/{merchant['id']}/codes", {"kind": "static"})
    assert made.status_code == 201, made.text
    headers = await customer_headers(customer["id"])
    body = {"payload": made.json()["payload"]}
    read = await anonymous.post("/v1/codes/read", json=body, headers=headers)
    assert (read.status_code, read.json()["merchant_name"]) == (200, SHOP["name"]), read.text
    assert (await anonymous.post("/v1/codes/read", json=body)).status_code == 401
