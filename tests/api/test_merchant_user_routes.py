"""People who act for a merchant see its sheets, fees and disputes with their own session."""

import uuid
from typing import Any

import pytest
from tests.api.test_dispute_routes import PDF, Sides, sides
from tests.api.test_settlement_routes import Desk, desk

from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import CUSTOMER, MERCHANT, read_id
from huitong.kernel.money import Money
from huitong.payments import bulk

__all__ = ["desk", "sides"]


async def name_viewer(api: Any, post: Any, shop: dict[str, Any]) -> bulk.BusinessUser:
    """Name somebody who may look for a shop, and do nothing else."""
    body = {"name": "韩梅", "mobile": f"138{uuid.uuid4().int % 10**8:08d}", "account_class": 1}
    person = (await post("/v1/customers", body)).json()
    user = bulk.BusinessUser(
        merchant_id=read_id(MERCHANT, shop["id"], field="id"),
        customer_id=read_id(CUSTOMER, person["id"], field="id"),
        role=bulk.Role.VIEWER,
        amount_max=Money.zero("CNY"),
    )
    await api.run(lambda uow: bulk.name_business_user(uow, user, now=SystemClock().now()))
    return user


async def end(api: Any, user: bulk.BusinessUser) -> None:
    await api.run(
        lambda uow: bulk.end_business_user(
            uow,
            merchant_id=user.merchant_id,
            customer_id=user.customer_id,
            role=user.role,
            now=SystemClock().now(),
        )
    )


async def test_sheets_and_fees_are_seen_while_one_acts_for_the_merchant(
    desk: Desk, api: Any, post: Any, customer_headers: Any
) -> None:
    shop = await desk.add_shop("茶馆")
    await desk.pay(shop, "88.88")
    [made] = await desk.settle()
    user = await name_viewer(api, post, shop)
    headers = await customer_headers(f"cus_{user.customer_id.hex}")
    merchant, sheet = f"/v1/merchants/{shop['id']}", f"/v1/settlement-sheets/sht_{made.id.hex}"

    listed = await desk.anonymous.get(f"{merchant}/sheets", headers=headers)
    assert [each["payout"]["amount"] for each in listed.json()["data"]] == ["88.25"]
    lines = (await desk.anonymous.get(f"{sheet}/lines", headers=headers)).json()["data"]
    assert [line["kind"] for line in lines] == ["payment"]
    fees = (await desk.anonymous.get(f"{merchant}/fees", headers=headers)).json()["data"]
    [rule] = fees[0]["plan"]["versions"][0]["rules"]
    assert (rule["rate_permille"], rule["fixed"]["amount"]) == ("6", "0.10")

    paths = [sheet, f"{sheet}/lines", f"{sheet}/sheet.csv", f"{merchant}/sheets"]
    paths += [f"{merchant}/settlement", f"{merchant}/fees"]
    for path in paths:
        assert (await desk.anonymous.get(path, headers=headers)).status_code == 200, path
    await end(api, user)
    stranger = await customer_headers()
    for path in paths:
        for others in (headers, stranger):
            assert (await desk.anonymous.get(path, headers=others)).status_code == 404, path
    everybodys = await desk.anonymous.get("/v1/settlement-sheets", headers=headers)
    assert everybodys.status_code == 403
    asked = await desk.anonymous.get(f"/v1/fee-plans/{desk.code}", headers=headers)
    assert asked.status_code == 403


async def test_disputes_are_seen_but_neither_sides_acts_are_done(
    sides: Sides, api: Any, post: Any, customer_headers: Any
) -> None:
    paid = await sides.open(customer_headers)
    body = {"payment": paid["id"], "reason": "not_received"}
    dispute = (await sides.post("/v1/disputes", sides.customer, body)).json()
    path = f"/v1/disputes/{dispute['id']}"
    file = (await sides.hand_in(path, PDF, "application/pdf")).json()
    user = await name_viewer(api, post, sides.shop)
    headers = await customer_headers(f"cus_{user.customer_id.hex}")

    of_shop = {"merchant": sides.shop["id"]}
    listed = await sides.anonymous.get("/v1/disputes", params=of_shop, headers=headers)
    assert [each["id"] for each in listed.json()["data"]] == [dispute["id"]]
    own = await sides.anonymous.get("/v1/disputes", headers=headers)
    assert own.json()["data"] == [], "of payments that one made oneself"
    seen = await sides.anonymous.get(path, headers=headers)
    assert [each["id"] for each in seen.json()["evidence"]] == [file["id"]]
    content = await sides.anonymous.get(f"{path}/evidence/{file['id']}", headers=headers)
    assert content.content == PDF
    for act in ("contest", "accept", "escalate", "withdraw"):
        refused = await sides.post(f"{path}/{act}", headers)
        assert refused.status_code in (404, 409), act
    again = (await sides.anonymous.get(path, headers=sides.merchant)).json()
    assert (again["turn"], again["outcome"]) == ("merchant", None), "nothing was done"


@pytest.mark.parametrize("whose", ["payer", "stranger", "other_shop"])
async def test_a_merchants_disputes_are_nobody_elses(
    sides: Sides, customer_headers: Any, whose: str
) -> None:
    await sides.open(customer_headers)
    other = await sides.desk.add_shop("书店", is_settled=False)
    headers = {
        "payer": sides.customer,
        "stranger": await customer_headers(),
        "other_shop": await sides.desk.key(other, "disputes:read"),
    }[whose]
    of_shop = {"merchant": sides.shop["id"]}
    refused = await sides.anonymous.get("/v1/disputes", params=of_shop, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
