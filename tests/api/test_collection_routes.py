"""Late loans over HTTP: a debtor who promises and complains, agents who stay within the rules."""

import uuid
from datetime import timedelta
from typing import Any, get_args

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from huitong import ledger, lending
from huitong.api.routes import collection_care, collection_desk, collections
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import CUSTOMER, LOAN, read_id, show_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import read_account
from huitong.lending.collections.rules import find_window

RULES = Rulebook.load()
DAYS = 3
LOAN_BY_ID = "(SELECT number FROM lending.loans WHERE id = :loan)"
STEP = {
    "day": DAYS,
    "channel": "call",
    "is_automatic": False,
    "text_zh": "逾期 {days} 天，应还 {amount}。",
    "text_en": "{days} days overdue, {amount}.",
}
STRATEGY = {
    "purpose": "consumer",
    "name_zh": "催收策略",
    "name_en": "Collection",
    "before_due": [],
    "segments": [{"code": "late", "days_min": 1, "steps": [STEP]}],
    "reason": "decided in the committee",
}
TERMS = {
    "name_zh": "现金贷",
    "name_en": "Cash loan",
    "purpose": "consumer",
    "uses": ["household"],
    "payees": ["borrower"],
    "amount_min": {"amount": "1000.00", "currency": "CNY"},
    "amount_max": {"amount": "200000.00", "currency": "CNY"},
    "count_min": 1,
    "count_max": 12,
    "rate_min": "0.03",
    "rate_max": "0.18",
    "month": "30",
    "methods": ["level_payment"],
    "penalty_share": "0.5",
    "order": ["fee", "penalty", "interest", "principal"],
    "order_bad": ["principal", "interest", "penalty", "fee"],
    "reason": "decided in the committee",
}


