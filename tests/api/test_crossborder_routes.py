"""Exchange and payments abroad over HTTP: people, a business with two users, staff, a bank."""

import base64
import uuid
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from huitong import ledger
from huitong.kernel.clock import SystemClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import CUSTOMER, MERCHANT, read_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments import bulk, crossborder
from huitong.privacy import Vault

PAYEE = {
    "name": "Acme Tools Inc",
    "account": "GB82WEST12345698765432",
    "country": "GB",
    "bank": "WESTGB22",
}


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}


async def set_rates(api: Any) -> None:
    now = SystemClock().now() - timedelta(seconds=1)
    readings = [
        crossborder.Reading(
            currency=each, bid=Decimal("7.1000"), ask=Decimal("7.1100"), quoted_at=now
        )
        for each in ("USD", "EUR", "GBP", "HKD", "JPY")
    ]
    await api.run(
        lambda uow: crossborder.take_readings(
            uow, readings, rulebook=Rulebook.load(), now=SystemClock().now()
        )
    )


PIN = "802753"


class World:
    """A business with money and two users, a person, staff, and a bank that hands in messages."""

    def __init__(self, api: Any, http: httpx.AsyncClient) -> None:
        self.api, self.http = api, http
        self.merchant = ""
        self.account = ""
        self.maker: dict[str, str] = {}
        self.checker: dict[str, str] = {}
        self.person: dict[str, Any] = {}
        self.person_headers: dict[str, str] = {}

    async def post(
        self, path: str, body: Any, who: dict[str, str], key: str | None = None
    ) -> httpx.Response:
        more = {"Idempotency-Key": key or uuid.uuid4().hex}
        return await self.http.post(path, json=body, headers={**who, **more})

    async def get(self, path: str, who: dict[str, str]) -> httpx.Response:
        return await self.http.get(path, headers=who)

    async def prove(self, who: dict[str, str], **act: Any) -> str:
        begun = await self.http.post(
            "/v1/identity/step-ups", json={"act": act, "factor": "pin"}, headers=who
        )
        assert begun.status_code == 201, begun.text
        step_up: str = begun.json()["id"]
        proved = await self.http.post(
            f"/v1/identity/step-ups/{step_up}/proof", json={"pin": PIN}, headers=who
        )
        assert proved.status_code == 201, proved.text
        return step_up

    async def quote(
        self, amount: dict[str, str], who: dict[str, str], *, merchant: str | None = None
    ) -> dict[str, Any]:
        await set_rates(self.api)
        body = {"side": "buy", "amount": amount, "other": "CNY", "merchant": merchant}
        answer = await self.post("/v1/crossborder/quotes", body, who)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def paper(self, kind: str) -> str:
        content = base64.b64encode(b"%PDF-1.7 " + uuid.uuid4().bytes).decode()
        body = {"merchant": self.merchant, "kind": kind, "content": content}
        answer = await self.post("/v1/crossborder/papers", body, self.maker)
        assert answer.status_code == 201, answer.text
        paper: str = answer.json()["id"]
        return paper

    async def order(self, name: str = "Acme Tools Inc") -> dict[str, Any]:
        """Let the first user order 1,000.00 USD for an invoice; it waits for the second."""
        quote = await self.quote(usd("1000.00"), self.maker, merchant=self.merchant)
        body = {
            "merchant": self.merchant,
            "amount": usd("1000.00"),
            "payee": {**PAYEE, "name": name},
            "purpose": "goods_trade",
            "charges": "SHAR",
            "quote": quote["id"],
            "papers": [await self.paper("contract"), await self.paper("invoice")],
        }
        answer = await self.post("/v1/crossborder/payments", body, self.maker)
        assert answer.status_code == 201, answer.text
        ordered: dict[str, Any] = answer.json()
        return ordered

    async def approve(self, payment: dict[str, Any], key: str | None = None) -> httpx.Response:
        proof = await self.prove(
            self.checker,
            kind="payments.approve_abroad",
            amount=payment["amount"],
            payer=self.account,
            payee=payment["id"],
        )
        path = f"/v1/crossborder/payments/{payment['id']}/approve"
        return await self.post(path, {"step_up": proof}, self.checker, key)


