"""Disputes and stores over HTTP: each side does its own acts, and staff decide by two."""

import uuid
from typing import Any

import httpx
import pytest
from tests.api.test_settlement_routes import Desk, desk

from huitong.kernel.ids import MERCHANT, read_id

__all__ = ["desk"]

PDF = b"%PDF-1.7\n" + b"waybill" * 1_000


class Sides:
    """A shop, its customer and a payment, and how each of them calls."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.anonymous = desk, desk.anonymous

    async def open(self, customer_headers: Any, amount: str = "80.00") -> dict[str, Any]:
        shop = await self.desk.add_shop("茶馆")
        paid = await self.desk.pay(shop, amount)
        self.shop, self.paid = shop, paid
        self.merchant = await self.desk.key(shop, "disputes:read", "disputes:write")
        self.customer = await customer_headers(paid["customer"])
        return paid

    async def post(
        self, path: str, headers: dict[str, str], body: dict[str, Any] | None = None
    ) -> httpx.Response:
        headers = {**headers, "Idempotency-Key": uuid.uuid4().hex}
        return await self.anonymous.post(path, json=body or {}, headers=headers)

    async def hand_in(self, path: str, content: bytes, kind: str) -> httpx.Response:
        headers = {**self.merchant, "Idempotency-Key": uuid.uuid4().hex, "Content-Type": kind}
        return await self.anonymous.post(
            f"{path}/evidence", content=content, headers=headers, params={"name": "运单.pdf"}
        )


@pytest.fixture
def sides(desk: Desk) -> Sides:
    return Sides(desk)


async def test_a_customer_disputes_and_two_of_staff_decide(
    sides: Sides, customer_headers: Any
) -> None:
    paid = await sides.open(customer_headers)
    body = {"payment": paid["id"], "reason": "not_received", "statement": "没有收到"}
    schemes = await sides.post("/v1/disputes", sides.customer, {**body, "stage": "chargeback"})
    assert (schemes.status_code, schemes.json()["field"]) == (422, "stage")
    opened = await sides.post("/v1/disputes", sides.customer, body)
    assert opened.status_code == 201, opened.text
    dispute = opened.json()
    assert (dispute["stage"], dispute["reason_en"]) == (
        "retrieval", "Goods or services were not received",
    )  # fmt: skip
    path = f"/v1/disputes/{dispute['id']}"

    own = await sides.post(f"{path}/contest", sides.customer)
    assert own.json()["code"] == "dispute_move_refused", "that is the merchant's"
    assert (await sides.hand_in(path, PDF, "image/png")).json()["code"] == "evidence_refused"
    handed = await sides.hand_in(path, PDF, "application/pdf")
    assert handed.status_code == 201, handed.text
    file = await sides.anonymous.get(
        f"{path}/evidence/{handed.json()['id']}", headers=sides.merchant
    )
    assert (file.content, file.headers["content-type"]) == (PDF, "application/pdf")
    by_customer = await sides.anonymous.get(
        f"{path}/evidence/{handed.json()['id']}", headers=sides.customer
    )
    assert by_customer.status_code == 403, "what a merchant handed in is not the payer's"
    for act, headers in (
        ("contest", sides.merchant),
        ("escalate", sides.customer),
        ("contest", sides.merchant),
        ("escalate", sides.customer),
        ("contest", sides.merchant),
    ):
        moved = await sides.post(f"{path}/{act}", headers)
        assert moved.status_code == 200, moved.text
    maker, checker = await sides.desk.headers("operations"), await sides.desk.headers("risk")
    wanted = {"outcome": "won", "reason": "the waybill is signed"}
    asked = await sides.post(f"{path}/decision", maker, wanted)
    assert asked.status_code == 202, asked.text
    decided = await sides.desk.staff.decide(asked, checker)
    assert decided.status_code == 200, decided.text
    seen = (await sides.anonymous.get(path, headers=sides.customer)).json()
    assert (seen["outcome"], seen["turn"]) == ("won", None)
    assert [step["act"] for step in seen["steps"]] == [
        "open", "contest", "escalate", "contest", "escalate", "contest", "decide_won",
    ]  # fmt: skip
    late = await sides.post(f"{path}/decision", maker, wanted)
    assert late.json()["code"] == "dispute_move_refused"


async def test_nobody_sees_or_touches_anothers_dispute(sides: Sides, customer_headers: Any) -> None:
    paid = await sides.open(customer_headers)
    body = {"payment": paid["id"], "reason": "cancelled"}
    stranger = await customer_headers()
    assert (await sides.post("/v1/disputes", stranger, body)).status_code == 404
    assert (await sides.post("/v1/disputes", sides.merchant, body)).status_code == 403
    dispute = (await sides.post("/v1/disputes", sides.customer, body)).json()
    other = await sides.desk.add_shop("书店", is_settled=False)
    key = await sides.desk.key(other, "disputes:read", "disputes:write")
    path = f"/v1/disputes/{dispute['id']}"
    for headers in (stranger, key):
        assert (await sides.anonymous.get(path, headers=headers)).status_code == 404
        listed = (await sides.anonymous.get("/v1/disputes", headers=headers)).json()
        assert listed.get("data", []) == []
    assert (await sides.post(f"{path}/accept", key)).status_code == 404
    mine = (await sides.anonymous.get("/v1/disputes", headers=sides.merchant)).json()["data"]
    assert [each["id"] for each in mine] == [dispute["id"]]


async def test_a_code_at_a_till_names_its_store(sides: Sides, api: Any) -> None:
    shop = await sides.desk.add_shop("茶馆")
    merchant_id = read_id(MERCHANT, shop["id"], field="id")
    secret = await api.make_key(
        "stores:write", "settlement:read", "payments:write", merchant_id=merchant_id
    )
    key = {"Authorization": f"Bearer {secret}"}
    path = f"/v1/merchants/{shop['id']}"
    store = (await sides.post(f"{path}/stores", key, {"name": "西店", "city": "平遥"})).json()
    code = (await sides.post(f"{path}/codes", key, {"kind": "static"})).json()
    body = {"label": "till 1", "code": code["id"]}
    opened = await sides.post(f"/v1/stores/{store['id']}/terminals", key, body)
    assert opened.status_code == 201, opened.text
    till = opened.json()

    await sides.desk.pay({**shop, "code": code["id"]}, "10.00")
    money = {"amount": "20.00", "currency": "CNY"}
    checkout = {"merchant": shop["id"], "amount": money, "terminal": till["id"]}
    assert (await sides.post("/v1/checkouts", key, checkout)).status_code == 201
    days = {"first_day": "2026-01-01", "last_day": "2026-01-31"}
    empty = await sides.anonymous.get(f"{path}/store-report", params=days, headers=key)
    assert empty.json()["data"] == []
    report = await sides.desk.report(path, key)
    assert [(row["name"], row["count"], row["amount"]["amount"]) for row in report] == [
        ("西店", 1, "10.00")
    ]
    assert (await sides.post(f"/v1/stores/{store['id']}/close", key)).status_code == 200
    refused = await sides.post("/v1/checkouts", key, checkout)
    assert (refused.status_code, refused.json()["code"]) == (409, "terminal_closed")
    with pytest.raises(AssertionError, match="code_not_found"):
        await sides.desk.pay({**shop, "code": code["id"]}, "10.00")
