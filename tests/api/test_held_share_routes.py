"""Held profit shares over HTTP: a merchant's key, staff who decide, and nobody else."""

import uuid
from typing import Any

import pytest
from tests.api.test_settlement_routes import Desk, desk, fresh

from huitong import payments
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import ENTRY, PAYMENT, read_id, uuid7
from huitong.kernel.money import Money
from huitong.ledger import read_account
from huitong.payments.commands.share_holds import hold_shares
from huitong.payments.share_types import HeldShare
from huitong.payments.stop_types import StopAction, StopReason, StopState

__all__ = ["desk"]


async def hold(desk: Desk, shop: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return a payment of a shop, and the id of a share of 10.00 of it that is held."""
    paid = await desk.pay(shop, "80.00")
    body = {"name": "王芳", "mobile": f"138{uuid.uuid4().int % 10**8:08d}", "account_class": 1}
    partner = (await desk.post("/v1/customers", body)).json()
    now = SystemClock().now()
    amount = Money.parse("10.00", "CNY")
    held = HeldShare(
        entry_id=uuid7(),
        order_id=read_id(PAYMENT, paid["id"], field="id"),
        merchant_account_id=read_account(shop["account"], field="account"),
        amount=amount,
        receivers=(
            payments.ShareReceiver(
                account_id=read_account(partner["account"], field="account"), amount=amount
            ),
        ),
        description=None,
        action=StopAction.REVIEW,
        state=StopState.HELD,
        reasons=(StopReason(zh="需要核实。", en="It must be looked at."),),
        held_at=now,
        due_at=now.replace(year=now.year + 1),
    )
    await desk.api.run(lambda uow: hold_shares(uow, held, now=now))
    return paid, f"{ENTRY}_{held.entry_id.hex}"


async def test_a_merchant_sees_what_is_held_and_gives_it_up(desk: Desk) -> None:
    shop, other = await desk.add_shop("茶馆"), await desk.add_shop("书店", is_settled=False)
    paid, share = await hold(desk, shop)
    key = await desk.key(shop, "payments:read", "payments:write")
    seen = await desk.anonymous.get(f"/v1/payments/{paid['id']}/shares", headers=key)
    [held] = seen.json()["held"]
    assert (held["id"], held["state"], held["amount"]["amount"]) == (share, "held", "10.00")
    assert seen.json()["data"] == []

    path = f"/v1/held-shares/{share}/cancel"
    strangers = await desk.key(other, "payments:write")
    refused = await desk.anonymous.post(path, json={}, headers=fresh(strangers))
    assert (refused.status_code, refused.json()["code"]) == (404, "held_share_not_found")
    for _ in range(2):
        ended = await desk.anonymous.post(path, json={}, headers=fresh(key))
        assert (ended.status_code, ended.json()["outcome"]) == (200, "cancelled"), ended.text


@pytest.mark.parametrize(("act", "outcome"), [("release", "released"), ("reject", "rejected")])
async def test_staff_decide_with_a_reason(desk: Desk, act: str, outcome: str) -> None:
    shop = await desk.add_shop("茶馆")
    paid, share = await hold(desk, shop)
    risk, service = await desk.headers("risk"), await desk.headers("service")
    listed = await desk.anonymous.get("/v1/held-shares", headers=service)
    assert share in [each["id"] for each in listed.json()["data"]]
    path = f"/v1/held-shares/{share}/{act}"
    asked = await desk.anonymous.post(path, json={"reason": "seen"}, headers=fresh(service))
    assert asked.status_code == 403
    unsaid = await desk.anonymous.post(path, json={}, headers=fresh(risk))
    assert (unsaid.status_code, unsaid.json()["field"]) == (422, "reason")
    if act == "reject":
        # What was never decided about cannot be labelled, so nothing happens at all.
        missing = await desk.anonymous.post(path, json={"reason": "seen"}, headers=fresh(risk))
        assert missing.status_code == 404, missing.text
        return
    done = await desk.anonymous.post(path, json={"reason": "seen"}, headers=fresh(risk))
    assert (done.status_code, done.json()["outcome"]) == (200, outcome), done.text
    again = await desk.anonymous.post(path, json={"reason": "seen"}, headers=fresh(risk))
    assert (again.status_code, again.json()["code"]) == (409, "held_share_ended")
    key = await desk.key(shop, "payments:read")
    seen = await desk.anonymous.get(f"/v1/payments/{paid['id']}/shares", headers=key)
    assert [each["amount"]["amount"] for each in seen.json()["data"]] == ["10.00"]
