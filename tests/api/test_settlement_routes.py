"""Settlement over HTTP: plans and terms by two, a shop that is paid, and its sheet."""

import csv
import io
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from huitong import ledger
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import MERCHANT, read_id
from huitong.kernel.rulebook import Rulebook
from huitong.payments import merchants

PLAN = {
    "name_zh": "标准费率",
    "name_en": "Standard",
    "refunds_return_fee": True,
    "rules": [
        {
            "rate_permille": "6",
            "fixed": {"amount": "0.10", "currency": "CNY"},
            "fee_max": {"amount": "25.00", "currency": "CNY"},
        }
    ],
    "reason": "agreed in the meeting",
}
TERMS = {"cycle_days": 0, "cutoff": "24:00", "reason": "first contract"}


def fresh(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Idempotency-Key": uuid.uuid4().hex}


class Desk:
    """Two members of staff, one asks and the other one decides; and shops with customers."""

    def __init__(self, api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any) -> None:
        self.api, self.anonymous, self.post, self.staff = api, anonymous, post, staff
        #: The server and its plans are the same for all tests.
        self.code = f"plan_{uuid.uuid4().hex[:8]}"
        self.signed_in: dict[str, dict[str, str]] = {}

    async def headers(self, role: str) -> dict[str, str]:
        if role not in self.signed_in:
            self.signed_in[role] = await self.staff.headers(role)
        return self.signed_in[role]

    def plan(self) -> dict[str, Any]:
        return {**PLAN, "plan": self.code, "effective_from": today()}

    def terms(self) -> dict[str, Any]:
        return {**TERMS, "plan": self.code, "effective_from": today()}

    async def ask(
        self, path: str, body: dict[str, Any], role: str = "operations"
    ) -> httpx.Response:
        headers = fresh(await self.headers(role))
        return await self.anonymous.post(path, json=body, headers=headers)

    async def agree(self, path: str, body: dict[str, Any]) -> None:
        asked = await self.ask(path, body)
        assert asked.status_code == 202, asked.text
        decided = await self.staff.decide(asked, await self.headers("risk"))
        assert decided.status_code == 200, decided.text

    async def add_shop(self, name: str, *, is_settled: bool = True) -> dict[str, Any]:
        body = {
            "name": name,
            "name_latin": "HUITONG TEA HOUSE",
            "city_latin": "PINGYAO",
            "category_code": "5812",
            "fee_rate": "0",
        }
        made = await self.post("/v1/merchants", body)
        assert made.status_code == 201, made.text
        shop: dict[str, Any] = made.json()
        if is_settled:
            await self.agree("/v1/fee-plans", self.plan())
            path = f"/v1/merchants/{shop['id']}/terms"
            await self.agree(path, self.terms())
        return shop

    async def pay(self, shop: dict[str, Any], amount: str) -> dict[str, Any]:
        mobile = f"138{uuid.uuid4().int % 10**8:08d}"
        body = {"name": "李雷", "mobile": mobile, "account_class": 1}
        payer = (await self.post("/v1/customers", body)).json()
        await self.api.fund(payer["account"], 100_000)
        body = {
            "payer": payer["account"],
            "payee": shop["account"],
            "amount": {"amount": amount, "currency": "CNY"},
        }
        paid = await self.post("/v1/payments", body)
        assert paid.status_code == 201, paid.text
        return {**paid.json(), "customer": payer["id"]}

    async def key(self, shop: dict[str, Any], *scopes: str) -> dict[str, str]:
        """Return the headers of a key that is bound to a shop."""
        merchant_id = read_id(MERCHANT, shop["id"], field="id")
        secret = await self.api.make_key(*scopes, merchant_id=merchant_id)
        return {"Authorization": f"Bearer {secret}"}

    async def settle(self) -> list[merchants.Sheet]:
        """Settle as a worker does in some days, whatever holidays there are."""
        now = SystemClock().now() + timedelta(days=12)
        async with Database(self.api.owner_url, role="huitong_app", size=2) as database:
            await ledger.project_all(database)
            return await merchants.settle_due(database, rulebook=Rulebook.load(), now=now)


@pytest.fixture
def desk(api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any) -> Desk:
    return Desk(api, anonymous, post, staff)


def today() -> str:
    return business_day(SystemClock().now()).isoformat()


async def test_a_shop_is_settled_and_sees_its_sheet(desk: Desk) -> None:
    shop = await desk.add_shop("茶馆")
    paid = await desk.pay(shop, "88.88")

    [made] = await desk.settle()

    key = await desk.key(shop, "settlement:read")
    seen = await desk.anonymous.get(f"/v1/merchants/{shop['id']}/sheets", headers=key)
    [sheet] = seen.json()["data"]
    parts = {name: Decimal(each["amount"]) for name, each in sheet["parts"].items()}
    assert parts["payments"] == Decimal("88.88")
    assert parts["plan_fees"] == Decimal("-0.63")
    assert sum(parts.values()) == Decimal(sheet["carried"]["amount"]) == 0
    assert sheet["payout"]["amount"] == "88.25"
    path = f"/v1/settlement-sheets/{sheet['id']}"
    lines = (await desk.anonymous.get(f"{path}/lines", headers=key)).json()["data"]
    assert [(line["kind"], line["payment"]) for line in lines] == [("payment", paid["id"])]
    text = (await desk.anonymous.get(f"{path}/sheet.csv", headers=key)).text
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert ["结算金额 Paid out", "-88.25"] in rows
    assert rows[-1][5:] == ["88.88", "-0.63", "CNY"]
    status = await desk.anonymous.get(f"/v1/merchants/{shop['id']}/settlement", headers=key)
    assert status.json()["carried"]["amount"] == "0.00"
    assert made.payout == 8_825


async def test_another_merchants_sheet_is_as_if_it_were_not(desk: Desk) -> None:
    shop, other = await desk.add_shop("茶馆"), await desk.add_shop("书店", is_settled=False)
    await desk.pay(shop, "10.00")
    [made] = await desk.settle()
    key = await desk.key(other, "settlement:read")
    for path in (
        f"/v1/settlement-sheets/sht_{made.id.hex}",
        f"/v1/settlement-sheets/sht_{made.id.hex}/lines",
        f"/v1/settlement-sheets/sht_{made.id.hex}/sheet.csv",
        f"/v1/merchants/{shop['id']}/sheets",
        f"/v1/merchants/{shop['id']}/settlement",
    ):
        assert (await desk.anonymous.get(path, headers=key)).status_code == 404, path
    assert (await desk.anonymous.get("/v1/settlement-sheets", headers=key)).status_code == 403


async def test_terms_are_refused_with_the_field_at_fault(desk: Desk) -> None:
    shop = await desk.add_shop("茶馆", is_settled=False)
    path = f"/v1/merchants/{shop['id']}/terms"
    wanted = desk.terms()
    missing = await desk.ask(path, wanted)
    assert (missing.status_code, missing.json()["code"]) == (404, "fee_plan_not_found")
    await desk.agree("/v1/fee-plans", desk.plan())
    for change, field in (
        ({"reserve_permille": 100}, "reserve_days"),
        ({"effective_from": "2020-01-01"}, "effective_from"),
        ({"payout_min": {"amount": "1.00", "currency": "USD"}}, "payout_min.currency"),
        ({"cutoff": "00:00"}, "cutoff_minutes"),
        ({"cutoff": "24:30"}, "cutoff_minutes"),
    ):
        refused = await desk.ask(path, {**wanted, **change})
        assert (refused.status_code, refused.json()["field"]) == (422, field), refused.text
    changed = await desk.ask("/v1/fee-plans", desk.plan())
    assert changed.json()["code"] == "fee_plan_refused", "without notice"
    assert (await desk.ask(path, wanted, "service")).status_code == 403


async def test_a_reserve_is_imposed_by_two(desk: Desk) -> None:
    shop = await desk.add_shop("茶馆")
    body = {"reserve_permille": 100, "reserve_days": 30, "reason": "chargebacks"}
    asked = await desk.ask(f"/v1/merchants/{shop['id']}/reserve", body)
    alone = await desk.staff.decide(asked, await desk.headers("operations"))
    assert alone.status_code in (403, 409), "not by the one who asked"
    await desk.agree(f"/v1/merchants/{shop['id']}/reserve", body)
    headers = await desk.headers("operations")
    seen = await desk.anonymous.get(f"/v1/merchants/{shop['id']}/settlement", headers=headers)
    assert [terms["reserve_permille"] for terms in seen.json()["terms"]] == [0, 100]
