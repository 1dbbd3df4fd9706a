"""Held and blocked payments over HTTP: what payers are told and may do, and what staff decide."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.risk.decisioning.rules.conftest import Desk, make_document

from huitong import payments, risk
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7

#: By the last digit of its fen, every payment of these tests is treated differently.
RULES = {"review": "amount % 10 = 2", "delay": "amount % 10 = 3", "block": "amount % 10 = 4"}
SETTLES = timedelta(hours=24)


@dataclass
class Bank:
    """Two customers, what they do, and what staff do."""

    http: httpx.AsyncClient
    api: Any
    payer: str
    payee: str
    headers: dict[str, str]
    payee_headers: dict[str, str]
    staff: dict[str, dict[str, str]]

    async def send(self, method: str, path: str, body: Any = None, *, by: Any) -> httpx.Response:
        return await self.http.request(
            method, path, json=body, headers={**by, "Idempotency-Key": uuid.uuid4().hex}
        )

    async def pay(self, amount: str, key: str | None = None) -> httpx.Response:
        body = {
            "payer": self.payer,
            "payee": self.payee,
            "amount": {"amount": amount, "currency": "CNY"},
        }
        headers = {**self.headers, "Idempotency-Key": key or uuid.uuid4().hex}
        return await self.http.post("/v1/payments", json=body, headers=headers)

    async def hold(self, amount: str) -> str:
        answer = await self.pay(amount)
        assert answer.status_code == 202, answer.text
        found: str = answer.json()["id"]
        return found

    async def balance(self, field: str = "available") -> str:
        answer = await self.http.get(f"/v1/accounts/{self.payer}/balance", headers=self.headers)
        found: str = answer.json()[field]["amount"]
        return found

    async def waiting(self) -> list[str]:
        answer = await self.send("GET", "/v1/stopped-payments", by=self.staff["risk"])
        assert answer.status_code == 200, answer.text
        return [each["payment"] for each in answer.json()["data"]]


@pytest.fixture(scope="module")
def live(api: Any) -> None:
    """Make the rules live that stop payments."""

    async def make() -> None:
        async with Database(api.owner_url, size=1) as database:
            desk = Desk(database, now=datetime.now(UTC), catalogue=risk.PAYMENT_FEATURES)
            document = [
                {**make_document(predicate, action)[0], "key": action}
                for action, predicate in RULES.items()
            ]
            version = await desk.run(
                lambda uow: risk.save_rules(
                    uow,
                    version_id=uuid7(),
                    purpose=risk.Purpose.PAYMENT,
                    rules=risk.read_rules(document, desk.catalogue),
                    now=desk.now,
                )
            )
            await desk.shadow(version)
            await desk.test_over_history(version)
            # The day of business begins eight hours before that of UTC.
            await desk.set_live(version, days=(business_day(desk.now) - desk.now.date()).days)

    asyncio.run(make())


@pytest.fixture(scope="module")
def sessions() -> dict[str, dict[str, str]]:
    """Sessions of staff of this module by role: second factors are good once."""
    return {}


@pytest.fixture
async def bank(
    *,
    live: None,
    api: Any,
    anonymous: httpx.AsyncClient,
    post: Any,
    staff: Any,
    sessions: dict[str, dict[str, str]],
    customer_headers: Callable[..., Awaitable[dict[str, str]]],
) -> Bank:
    opened = []
    for name in ("甲", "乙"):
        body = {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
        opened.append((await post("/v1/customers", body)).json())
    await api.fund(opened[0]["account"], 100_000)
    for role in ("risk", "service"):
        if role not in sessions:
            sessions[role] = await staff.headers(role)
    made = Bank(
        anonymous,
        api,
        opened[0]["account"],
        opened[1]["account"],
        await customer_headers(opened[0]["id"]),
        await customer_headers(opened[1]["id"]),
        sessions,
    )
    for _ in range(50):
        if (await made.pay("0.04")).status_code == 422:
            return made
        await asyncio.sleep(0.1)
    raise AssertionError("the server has not read the rules")


async def test_a_delayed_payment_is_answered_with_why_and_until_when(bank: Bank) -> None:
    before = await bank.balance()
    answer = await bank.pay("10.03", key="delayed")
    assert answer.status_code == 202, answer.text
    order = answer.json()
    assert (order["status"], order["completed_at"], order["fee"]["amount"]) == (
        "held",
        None,
        "0.00",
    )
    held = order["held"]
    assert (held["action"], held["give_back_at"]) == ("delay", None)
    assert held["reasons"] == [{"zh": "金额较大", "en": "The amount is large."}]
    release_at = datetime.fromisoformat(held["release_at"])
    assert abs(release_at - datetime.now(UTC) - SETTLES) < timedelta(minutes=1)
    assert (await bank.pay("10.03", key="delayed")).content == answer.content
    assert Decimal(before) - Decimal(await bank.balance()) == Decimal("10.03")
    path = f"/v1/payments/{order['id']}"
    stop = (await bank.send("GET", f"{path}/stop", by=bank.headers)).json()
    assert (stop["state"], stop["release_at"]) == ("held", held["release_at"])
    assert "note" not in stop
    cancelled = await bank.send("POST", f"{path}/cancel", by=bank.headers)
    assert (cancelled.status_code, cancelled.json()["outcome"]) == (200, "cancelled")
    assert await bank.balance() == before


async def test_the_first_answer_is_what_the_order_says_later(
    bank: Bank, client: httpx.AsyncClient
) -> None:
    answer = (await bank.pay("10.03")).json()
    held = answer.pop("held")
    assert held["action"] == "delay"
    later = (await client.get(f"/v1/payments/{answer['id']}")).json()
    for name in ("created_at",):
        assert datetime.fromisoformat(later.pop(name)) == datetime.fromisoformat(answer.pop(name))
    assert later == answer


async def test_staff_see_what_waits_and_decide_with_a_reason(bank: Bank) -> None:
    kept, given = await bank.hold("1.02"), await bank.hold("2.02")
    said = await bank.send("POST", f"/v1/payments/{kept}/appeal", {"note": "房租"}, by=bank.headers)
    assert (said.status_code, said.json()["appeal"]) == (200, "房租")
    risk_staff = bank.staff["risk"]
    assert [each for each in await bank.waiting() if each in (kept, given)] == [kept, given]
    seen = await bank.send("GET", f"/v1/stopped-payments/{kept}", by=risk_staff)
    assert (seen.json()["appeal"], seen.json()["decision"]) == (
        "房租",
        kept.replace("pay_", "dec_"),
    )
    decision = await bank.send(
        "GET", f"/v1/risk/decisions/{seen.json()['decision']}", by=risk_staff
    )
    assert decision.json()["action"] == "review"
    silent = await bank.send("POST", f"/v1/stopped-payments/{kept}/release", {}, by=risk_staff)
    assert (silent.status_code, silent.json()["field"]) == (422, "reason")
    reason = {"reason": "电话核实"}
    released = await bank.send(
        "POST", f"/v1/stopped-payments/{kept}/release", reason, by=risk_staff
    )
    assert released.status_code == 200, released.text
    assert (released.json()["outcome"], released.json()["note"]) == ("released", "电话核实")
    assert released.json()["ended_by"].startswith("stf_")
    rejected = await bank.send(
        "POST", f"/v1/stopped-payments/{given}/reject", reason, by=risk_staff
    )
    assert (rejected.status_code, rejected.json()["outcome"]) == (200, "rejected")
    late = await bank.send("POST", f"/v1/payments/{kept}/cancel", by=bank.headers)
    assert (late.status_code, late.json()["code"]) == (409, "order_already_paid")
    assert not {kept, given} & set(await bank.waiting())
    refused = await bank.send(
        "POST", f"/v1/stopped-payments/{given}/reject", reason, by=bank.staff["service"]
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")


async def test_a_blocked_payment_says_why_and_the_payer_can_say_it_is_theirs(bank: Bank) -> None:
    answer = await bank.pay("5.04")
    assert (answer.status_code, answer.json()["code"]) == (422, "payment_blocked")
    context = answer.json()["context"]
    assert context["reasons"] == [{"zh": "金额较大", "en": "The amount is large."}]
    payment = context["payment"]
    path = f"/v1/payments/{payment}"
    assert (await bank.send("GET", f"{path}/stop", by=bank.headers)).json()["state"] == "blocked"
    said = await bank.send("POST", f"{path}/appeal", {"note": "是我"}, by=bank.headers)
    assert said.status_code == 200, said.text
    assert payment in await bank.waiting()
    answered = await bank.send(
        "POST",
        f"/v1/stopped-payments/{payment}/answer",
        {"answer": "请重新付款"},
        by=bank.staff["risk"],
    )
    assert answered.status_code == 200, answered.text
    assert (await bank.send("GET", f"{path}/stop", by=bank.headers)).json()["answer"] == (
        "请重新付款"
    )
    nothing = await bank.send("POST", f"{path}/cancel", by=bank.headers)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "order_status_conflict")


async def test_nobody_else_can_tell_a_stopped_payment_from_none(bank: Bank, api: Any) -> None:
    payment, none = await bank.hold("1.03"), f"pay_{uuid7().hex}"
    foreign_key = {
        "Authorization": f"Bearer {await api.make_key('payments:read', merchant_id=uuid7())}"
    }
    for by in (bank.payee_headers, foreign_key):
        seen = [
            await bank.send("GET", f"/v1/payments/{each}/stop", by=by) for each in (payment, none)
        ]
        for answer, each in zip(seen, (payment, none), strict=True):
            assert answer.status_code == 404
            assert answer.json()["code"] == "stopped_payment_not_found"
            assert answer.json()["detail"] == f"there is no stopped payment {each}"
    for path, body in (("cancel", None), ("appeal", {"note": "x"})):
        answer = await bank.send(
            "POST", f"/v1/payments/{payment}/{path}", body, by=bank.payee_headers
        )
        assert answer.status_code == 404
    assert (await bank.send("GET", f"/v1/payments/{payment}/stop", by=bank.headers)).json()[
        "state"
    ] == "held"


async def test_nobody_decides_on_their_own_money(bank: Bank, staff: Any, post: Any) -> None:
    body = {"name": "丙", "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    own = (await post("/v1/customers", body)).json()
    member = await staff.sign_in(await staff.person("insider", "risk", customer=own["id"]))
    bank.payee = own["account"]
    payment = await bank.hold("1.02")
    answer = await bank.send(
        "POST", f"/v1/stopped-payments/{payment}/release", {"reason": "x"}, by=member
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "own_record")


async def test_a_guardian_cancels_for_a_ward_and_a_partners_key_for_a_customer(
    bank: Bank, api: Any, customer_headers: Any, client: httpx.AsyncClient, post: Any
) -> None:
    first, second = await bank.hold("1.03"), await bank.hold("1.03")
    body = {"name": "丁", "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    guardian = (await post("/v1/customers", body)).json()["id"]
    headers = await customer_headers(guardian)
    path = f"/v1/payments/{first}"
    assert (await bank.send("POST", f"{path}/cancel", by=headers)).status_code == 404
    await api.run_as_owner(
        f"""
        INSERT INTO customers.minors (customer_id, guardian_id, relation, checked_on)
        SELECT id, '{guardian[4:]}', 'parent', current_date FROM customers.customers
         WHERE account_id = {bank.payer.removeprefix("acct_")};
        UPDATE customers.customers SET capacity = 'none'
         WHERE account_id = {bank.payer.removeprefix("acct_")}
        """
    )
    cancelled = await bank.send("POST", f"{path}/cancel", by=headers)
    assert (cancelled.status_code, cancelled.json()["outcome"]) == (200, "cancelled")
    by_key = await post(f"/v1/payments/{second}/cancel", {})
    assert (by_key.status_code, by_key.json()["outcome"]) == (200, "cancelled")
    assert await bank.balance() == "1000.00"


async def test_the_queue_goes_on_page_by_page(bank: Bank) -> None:
    held = [await bank.hold("1.02") for _ in range(3)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await bank.http.get("/v1/stopped-payments", params=query, headers=bank.staff["risk"])
        seen += [each["payment"] for each in page.json()["data"]]
        if page.json()["next_cursor"] is None:
            break
        query["cursor"] = page.json()["next_cursor"]
    assert seen == sorted(seen)
    assert set(held) <= set(seen)
    assert len(seen) == len(set(seen))


async def test_the_worker_settles_what_is_due_and_the_payer_reads_it(bank: Bank, api: Any) -> None:
    payment = await bank.hold("3.03")
    later = datetime.now(UTC) + SETTLES
    assert await api.run(lambda uow: payments.end_due_payments(uow, now=later)) >= 1
    stop = (await bank.send("GET", f"/v1/payments/{payment}/stop", by=bank.headers)).json()
    assert (stop["state"], stop["outcome"]) == ("paid", "settled")
    events = await api.run(
        lambda uow: uow.execute(
            "SELECT topic, payload FROM kernel.outbox WHERE topic LIKE 'payments.Payment%'"
        )
    )
    told = [
        row.topic
        for row in events
        if uuid.UUID(payment[4:]).hex in json.dumps(row.payload).replace("-", "")
    ]
    assert sorted(told) == ["payments.PaymentHeld.v1", "payments.PaymentSucceeded.v1"]
