"""Payments of a business over a real server: a mandate by two of staff, a payment by its people."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from huitong import ledger
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import CUSTOMER, MERCHANT, read_id
from huitong.kernel.money import Money
from huitong.payments import bulk, corporate

PIN = "802753"


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


@dataclass
class Firm:
    """A business with 1,000 yuan, a supplier, and who acts for it."""

    api: Any
    http: httpx.AsyncClient
    merchant: str
    account: str
    supplier: str
    maker: dict[str, str]
    checker: dict[str, str]
    viewer: dict[str, str]
    stranger: dict[str, str]

    async def post(
        self, path: str, body: dict[str, Any], headers: dict[str, str], key: str | None = None
    ) -> httpx.Response:
        return await self.http.post(
            f"/v1/{path}",
            json=body,
            headers={**headers, "Idempotency-Key": key or uuid.uuid4().hex},
        )

    def payment(self, of: str, **more: Any) -> dict[str, Any]:
        payee = {"account": self.supplier, "name": "茶园"}
        body = {
            "merchant": self.merchant,
            "payee": payee,
            "amount": money(of),
            "description": "发票 7",
        }
        return body | more

    async def prove(self, instruction: dict[str, Any], **changed: Any) -> str:
        act = {
            "kind": "payments.approve_instruction",
            "amount": instruction["amount"],
            "payer": self.account,
            "payee": instruction["sha256"],
            **changed,
        }
        begun = await self.http.post(
            "/v1/identity/step-ups", json={"act": act, "factor": "pin"}, headers=self.checker
        )
        assert begun.status_code == 201, begun.text
        step_up: str = begun.json()["id"]
        proved = await self.http.post(
            f"/v1/identity/step-ups/{step_up}/proof", json={"pin": PIN}, headers=self.checker
        )
        assert proved.status_code == 201, proved.text
        return step_up

    async def approve(self, instruction: dict[str, Any], **more: Any) -> httpx.Response:
        body = {"sha256": instruction["sha256"], "step_up": await self.prove(instruction)} | more
        path = f"corporate/instructions/{instruction['id']}/approve"
        return await self.post(path, body, self.checker)

    async def balance(self, account: str) -> str:
        found = await self.api.run(
            lambda uow: ledger.get_balance(uow, ledger.read_account(account, field="account"))
        )
        shown: str = found.posted.format()
        return shown


@pytest.fixture
async def firm(api: Any, anonymous: httpx.AsyncClient, post: Any, customer_headers: Any) -> Firm:
    async def add(name: str) -> dict[str, Any]:
        body = {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
        answer = await post("/v1/customers", body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def open_business(name: str) -> dict[str, Any]:
        answer = await post(
            "/v1/merchants",
            {
                "name": name,
                "name_latin": "TEA HOUSE",
                "city_latin": "SHAOXING",
                "category_code": "5812",
                "fee_rate": "0",
            },
        )
        assert answer.status_code == 201, answer.text
        opened: dict[str, Any] = answer.json()
        return opened

    merchant, supplier = await open_business("茶馆"), await open_business("茶园")
    await api.fund(merchant["account"], 1_000_00)
    users = [await add(name) for name in ("李雷", "韩梅", "吉姆", "路人")]
    for user, role in zip(users, bulk.Role, strict=False):
        named = bulk.BusinessUser(
            merchant_id=read_id(MERCHANT, merchant["id"], field="id"),
            customer_id=read_id(CUSTOMER, user["id"], field="id"),
            role=role,
            amount_max=Money.parse("0" if role is bulk.Role.VIEWER else "800.00", "CNY"),
        )
        await api.run(
            lambda uow, named=named: bulk.name_business_user(uow, named, now=SystemClock().now())
        )
    headers = [await customer_headers(user["id"]) for user in users]
    pin = await anonymous.put("/v1/identity/pin", json={"pin": PIN}, headers=headers[1])
    assert pin.status_code == 204, pin.text
    return Firm(api, anonymous, merchant["id"], merchant["account"], supplier["account"], *headers)


async def give_mandate(firm: Firm) -> None:
    new = corporate.NewMandate(
        merchant_id=read_id(MERCHANT, firm.merchant, field="id"),
        payment_max=Money.parse("500.00", "CNY"),
        day_max=Money.parse("800.00", "CNY"),
        total_max=None,
        bands=(corporate.Band(amount_from=Money.zero("CNY"), approvers=1),),
    )
    await firm.api.run(lambda uow: corporate.set_mandate(uow, new, now=SystemClock().now()))


async def give_mandate_by_two(firm: Firm, staff: Any) -> None:
    maker = await staff.headers("operations")
    checker = await staff.sign_in(await staff.person("second", "operations"))
    body = {
        "merchant": firm.merchant,
        "payment_max": money("500.00"),
        "day_max": money("800.00"),
        "bands": [{"amount_from": money("0.00"), "approvers": 1}],
        "reason": "contract 4711",
    }
    asked = await firm.post("corporate-desk/mandates", body, maker)
    assert asked.status_code == 202, asked.text
    decision = {"digest": asked.json()["digest"], "reason": "seen"}
    path = f"staff/approvals/{asked.json()['id']}/approve"
    own = await firm.post(path, decision, maker)
    assert (own.status_code, own.json()["code"]) == (403, "own_request")
    decided = await firm.post(path, decision, checker)
    assert decided.status_code == 200, decided.text
    shown = await firm.http.get(f"/v1/corporate-desk/mandates/{firm.merchant}", headers=checker)
    assert shown.json()["day_max"] == money("800.00")


async def test_a_payment_takes_a_mandate_a_maker_and_a_checker(firm: Firm, staff: Any) -> None:
    without = await firm.post("corporate/payments", firm.payment("10.00"), firm.maker)
    assert (without.status_code, without.json()["code"]) == (422, "mandate_missing")
    await give_mandate_by_two(firm, staff)
    shown = await firm.http.get(
        "/v1/corporate/mandate", params={"merchant": firm.merchant}, headers=firm.viewer
    )
    assert shown.json()["payment_max"] == money("500.00")
    made = await firm.post("corporate/payments", firm.payment("123.45"), firm.maker, "k-1")
    assert made.status_code == 201, made.text
    again = await firm.post("corporate/payments", firm.payment("123.45"), firm.maker, "k-1")
    assert again.json() == made.json()
    instruction = made.json()
    asked = await firm.approve(instruction, step_up=None)
    assert (asked.status_code, asked.json()["code"]) == (403, "step_up_required")
    approved = await firm.approve(instruction)
    assert approved.status_code == 200, approved.text
    assert approved.json()["state"] == "approved"
    assert await firm.balance(firm.supplier) == "123.45"
    assert await firm.balance(firm.account) == "876.55"
    listed = await firm.http.get(
        "/v1/corporate/instructions",
        params={"merchant": firm.merchant, "state": "approved"},
        headers=firm.viewer,
    )
    assert [each["payment"] for each in listed.json()["data"]] == [approved.json()["payment"]]


async def test_a_proof_is_good_for_one_content_only(firm: Firm) -> None:
    await give_mandate(firm)
    made = [
        (await firm.post("corporate/payments", firm.payment("10.00"), firm.maker)).json()
        for _ in range(2)
    ]
    refused = await firm.approve(made[0], step_up=await firm.prove(made[1]))
    assert (refused.status_code, refused.json()["code"]) == (422, "step_up_refused")
    assert await firm.balance(firm.supplier) == "0.00"
    changed = await firm.approve(made[0], sha256=made[1]["sha256"])
    assert (changed.status_code, changed.json()["code"]) == (409, "instruction_changed")


async def test_others_see_and_do_nothing(firm: Firm) -> None:
    await give_mandate(firm)
    instruction = (await firm.post("corporate/payments", firm.payment("10.00"), firm.maker)).json()
    path = f"corporate/instructions/{instruction['id']}"
    seen = await firm.http.get(f"/v1/{path}", headers=firm.stranger)
    assert seen.status_code == 404
    listed = await firm.http.get(
        "/v1/corporate/instructions",
        params={"merchant": firm.merchant},
        headers=firm.stranger,
    )
    assert (listed.status_code, listed.json()["code"]) == (403, "corporate_not_allowed")
    made = await firm.post("corporate/payments", firm.payment("10.00"), firm.viewer)
    assert made.status_code == 403
    rejected = await firm.post(f"{path}/reject", {"sha256": instruction["sha256"]}, firm.maker)
    assert rejected.status_code == 403
    taken_back = await firm.post(f"{path}/withdraw", {}, firm.maker)
    assert taken_back.json()["state"] == "withdrawn"


async def test_a_standing_order_is_approved_listed_paid_and_cancelled(firm: Firm) -> None:
    await give_mandate(firm)
    today = business_day(SystemClock().now())
    body = firm.payment("10.00", rhythm="days", day=7, first_on=today.isoformat(), count_max=3)
    made = await firm.post("corporate/schedules", body, firm.maker)
    assert made.status_code == 201, made.text
    assert (await firm.approve(made.json())).status_code == 200
    path = f"corporate/schedules/{made.json()['id']}"
    due = (await firm.http.get(f"/v1/{path}", headers=firm.viewer)).json()
    assert (due["state"], due["number"], due["due_on"]) == ("active", 1, today.isoformat())
    cancelled = await firm.post(f"{path}/cancel", {}, firm.checker)
    assert cancelled.json()["state"] == "cancelled"
    again = await firm.post(f"{path}/cancel", {}, firm.checker)
    assert (again.status_code, again.json()["code"]) == (409, "standing_order_over")
    listed = await firm.http.get(
        "/v1/corporate/schedules", params={"merchant": firm.merchant}, headers=firm.maker
    )
    assert [each["id"] for each in listed.json()["data"]] == [made.json()["id"]]


async def test_a_payee_at_a_bank_is_shown_to_the_approver_only_in_full(firm: Firm) -> None:
    await give_mandate(firm)
    payee = {"name": "江南茶厂", "bank_code": "102100099996", "number": "6222021234"}
    made = await firm.post("corporate/payments", firm.payment("9.00", payee=payee), firm.maker)
    assert made.status_code == 201, made.text
    path = f"/v1/corporate/instructions/{made.json()['id']}"
    shown = (await firm.http.get(path, headers=firm.checker)).json()["payee"]
    assert shown == payee | {"account": None}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": money("1.001")}, "amount.amount"),
        ({"amount": {"amount": "1.00", "currency": "USD"}}, "amount.currency"),
        ({"amount": 1.5}, "amount"),
        ({"payee": {"name": "谁"}}, "payee"),
        ({"payee": {"name": "谁", "account": "acct_100000000191"}}, "payee.account"),
        ({"description": "a\u0000b"}, "description"),
        ({"more": 1}, "more"),
    ],
)
async def test_bad_input_names_the_field(firm: Firm, changes: dict[str, Any], field: str) -> None:
    await give_mandate(firm)
    refused = await firm.post("corporate/payments", firm.payment("1.00", **changes), firm.maker)
    assert refused.status_code == 422, refused.text
    assert field == refused.json()["field"]


async def test_schedules_that_cannot_be_name_the_field(firm: Firm) -> None:
    await give_mandate(firm)
    for changes, field in (
        ({"rhythm": "monthly", "day": 1}, "first_on"),
        ({"rhythm": "monthly", "day": 1, "first_on": "2020-01-01"}, "first_on"),
        ({"rhythm": "once"}, "first_on"),
        ({"rhythm": "once", "pay_at": "9999-12-31T23:59:59Z"}, "pay_at"),
        ({"rhythm": "weekly", "day": 7, "first_on": "9999-12-31"}, "first_on"),
        ({"rhythm": "monthly", "day": 40, "first_on": "2050-01-01"}, "day"),
        ({"rhythm": "monthly", "day": 1, "first_on": "2050-01-01", "amount": None}, "amount"),
    ):
        body = firm.payment("1.00", **changes)
        refused = await firm.post("corporate/schedules", body, firm.maker)
        assert refused.status_code == 422, refused.text
        assert field == refused.json()["field"]


@pytest.fixture
async def desk(staff: Any) -> tuple[dict[str, str], dict[str, str]]:
    """The headers of two members of staff."""
    return (
        await staff.headers("operations"),
        await staff.sign_in(await staff.person("second", "operations")),
    )


async def test_a_pool_is_opened_by_two_swept_seen_and_ended(
    firm: Firm, desk: tuple[dict[str, str], dict[str, str]], staff: Any, post: Any
) -> None:
    maker, checker = desk
    member = await post(
        "/v1/merchants",
        {
            "name": "分公司",
            "name_latin": "BRANCH",
            "city_latin": "SHAOXING",
            "category_code": "5812",
            "fee_rate": "0",
        },
    )
    branch = member.json()
    await firm.api.fund(branch["account"], 70_00)
    body = {
        "name": "集团资金池",
        "merchant": firm.merchant,
        "members": [
            {"merchant": branch["id"], "rule": "target", "keeps": money("20.00")},
        ],
        "interval_minutes": 5,
        "reason": "agreement 12",
    }
    wrong = await firm.post("corporate-desk/pools", body | {"interval_minutes": None}, maker)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "sweeps_at")
    asked = await firm.post("corporate-desk/pools", body, maker)
    decided = await staff.decide(asked, checker)
    assert decided.status_code == 200, decided.text
    seen = (await firm.http.get("/v1/corporate-desk/pools", headers=maker)).json()["data"]
    (pool,) = [each for each in seen if each["merchant"] == firm.merchant]
    later = SystemClock().now() + timedelta(minutes=6)
    async with Database(firm.api.owner_url, role="huitong_app", size=1) as database:
        assert await corporate.sweep_next_pool(database, now=later)
    assert (await firm.balance(branch["account"]), await firm.balance(firm.account)) == (
        "20.00",
        "1050.00",
    )
    own = await firm.http.get(
        "/v1/corporate/pools", params={"merchant": firm.merchant}, headers=firm.viewer
    )
    assert own.json()["data"][0]["members"][0]["lent"] == money("50.00")
    path = f"corporate-desk/pools/{pool['id']}"
    sweeps = (await firm.http.get(f"/v1/{path}/sweeps", headers=checker)).json()["data"]
    assert [(each["up"], each["number"]) for each in sweeps] == [(money("50.00"), 1)]
    ending = await firm.post(f"{path}/end", {"reason": "agreement over"}, maker)
    assert (await staff.decide(ending, checker)).status_code == 200
    seen = (await firm.http.get("/v1/corporate-desk/pools", headers=maker)).json()["data"]
    assert [each["ended_at"] is None for each in seen if each["id"] == pool["id"]] == [False]


async def test_incoming_payments_are_matched_seen_and_resolved_by_two(
    firm: Firm,
    desk: tuple[dict[str, str], dict[str, str]],
    staff: Any,
    post: Any,
) -> None:
    maker, checker = desk
    asked = await firm.post(
        "corporate-desk/collections", {"merchant": firm.merchant, "reason": "contract"}, maker
    )
    assert (await staff.decide(asked, checker)).status_code == 200
    body = {
        "merchant": firm.merchant,
        "purpose": "invoice",
        "reference": "INV-1",
        "expected": money("80.00"),
        "due_on": "2026-12-31",
    }
    opened = await firm.post("corporate/virtual-accounts", body, firm.maker)
    assert opened.status_code == 201, opened.text
    refused = await firm.post("corporate/virtual-accounts", body, firm.viewer)
    assert refused.status_code == 403
    account = opened.json()

    async def receive(amount: str, number: str, reference: str, **more: Any) -> dict[str, Any]:
        answer = await post(
            "/v1/pay-ins",
            {
                "channel": "bank",
                "bank_reference": reference,
                "amount": money(amount),
                "number": number,
                **more,
            },
        )
        assert answer.status_code == 201, answer.text
        received: dict[str, Any] = answer.json()
        return received

    name = uuid.uuid4().hex[:8]
    by_number = await receive("80.00", account["number"], f"{name}-1", payer="江南茶厂")
    assert (by_number["finding"], by_number["matched_by"]) == ("exact", "number")
    assert by_number["payer"] is None
    again = await receive("80.00", account["number"], f"{name}-1", payer="江南茶厂")
    assert again["id"] == by_number["id"]
    lost = await receive("5.00", "622202", f"{name}-2")
    queue = (await firm.http.get("/v1/corporate-desk/pay-ins", headers=maker)).json()["data"]
    assert lost["id"] in {each["id"] for each in queue}
    path = f"corporate-desk/pay-ins/{lost['id']}/resolve"
    asked = await firm.post(path, {"account": account["id"], "reason": "letter"}, maker)
    assert (await staff.decide(asked, checker)).status_code == 200
    listed = await firm.http.get(
        "/v1/corporate/pay-ins", params={"merchant": firm.merchant}, headers=firm.viewer
    )
    assert [(each["finding"], each["payer"]) for each in listed.json()["data"]] == [
        ("over", None),
        ("exact", "江南茶厂"),
    ]
    released = await firm.post(
        f"corporate/virtual-accounts/{account['id']}/release", {}, firm.maker
    )
    assert released.json()["balance"] == money("0.00")
    assert await firm.balance(firm.account) == "1085.00"
    closed = await firm.post(f"corporate/virtual-accounts/{account['id']}/close", {}, firm.maker)
    assert closed.json()["closed_at"] is not None
    whole = await firm.http.get(
        "/v1/corporate/collection", params={"merchant": firm.merchant}, headers=firm.checker
    )
    assert whole.json()["held"] == money("0.00")


@pytest.mark.parametrize(
    "path", ["mandate", "instructions", "schedules", "pools", "virtual-accounts", "pay-ins"]
)
async def test_no_list_shows_a_stranger_anything(firm: Firm, path: str) -> None:
    seen = await firm.http.get(
        f"/v1/corporate/{path}", params={"merchant": firm.merchant}, headers=firm.stranger
    )
    assert (seen.status_code, seen.json()["code"]) == (403, "corporate_not_allowed")