class Desk:
    """Agents and debtors of the running server; loans are lent on an earlier day."""

    def __init__(self, api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any) -> None:
        self.api, self.client, self.post, self.staff = api, anonymous, post, staff
        self.signed_in: dict[str, dict[str, str]] = {}

    async def headers(self, name: str) -> dict[str, str]:
        if name not in self.signed_in:
            role = name.partition(".")[0]
            who = await self.staff.person(name.replace(".", ""), role)
            self.signed_in[name] = await self.staff.sign_in(who)
        return self.signed_in[name]

    async def get(self, path: str, name: str = "credit") -> httpx.Response:
        return await self.client.get(f"/v1/{path}", headers=await self.headers(name))

    async def ask(self, path: str, body: dict[str, Any], name: str = "credit") -> httpx.Response:
        headers = {**await self.headers(name), "Idempotency-Key": uuid.uuid4().hex}
        return await self.client.post(f"/v1/{path}", json=body, headers=headers)

    async def agree(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        asked = await self.ask(path, body)
        assert asked.status_code == 202, asked.text
        decided = await self.staff.decide(asked, await self.headers("risk"))
        assert decided.status_code == 200, decided.text
        found: dict[str, Any] = decided.json()
        return found

    async def agree_on_strategy(self) -> None:
        today = business_day(SystemClock().now()).isoformat()
        known = await self.get("loan-collections/strategies/consumer")
        if known.status_code == 404:
            await self.agree("loan-collections/strategies", {**STRATEGY, "effective_from": today})

    async def lend(self, *, days: int = DAYS) -> tuple[dict[str, Any], str]:
        """Return a debtor and a loan that was due so many days ago, not yet looked at."""
        now, code = SystemClock().now(), f"cash_{uuid.uuid4().hex[:8]}"
        today = business_day(now)
        await self.agree(
            "loan-products", {**TERMS, "code": code, "effective_from": today.isoformat()}
        )
        body = {"name": "李雷", "mobile": f"138{uuid.uuid4().int % 10**8:08d}", "account_class": 3}
        debtor: dict[str, Any] = (await self.post("/v1/customers", body)).json()
        account = read_account(debtor["account"], field="account")
        then, loan_id = now - timedelta(days=6), uuid7()

        async def lend(uow: UnitOfWork) -> None:
            await ledger.add_partitions(uow, now=then)
            await lending.open_loan(
                uow,
                lending.LoanTerms(
                    principal=12_000_00,
                    rate=120_000,
                    count=12,
                    method=lending.Method.LEVEL_PAYMENT,
                    use="household",
                    first_due=today - timedelta(days=days),
                    auto_debit=False,
                ),
                loan_id=loan_id,
                product=code,
                customer_id=read_id(CUSTOMER, debtor["id"], field="id"),
                borrower_account_id=account,
                payout_account_id=account,
                rulebook=RULES,
                now=then,
            )

        # In a database whose product began today a loan of last week is the owner's to invent.
        await self.api.run_as_owner(
            "UPDATE lending.product_versions SET effective_from = effective_from - 30 "
            f"WHERE product_id = (SELECT id FROM lending.products WHERE code = '{code}')"
        )
        await self.api.run(lend)
        return debtor, show_id(LOAN, loan_id)

    async def close(self) -> None:
        async with Database(self.api.owner_url, role="huitong_app", size=2) as database:
            await lending.close_days(database, rulebook=RULES, now=SystemClock().now())

    async def rows(self, statement: str, loan: str) -> list[Any]:
        values = {"loan": read_id(LOAN, loan, field="loan")}
        found = await self.api.run(lambda uow: uow.execute(statement, **values))
        return [row[0] for row in found]

    async def case_of(self, loan: str) -> dict[str, Any]:
        listed = (await self.get("loan-collections/cases?limit=100")).json()["data"]
        found: dict[str, Any] = next(each for each in listed if each["loan"] == loan)
        return found


@pytest.fixture
def desk(api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any) -> Desk:
    return Desk(api, anonymous, post, staff)


async def test_two_loans_are_late_and_everything_that_may_be_done_is_done(
    desk: Desk, customer_headers: Any
) -> None:
    await desk.agree_on_strategy()
    debtor, loan = await desk.lend()
    other_debtor, other = await desk.lend()
    stranger = await customer_headers()
    await desk.close()
    case = await desk.case_of(loan)
    assert (case["days"], case["segment"], case["score"]) == (DAYS, "late", 100)
    await see_masked(desk, case, debtor)
    await call_within_the_rules(desk, loan)
    await work_on_nobodys_own_loan(desk, other, other_debtor)
    own = await customer_headers(debtor["id"])
    await promise(desk, loan, own)
    await complain(desk, own, other, await customer_headers(other_debtor["id"]))
    await ask_for_easier_terms(desk, loan, own)
    await be_nobody_elses(desk, loan, stranger)


async def see_masked(desk: Desk, case: dict[str, Any], debtor: dict[str, Any]) -> None:
    """The debtor is shown masked, with whom and when on record; lists name nobody."""
    count = "SELECT count(*) FROM privacy.lookups"
    before = await desk.api.run(lambda uow: uow.fetch_value(count))
    seen = await desk.get(f"loan-collections/cases/{case['id']}", "compliance")
    assert seen.status_code == 200, seen.text
    assert (seen.json()["customer"], seen.json()["name"]) == (debtor["id"], "李*")
    assert "****" in seen.json()["mobile"]
    assert await desk.api.run(lambda uow: uow.fetch_value(count)) == before + 1
    tasks = await desk.get("loan-collections/tasks")
    assert "李" not in tasks.text
    assert "138" not in "".join(each["text_zh"] for each in tasks.json()["data"])


async def call_within_the_rules(desk: Desk, loan: str) -> None:
    """An agent takes tasks, calls until the cap or in quiet hours never, and says how it ended."""
    waiting = (await desk.get("loan-collections/tasks")).json()["data"]
    task = next(each for each in waiting if each["loan"] == loan)
    path = f"loan-collections/tasks/{task['id']}"
    early = await desk.ask(f"{path}/contacts", {})
    assert (early.status_code, early.json()["code"]) == (409, "loan_collection_task_taken")
    taken = await desk.ask(f"{path}/assign", {})
    assert taken.json()["state"] == "taken", taken.text
    assert (await desk.ask(f"{path}/release", {})).json()["assigned_to"] is None
    await desk.ask(f"{path}/assign", {})
    made = await desk.ask(f"{path}/contacts", {})
    if find_window(RULES, SystemClock().now()) is None:
        assert (made.status_code, made.json()["context"]["rule"]) == (
            422,
            "collection.quiet.starts",
        )
        return
    assert (made.status_code, made.json()["nth"]) == (201, 1), made.text
    assert made.json()["text_en"].startswith(f"{DAYS} days overdue, CNY ")
    outcome = f"loan-collections/contacts/{made.json()['id']}/outcome"
    assert (await desk.ask(outcome, {"outcome": "no_answer"})).status_code == 200
    for _ in range(2):
        assert (await desk.ask(f"{path}/contacts", {})).status_code == 201
    refused = await desk.ask(f"{path}/contacts", {})
    assert (refused.status_code, refused.json()["context"]["rule"]) == (
        422,
        "collection.calls.day",
    )
    following = await desk.ask("loan-collections/tasks/next", {}, "credit.second")
    assert following.json()["task"]["loan"] != loan, following.text
    nothing = await desk.ask("loan-collections/tasks/next", {}, "credit.second")
    assert nothing.json()["task"] is None


async def work_on_nobodys_own_loan(desk: Desk, loan: str, debtor: dict[str, Any]) -> None:
    """A member of staff who is late neither sees, nor calls, nor decides about themselves."""
    insider = await desk.staff.person("insider", "credit", customer=debtor["id"])
    desk.signed_in["credit.insider"] = await desk.staff.sign_in(insider)
    case = await desk.case_of(loan)
    seen = await desk.get(f"loan-collections/cases/{case['id']}", "credit.insider")
    assert (seen.status_code, seen.json()["code"]) == (403, "own_record")
    tasks = await desk.rows(
        f"SELECT id FROM lending.collection_tasks WHERE loan = {LOAN_BY_ID}", loan
    )
    for act in ("assign", "contacts"):
        path = f"loan-collections/tasks/ctk_{tasks[0].hex}/{act}"
        refused = await desk.ask(path, {}, "credit.insider")
        assert (refused.status_code, refused.json()["code"]) == (403, "own_record")


async def command(
    desk: Desk, path: str, body: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    return await desk.client.post(
        f"/v1/{path}", json=body, headers={**headers, "Idempotency-Key": uuid.uuid4().hex}
    )


async def promise(desk: Desk, loan: str, own: dict[str, str]) -> None:
    """A debtor promises, once at a time, and sees how they were contacted."""
    by = (business_day(SystemClock().now()) + timedelta(days=2)).isoformat()
    body = {"amount": {"amount": "500.00", "currency": "CNY"}, "pay_by": by}
    made = await command(desk, f"loans/{loan}/promises", body, own)
    assert (made.status_code, made.json()["state"]) == (201, "open"), made.text
    again = await command(desk, f"loans/{loan}/promises", body, own)
    assert (again.status_code, again.json()["code"]) == (409, "loan_collection_already_open")
    history = (await desk.client.get(f"/v1/loans/{loan}/contacts", headers=own)).json()
    assert [each["state"] for each in history["promises"]] == ["open"]
    assert [each["score"] for each in history["cases"]] == [None]
    quiet = find_window(RULES, SystemClock().now()) is None
    assert len(history["contacts"]) in ((0, 3) if quiet else (3,))


async def complain(desk: Desk, own: dict[str, str], other: str, other_own: dict[str, str]) -> None:
    """A complaint stops contact until somebody answers it; its words are read on record."""
    body = {"about": "too_often", "words": "一天三次电话，太多了"}
    made = await command(desk, "loan-complaints", body, other_own)
    assert made.status_code == 201, made.text
    listed = await desk.get("loan-collections/complaints", "service")
    assert made.json()["id"] in listed.text
    assert "电话" not in listed.text
    path = f"loan-collections/complaints/{made.json()['id']}"
    assert (await desk.get(path, "service")).json()["words"] == body["words"]
    case = await desk.case_of(other)
    stopped = await desk.ask(f"loan-collections/cases/{case['id']}/promises", {}, "credit")
    assert stopped.status_code == 422
    answer = {"is_upheld": True, "answer_zh": "抱歉", "answer_en": "Sorry"}
    answered = await desk.ask(f"{path}/answer", answer, "service")
    assert (answered.status_code, answered.json()["is_upheld"]) == (200, True), answered.text
    again = await desk.ask(f"{path}/answer", answer, "service")
    assert (again.status_code, again.json()["code"]) == (409, "loan_collection_ended")
    mine = await desk.client.get("/v1/loan-complaints", headers=other_own)
    assert mine.json()["data"][0]["answer_en"] == "Sorry"
    assert (await desk.client.get("/v1/loan-complaints", headers=own)).json()["data"] == []


async def ask_for_easier_terms(desk: Desk, loan: str, own: dict[str, str]) -> None:
    """A request is refused with reasons, the next one granted by two; the loan is restructured."""
    body = {"cause": "illness", "count": 24}
    asked = await command(desk, f"loans/{loan}/hardship-requests", body, own)
    assert (asked.status_code, asked.json()["state"]) == (201, "open"), asked.text
    path = f"loan-collections/hardship-requests/{asked.json()['id']}"
    listed = await desk.get("loan-collections/hardship-requests", "service")
    assert asked.json()["id"] in listed.text
    reasons = {"reason_zh": "材料不足", "reason_en": "Papers are missing"}
    refused = await desk.ask(f"{path}/refusal", reasons, "service")
    assert (refused.status_code, refused.json()["state"]) == (200, "refused"), refused.text
    asked = await command(desk, f"loans/{loan}/hardship-requests", body, own)
    path = f"loan-collections/hardship-requests/{asked.json()['id']}"
    granted = await desk.agree(f"{path}/grants", {"count": 24, "reason": "papers were seen"})
    assert granted["approval"]["outcome"]["state"] == "granted"
    rows = (await desk.client.get(f"/v1/loans/{loan}/schedule", headers=own)).json()["data"]
    assert len(rows) > 20


async def be_nobody_elses(desk: Desk, loan: str, stranger: dict[str, str]) -> None:
    missing = f"loan_{uuid7().hex}"
    for path, body in (
        ("promises", {"amount": {"amount": "1.00", "currency": "CNY"}, "pay_by": "2026-11-30"}),
        ("hardship-requests", {"cause": "illness", "count": 2}),
    ):
        seen = await command(desk, f"loans/{loan}/{path}", body, stranger)
        none = await command(desk, f"loans/{missing}/{path}", body, stranger)
        assert (seen.status_code, seen.json()["code"]) == (404, none.json()["code"])
    history = await desk.client.get(f"/v1/loans/{loan}/contacts", headers=stranger)
    assert history.status_code == 404
    desk_of_staff = await desk.client.get("/v1/loan-collections/cases", headers=stranger)
    assert desk_of_staff.status_code == 403


async def test_a_strategy_that_may_not_be_is_refused_with_its_field(desk: Desk) -> None:
    tomorrow = (business_day(SystemClock().now()) + timedelta(days=1)).isoformat()
    named = {**STEP, "text_en": "Dear {name}"}
    segments = [{"code": "late", "days_min": 1, "steps": [named]}]
    body = {**STRATEGY, "purpose": "farm", "effective_from": tomorrow, "segments": segments}
    refused = await desk.ask("loan-collections/strategies", body)
    assert refused.status_code == 422, refused.text
    assert "segments.0.steps.0.text_en" in refused.text
    none = await desk.get("loan-collections/strategies/farm")
    assert (none.status_code, none.json()["code"]) == (404, "loan_collection_strategy_not_found")


#: What would name somebody beside the debtor, or reach them.
OTHERS = ("mobile", "phone", "email", "address", "contact_person", "relative", "employer", "name")


def test_no_route_of_collections_takes_anybody_to_be_told() -> None:
    routers = (
        collections.router,
        collections.complaints,
        collection_desk.router,
        collection_care.router,
    )
    routes = [each for router in routers for each in router.routes if isinstance(each, APIRoute)]
    bodies = [
        each.body_field.field_info.annotation for each in routes if each.body_field is not None
    ]
    assert len(bodies) == 13
    found = {name for body in bodies for name in _members(body)}
    # Names of strategies only; nothing else can be said about anybody but the debtor.
    taken = {name for name in found if any(each in name for each in OTHERS)}
    assert taken == {"name_zh", "name_en"}


def _members(body: type[BaseModel]) -> set[str]:
    """Return the names of all members of a body, those within them as well."""
    found = set(body.model_fields)
    for each in body.model_fields.values():
        for inner in (each.annotation, *get_args(each.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                found |= _members(inner)
    return found