@pytest.fixture
async def world(api: Any, anonymous: httpx.AsyncClient, post: Any, customer_headers: Any) -> World:
    world = World(api, anonymous)

    async def add(name: str) -> dict[str, Any]:
        body = {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
        answer = await post("/v1/customers", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    opened = await post(
        "/v1/merchants",
        {
            "name": "进出口公司",
            "name_latin": "TRADING",
            "city_latin": "SHAOXING",
            "category_code": "5812",
            "fee_rate": "0",
        },
    )
    world.merchant, world.account = opened.json()["id"], opened.json()["account"]
    await api.fund(world.account, 100_000_00)
    maker, checker, world.person = [await add(name) for name in ("李雷", "韩梅", "赵敏")]
    await api.fund(world.person["account"], 500_000_00)
    for user, role in ((maker, bulk.Role.SUBMITTER), (checker, bulk.Role.APPROVER)):
        named = bulk.BusinessUser(
            merchant_id=read_id(MERCHANT, world.merchant, field="id"),
            customer_id=read_id(CUSTOMER, user["id"], field="id"),
            role=role,
            amount_max=Money.parse("50000.00", "CNY"),
        )
        await api.run(
            lambda uow, named=named: bulk.name_business_user(uow, named, now=SystemClock().now())
        )
    world.maker, world.checker, world.person_headers = [
        await customer_headers(user["id"]) for user in (maker, checker, world.person)
    ]
    for who in (world.checker, world.person_headers):
        pin = await anonymous.put("/v1/identity/pin", json={"pin": PIN}, headers=who)
        assert pin.status_code == 204, pin.text
    return world


async def test_a_business_pays_with_two_and_staff_release_a_hit_by_two(
    world: World, api: Any, staff: Any, settings_for: Any
) -> None:
    ordered = await world.order("Dockyard Holdings")
    assert ordered["state"] == "awaiting_approval"
    path = f"/v1/crossborder/payments/{ordered['id']}"
    asked = await world.post(f"{path}/approve", {}, world.checker)
    assert (asked.status_code, asked.json()["code"]) == (403, "step_up_required")
    approved = await world.approve(ordered, key="approve-once")
    assert (approved.status_code, approved.json()["state"]) == (200, "initiated")

    await hold(api, settings_for(api.owner_url).home)
    shown = (await world.get(path, world.maker)).json()
    assert (shown["payment"]["state"], shown["payment"]["reasons"]) == ("held", [])
    assert (await world.get(path, world.person_headers)).status_code == 404

    maker, checker = await staff.headers("operations"), await staff.headers("compliance")
    held = (await world.get("/v1/crossborder-reviews", maker)).json()["data"]
    assert [each["id"] for each in held] == [ordered["id"]]
    dossier = (await world.get(f"/v1/crossborder-reviews/{ordered['id']}", maker)).json()
    assert dossier["name"] == "Dockyard Holdings"
    assert [hit["list"] for hit in dossier["hits"]] == ["test"]
    paper = dossier["papers"][0]["id"]
    content = await world.get(f"/v1/crossborder-reviews/papers/{paper}", maker)
    assert content.content.startswith(b"%PDF")
    released = await staff.decide(
        await world.post(
            f"/v1/crossborder-reviews/{ordered['id']}/release", {"reason": "checked"}, maker
        ),
        checker,
    )
    assert released.status_code == 200, released.text
    shown = (await world.get(path, world.maker)).json()
    assert shown["payment"]["state"] == "screened"
    assert [step["step"] for step in shown["steps"]] == [
        "initiated",
        "held",
        "released",
        "screened",
    ]


async def hold(api: Any, home: Path) -> None:
    """Let the worker's step of screening run, against a list with one name."""
    content = b"entry,name,born_on,country\nE1,Dockyard Holdings,,IR\n"
    now, rules = SystemClock().now(), Rulebook.load()
    await api.run(lambda uow: crossborder.load_list(uow, name="test", content=content, now=now))
    async with (
        Database(api.owner_url, role="huitong_app", size=2) as database,
        crossborder.HttpCorrespondent("http://127.0.0.1:9") as nobody,
    ):
        desk = crossborder.Desk(
            vault=Vault(load_key_ring(home)),
            screener=crossborder.ListScreener(database, rules),
            channel=nobody,
            rulebook=rules,
            clock=SystemClock(),
        )
        assert await crossborder.work_payments(database, desk) == 1


async def test_a_person_exchanges_and_pays_within_the_quota(world: World) -> None:
    me = world.person_headers
    quote = await world.quote(usd("100.00"), me)
    assert quote["sell"] == {"amount": "713.13", "currency": "CNY"}
    asked = await world.post("/v1/crossborder/exchanges", {"quote": quote["id"]}, me)
    assert (asked.status_code, asked.json()["code"]) == (403, "step_up_required")
    proof = await world.prove(
        me,
        kind="payments.exchange",
        amount=quote["sell"],
        payer=world.person["account"],
        payee=quote["id"],
    )
    body = {"quote": quote["id"], "step_up": proof}
    done = await world.post("/v1/crossborder/exchanges", body, me, key="exchange-once")
    assert done.status_code == 201, done.text
    again = await world.post("/v1/crossborder/exchanges", body, me, key="exchange-once")
    assert again.content == done.content
    accounts = (await world.get("/v1/crossborder/accounts", me)).json()["data"]
    assert [each["currency"] for each in accounts] == ["USD"]
    quotas = (await world.get("/v1/crossborder/quotas", me)).json()["data"]
    assert [(each["direction"], each["used"]["amount"]) for each in quotas] == [
        ("purchase", "100.00"),
        ("settlement", "0.00"),
    ]
    order = {
        "amount": usd("60.00"),
        "payee": PAYEE,
        "purpose": "travel",
        "charges": "SHAR",
    }
    proof = await world.prove(
        me,
        kind="payments.pay_abroad",
        amount=usd("60.00"),
        payer=world.person["account"],
        payee=f"{PAYEE['bank']}/{PAYEE['account']}",
    )
    paid = await world.post("/v1/crossborder/payments", {**order, "step_up": proof}, me)
    assert (paid.status_code, paid.json()["state"]) == (201, "initiated"), paid.text
    listed = (await world.get("/v1/crossborder/payments", me)).json()["data"]
    assert [each["id"] for each in listed] == [paid.json()["id"]]
    purposes = (await world.get("/v1/crossborder/purposes", me)).json()["data"]
    assert [each["purpose"] for each in purposes] == ["family_support", "study", "travel"]


async def test_above_the_quota_nothing_moves(world: World) -> None:
    me = world.person_headers
    quote = await world.quote(usd("50000.01"), me)
    proof = await world.prove(
        me,
        kind="payments.exchange",
        amount=quote["sell"],
        payer=world.person["account"],
        payee=quote["id"],
    )
    body = {"quote": quote["id"], "step_up": proof}
    refused = await world.post("/v1/crossborder/exchanges", body, me)
    assert (refused.status_code, refused.json()["code"]) == (422, "fx_quota_exceeded")
    found = (await world.get(f"/v1/crossborder/quotes/{quote['id']}", me)).json()
    assert found["taken_at"] is None
    account = ledger.read_account(world.person["account"], field="account")
    balance = await world.api.run(lambda uow: ledger.get_balance(uow, account))
    assert balance.posted.format() == "500000.00"


async def test_what_lacks_is_named(world: World) -> None:
    me = world.person_headers
    order = {"amount": usd("60.00"), "purpose": "travel", "charges": "SHAR", "step_up": None}
    answer = await world.post(
        "/v1/crossborder/payments", {**order, "payee": {**PAYEE, "bank": ""}}, me
    )
    # Who pays is asked for one more factor before anything is looked at.
    assert answer.json()["code"] == "step_up_required"
    quote = await world.quote(usd("60.00"), world.maker, merchant=world.merchant)
    for change, field in (
        ({"payee": {**PAYEE, "name": " "}}, "payee.name"),
        ({"payee": {**PAYEE, "account": "GB82WEST12345698765431"}}, "payee.account"),
        ({}, "papers"),
    ):
        body = {
            "merchant": world.merchant,
            "amount": usd("60.00"),
            "payee": PAYEE,
            "purpose": "goods_trade",
            "charges": "SHAR",
            "quote": quote["id"],
            **change,
        }
        refused = await world.post("/v1/crossborder/payments", body, world.maker)
        assert (refused.status_code, refused.json()["field"]) == (422, field), refused.text


async def test_covers_and_margins_are_by_two(world: World, staff: Any) -> None:
    await set_rates(world.api)
    maker, checker = await staff.headers("operations"), await staff.headers("risk")
    cover = {
        "side": "buy",
        "amount": usd("1000.00"),
        "rate": "7.1050",
        "counterparty": "CFETS",
        "reason": "short",
    }

    async def position() -> Decimal:
        found = (await world.get("/v1/fx/positions", maker)).json()["data"]
        amounts = {each["currency"]: each["amount"]["amount"] for each in found}
        return Decimal(amounts.get("USD", "0.00"))

    before = await position()
    decided = await staff.decide(await world.post("/v1/fx/covers", cover, maker), checker)
    assert decided.status_code == 200, decided.text
    assert (await world.post("/v1/fx/covers", cover, checker)).status_code == 403
    assert await position() - before == Decimal("1000.00")
    margin = {"currency": "USD", "customers": "people", "margin": "0.5", "reason": "x"}
    wrong = await world.post("/v1/fx/margins", margin, maker)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "margin")
    decided = await staff.decide(
        await world.post("/v1/fx/margins", {**margin, "margin": "0.01"}, maker), checker
    )
    assert decided.status_code == 200, decided.text
    quote = await world.quote(usd("100.00"), world.person_headers)
    assert quote["sell"]["amount"] == "718.11"


async def test_a_bank_abroad_hands_in_messages_once(world: World, api: Any) -> None:
    key = await api.make_key("crossborder:messages")
    simulator = crossborder.CorrespondentSimulator()
    content = simulator.write_status(str(uuid.uuid4()), "ACCC")

    async def hand_in(body: bytes, kind: str = "application/xml") -> httpx.Response:
        return await world.http.post(
            "/v1/crossborder-messages",
            content=body,
            headers={**headers(key), "Content-Type": kind},
        )

    first, second = await hand_in(content), await hand_in(content)
    assert first.json()["data"][0]["result"] == "unknown"
    assert second.json() == first.json()
    assert (await hand_in(content, "text/plain")).status_code == 415
    assert (await hand_in(b"<!DOCTYPE x><x/>")).status_code == 422
