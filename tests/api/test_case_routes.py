"""From blocked payments to a case, its outcome, and decisions that are overturned, over HTTP."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.api.test_risk_routes import RULE, once, save, store_backtest, today

from huitong import risk
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import CUSTOMER, DECISION, read_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.wiring.risk_links import LINK_SOURCES

CASES = "/v1/risk/cases"
BLOCKED = "4000.00"


@pytest.fixture(scope="module")
def signed_in() -> dict[str, dict[str, str]]:
    """Sessions of this module by name: second factors are good once."""
    return {}


@dataclass
class Bureau:
    """The running server with a rule that blocks large payments, and staff who work on cases."""

    api: Any
    client: httpx.AsyncClient
    post: Callable[..., Awaitable[httpx.Response]]
    staff: Any
    signed_in: dict[str, dict[str, str]]

    async def seat(self, name: str, role: str = "risk", customer: str | None = None) -> Any:
        if name not in self.signed_in:
            who = await self.staff.person(name, role, customer=customer)
            self.signed_in[name] = await self.staff.sign_in(who)
        return self.signed_in[name]

    async def open_customers(self, *names: str) -> list[dict[str, Any]]:
        bodies = [
            {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
            for name in names
        ]
        opened = [(await self.post("/v1/customers", body)).json() for body in bodies]
        for each in opened:
            await self.api.fund(each["account"], 5_000_000)
        return opened

    async def pay(self, payer: Any, payee: Any, amount: str = BLOCKED) -> httpx.Response:
        return await self.post(
            "/v1/payments",
            {
                "payer": payer["account"],
                "payee": payee["account"],
                "amount": {"amount": amount, "currency": "CNY"},
            },
        )

    async def block(self, payer: Any, payee: Any, amount: str = BLOCKED) -> str:
        """Have a payment blocked and return the id of the decision."""
        refused = await self.pay(payer, payee, amount)
        assert (refused.status_code, refused.json()["code"]) == (422, "payment_blocked")
        decision: str = refused.json()["context"]["decision"]
        return decision

    async def pay_until(
        self, payer: Any, payee: Any, status: int, amount: str = BLOCKED
    ) -> httpx.Response:
        """Pay again and again until the answer is this one: processes learn of lists soon."""
        deadline = time.monotonic() + 10
        while (answer := await self.pay(payer, payee, amount)).status_code != status:
            assert time.monotonic() < deadline, answer.text
            await asyncio.sleep(0.2)
        return answer

    async def group(self) -> None:
        while await self.api.run(
            lambda uow: risk.group_alerts(
                uow, sources=LINK_SOURCES, rulebook=Rulebook.load(), now=SystemClock().now()
            )
        ):
            pass

    async def case_of(self, decision: str, headers: dict[str, str]) -> dict[str, Any]:
        """Return the case of a decision, out of the queue by age."""
        await self.group()
        decision_id = read_id(DECISION, decision, field="decision")
        case_id = await self.api.run(
            lambda uow: uow.fetch_value(
                "SELECT case_id FROM risk.alerts WHERE decision_id = :id", id=decision_id
            )
        )
        return await self.get(f"{CASES}/cas_{case_id.hex}", headers)

    async def get(self, path: str, headers: dict[str, str], **query: Any) -> dict[str, Any]:
        answer = await self.client.get(path, headers=headers, params=query)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def send(self, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        return await self.client.post(path, json=body, headers=once(headers))


@pytest.fixture(scope="module")
def rules_are_live() -> list[bool]:
    """Whether this module's rule is live already."""
    return []


@pytest.fixture
async def bureau(  # noqa: PLR0917 - fixtures
    api: Any,
    anonymous: httpx.AsyncClient,
    post: Any,
    staff: Any,
    signed_in: dict[str, dict[str, str]],
    rules_are_live: list[bool],
) -> Bureau:
    made = Bureau(api, anonymous, post, staff, signed_in)
    if not rules_are_live:
        await _set_rule_live(made)
        rules_are_live.append(True)
    return made


async def _set_rule_live(bureau: Bureau) -> None:
    one, two = await bureau.seat("one"), await bureau.seat("two")
    change = {"predicate": "amount > 300000", "action": "block"}
    saved = await save(bureau.client, one, **change)
    version = saved.json()
    path = f"/v1/risk/rules/{version['id']}"
    await bureau.send(f"{path}/shadow", {}, one)
    await store_backtest(bureau.api, version)
    body = {"digest": version["digest"], "effective_from": today(), "reason": "tested"}
    asked = await bureau.send(f"{path}/live", body, one)
    assert (await bureau.staff.decide(asked, two)).status_code == 200
    deadline = time.monotonic() + 10
    while (await bureau.pay(*await bureau.open_customers("甲", "乙"))).status_code == 201:
        assert time.monotonic() < deadline, "the rule does not come into effect"
        await asyncio.sleep(0.2)


async def test_blocked_payments_become_a_case_that_is_worked_on_and_labelled(
    bureau: Bureau,
) -> None:
    one, two = await bureau.seat("one"), await bureau.seat("two")
    mule, first, second, stranger, other = await bureau.open_customers("一", "二", "三", "四", "五")
    decisions = [await bureau.block(first, mule), await bureau.block(second, mule, "6000.00")]
    apart = await bureau.block(stranger, other)

    case = await bureau.case_of(decisions[0], one)
    assert (case["state"], case["alerts"], case["assigned_to"]) == ("open", 2, None)
    assert case["at_risk"] == [{"amount": "10000.00", "currency": "CNY"}]
    assert case["priority"] == 40 + 20 + RULE["weight"] // 5 + 4
    assert (await bureau.case_of(apart, one))["id"] != case["id"]
    path = f"{CASES}/{case['id']}"
    alerts = (await bureau.get(f"{path}/alerts", one))["data"]
    assert [each["decision"] for each in alerts] == decisions
    assert {(each["side"], each["kind"], each["id"]) for each in alerts[0]["participants"]} == {
        ("actor", "account", first["account"]),
        ("actor", "customer", first["id"]),
        ("counterparty", "account", mule["account"]),
        ("counterparty", "customer", mule["id"]),
    }
    unassigned = await bureau.get(CASES, one, queue="unassigned", limit=100)
    assert case["id"] in [each["id"] for each in unassigned["data"]]

    taken = await bureau.send(f"{path}/assign", {}, one)
    assert (taken.status_code, taken.json()["state"]) == (200, "open"), taken.text
    refused = await bureau.send(f"{path}/assign", {}, two)
    assert (refused.status_code, refused.json()["code"]) == (409, "case_taken")
    assert [each["id"] for each in (await bureau.get(CASES, one, queue="mine"))["data"]] == [
        case["id"]
    ]
    noted = await bureau.send(f"{path}/notes", {"note": "打电话给付款人"}, one)
    assert noted.status_code == 200, noted.text
    finding = {"outcome": "fraud", "note": "two victims", "alerts_seen": 1}
    changed = await bureau.send(f"{path}/close", finding, one)
    assert (changed.status_code, changed.json()["code"]) == (409, "case_changed")
    not_own = await bureau.send(f"{path}/close", {**finding, "alerts_seen": 2}, two)
    assert (not_own.status_code, not_own.json()["code"]) == (403, "not_own_case")
    closed = await bureau.send(f"{path}/close", {**finding, "alerts_seen": 2}, one)
    assert (closed.status_code, closed.json()["outcome"]) == (200, "fraud"), closed.text

    ids = [read_id(DECISION, each, field="decision") for each in decisions]
    labels = await bureau.api.run(lambda uow: risk.find_labels(uow, ids))
    assert {(each.is_fraud, each.source.value) for each in labels.values()} == {(True, "case")}
    assert len(labels) == 2
    timeline = (await bureau.get(f"{path}/timeline", one))["data"]
    assert [each["type"] for each in timeline] == [
        "closed",
        "note",
        "assigned",
        "alert",
        "alert",
        "opened",
    ]
    assert timeline[1]["note"] == "打电话给付款人"


async def test_the_graph_shows_honest_payments_too(bureau: Bureau) -> None:
    one = await bureau.seat("one")
    payer, payee, friend = await bureau.open_customers("一", "二", "三")
    for _ in range(2):
        assert (await bureau.pay(payer, friend, "20.00")).status_code == 201
    decision = await bureau.block(payer, payee)
    case = await bureau.case_of(decision, one)
    graph = await bureau.get(f"{CASES}/{case['id']}/graph", one)
    nodes = [(each["kind"], each["id"]) for each in graph["nodes"]]
    edges = {
        (edge["type"], nodes[edge["source"]][1], nodes[edge["target"]][1]): edge["times"]
        for edge in graph["edges"]
    }
    assert edges["pays", payer["account"], friend["account"]] == 2
    assert edges["pays", payer["account"], payee["account"]] == 1
    assert ("owns", payer["id"], payer["account"]) in edges
    of_case = {each["id"] for each in graph["nodes"] if each["is_of_case"]}
    assert friend["account"] not in of_case
    assert not graph["is_cut"]


async def test_where_the_payer_paid_before_is_near(bureau: Bureau) -> None:
    one = await bureau.seat("one")
    victim, mule, boss, elsewhere = await bureau.open_customers("一", "二", "三", "四")
    assert (await bureau.pay(mule, boss, "50.00")).status_code == 201
    first = await bureau.case_of(await bureau.block(victim, mule), one)
    second = await bureau.case_of(await bureau.block(boss, elsewhere), one)
    assert first["id"] == second["id"]


async def test_an_overturned_decision_says_so_and_lets_the_same_payment_pass(
    bureau: Bureau,
) -> None:
    one, two = await bureau.seat("one"), await bureau.seat("two")
    payer, payee, third = await bureau.open_customers("一", "二", "三")
    decision = await bureau.block(payer, payee)
    case = await bureau.case_of(decision, one)
    path = f"/v1/risk/decisions/{decision}"

    asked = await bureau.send(f"{path}/overturn", {"reason": "invoice 12 was shown"}, one)
    assert asked.status_code == 202, asked.text
    own = await bureau.staff.decide(asked, one)
    assert (own.status_code, own.json()["code"]) == (403, "own_request")
    await bureau.block(payer, payee)
    assert (await bureau.get(path, one))["overturned"] is None
    decided = await bureau.staff.decide(asked, two)
    assert decided.status_code == 200, decided.text

    shown = await bureau.get(path, one)
    assert shown["overturned"]["reason"] == "invoice 12 was shown"
    assert shown["reasons"][0]["code"] == "overturned"
    assert shown["replay"]["is_same"] is True
    label = await bureau.api.run(
        lambda uow: risk.find_labels(uow, [read_id(DECISION, decision, field="decision")])
    )
    assert [(each.is_fraud, each.source.value) for each in label.values()] == [(False, "overturn")]
    entries = (await bureau.get("/v1/risk/lists", one, list="allow"))["data"]
    pair = f"{payer['account']}:{payee['account']}"
    assert [each["kind"] for each in entries if each["id"] == pair] == ["pair"]
    assert (await bureau.get(f"{CASES}/{case['id']}/timeline", one))["data"][0]["type"] == (
        "overturned"
    )

    paid = await bureau.pay_until(payer, payee, 201)
    await bureau.block(payer, third)
    await bureau.block(payee, payer)
    again = await bureau.send(f"{path}/overturn", {"reason": "once more"}, one)
    assert (again.status_code, again.json()["code"]) == (409, "already_overturned")
    passed = paid.json()["id"].replace("pay_", "dec_")
    nothing = await bureau.send(f"/v1/risk/decisions/{passed}/overturn", {"reason": "x"}, one)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_overturn")

    body = {"list": "allow", "remove": [{"kind": "pair", "id": pair}], "reason": "enough"}
    taken_off = await bureau.send("/v1/risk/lists/changes", body, one)
    assert (await bureau.staff.decide(taken_off, two)).status_code == 200
    # Few payments fit into the day's cap, so the first one is not sent before the news is there.
    await asyncio.sleep(2 * limits.RULE_NEWS_INTERVAL_SECONDS)
    refused = await bureau.pay_until(payer, payee, 422, "3000.01")
    assert refused.json()["code"] == "payment_blocked"


async def test_two_who_ask_for_the_same_overturning_do_it_once(bureau: Bureau) -> None:
    one, two = await bureau.seat("one"), await bureau.seat("two")
    payer, payee = await bureau.open_customers("一", "二")
    path = f"/v1/risk/decisions/{await bureau.block(payer, payee)}/overturn"
    asked = [await bureau.send(path, {"reason": "wrong"}, who) for who in (one, two)]
    decided = await asyncio.gather(
        bureau.staff.decide(asked[0], two), bureau.staff.decide(asked[1], one)
    )
    assert sorted(each.status_code for each in decided) == [200, 409]
    assert [each.json()["code"] for each in decided if each.status_code == 409] == [
        "already_overturned"
    ]


async def test_nobody_has_a_decision_on_themselves_overturned(bureau: Bureau) -> None:
    (payer, payee) = await bureau.open_customers("一", "二")
    own = await bureau.seat("payer", customer=payer["id"])
    decision = await bureau.block(payer, payee)
    refused = await bureau.send(
        f"/v1/risk/decisions/{decision}/overturn", {"reason": "it was me"}, own
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "own_record")


async def test_what_takes_part_in_a_case_is_proposed_and_blocked_by_two(bureau: Bureau) -> None:
    one, two = await bureau.seat("one"), await bureau.seat("two")
    payer, mule, other = await bureau.open_customers("一", "二", "三")
    case = await bureau.case_of(await bureau.block(payer, mule), one)
    path = f"{CASES}/{case['id']}"
    body = {"list": "block", "kind": "account", "id": mule["account"], "reason": "mule"}
    untaken = await bureau.send(f"{path}/proposals", body, one)
    assert (untaken.status_code, untaken.json()["code"]) == (409, "case_not_taken")
    await bureau.send(f"{path}/assign", {}, one)
    foreign = await bureau.send(f"{path}/proposals", {**body, "id": other["account"]}, one)
    assert (foreign.status_code, foreign.json()["field"]) == (422, "entity")
    asked = await bureau.send(f"{path}/proposals", body, one)
    assert (await bureau.pay(other, mule, "1.00")).status_code == 201
    assert (await bureau.staff.decide(asked, two)).status_code == 200
    refused = await bureau.pay_until(other, mule, 422, "1.00")
    assert refused.json()["code"] == "payment_blocked"
    (entry, *_) = (await bureau.get(f"{path}/timeline", one))["data"]
    assert (entry["type"], entry["about"]) == ("list_proposed", asked.json()["id"])


async def test_a_pair_is_allowed_only_and_written_as_two_accounts(bureau: Bureau) -> None:
    one = await bureau.seat("one")
    payer, payee = await bureau.open_customers("一", "二")
    pair = {"kind": "pair", "id": f"{payer['account']}:{payee['account']}"}
    body = {"list": "block", "add": [pair], "reason": "x"}
    refused = await bureau.send("/v1/risk/lists/changes", body, one)
    assert (refused.status_code, refused.json()["field"]) == (422, "add[0].kind")
    for bad in ("acct_1", f"{payer['account']}:", f"{payer['account']}{payee['account']}"):
        body = {"list": "allow", "add": [{**pair, "id": bad}], "reason": "x"}
        refused = await bureau.send("/v1/risk/lists/changes", body, one)
        assert (refused.status_code, refused.json()["field"]) == (422, "add[0].id")


async def test_who_may_see_cases_and_who_may_work_on_them(bureau: Bureau) -> None:
    one, reader = await bureau.seat("one"), await bureau.seat("reader", "compliance")
    cashier = await bureau.seat("cashier", "service")
    payer, payee = await bureau.open_customers("一", "二")
    decision = await bureau.block(payer, payee)
    case = await bureau.case_of(decision, one)
    path = f"{CASES}/{case['id']}"
    assert (await bureau.get(path, reader))["id"] == case["id"]
    for headers, sent in (
        (reader, bureau.send(f"{path}/assign", {}, reader)),
        (reader, bureau.send(f"/v1/risk/decisions/{decision}/overturn", {"reason": "x"}, reader)),
        (cashier, bureau.client.get(path, headers=cashier)),
    ):
        refused = await sent
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted"), headers
    unknown = await bureau.client.get(f"{CASES}/cas_{uuid7().hex}", headers=one)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "case_not_found")
    assert (await bureau.client.get(path)).status_code == 401
    foreign = await bureau.send(f"{path}/assign", {"to": f"stf_{uuid7().hex}"}, one)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "staff_not_found")


async def test_queues_are_read_page_by_page(bureau: Bureau) -> None:
    one = await bureau.seat("one")
    people = await bureau.open_customers(*"一二三四五六")
    for payer, payee in zip(people[::2], people[1::2], strict=True):
        await bureau.block(payer, payee)
    await bureau.group()
    for queue in ("priority", "age", "unassigned"):
        whole = (await bureau.get(CASES, one, queue=queue, limit=100))["data"]
        paged: list[Any] = []
        cursor = None
        while True:
            query = {"queue": queue, "limit": 2} | ({} if cursor is None else {"cursor": cursor})
            page = await bureau.get(CASES, one, **query)
            paged += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert paged == whole
        assert len(whole) >= 3
    order = [each["priority"] for each in (await bureau.get(CASES, one, limit=100))["data"]]
    assert order == sorted(order, reverse=True)


async def test_a_command_that_is_sent_again_is_done_once(bureau: Bureau) -> None:
    one = await bureau.seat("one")
    payer, payee = await bureau.open_customers("一", "二")
    case = await bureau.case_of(await bureau.block(payer, payee), one)
    path, headers = f"{CASES}/{case['id']}", once(one)
    for _ in range(2):
        answer = await bureau.client.post(f"{path}/notes", json={"note": "called"}, headers=headers)
        assert answer.status_code == 200
    timeline = (await bureau.get(f"{path}/timeline", one))["data"]
    assert [each["type"] for each in timeline].count("note") == 1


async def test_looking_at_the_people_of_ones_own_case_is_work(bureau: Bureau) -> None:
    one, two = await bureau.seat("one"), await bureau.seat("two")
    payer, payee = await bureau.open_customers("一", "二")
    case = await bureau.case_of(await bureau.block(payer, payee), one)
    await bureau.send(f"{CASES}/{case['id']}/assign", {}, one)
    for headers in (one, two):
        await bureau.get(f"/v1/staff/customers/{payer['id']}", headers)
    subject_id = read_id(CUSTOMER, payer["id"], field="id")
    seen = await bureau.api.run(
        lambda uow: uow.execute(
            "SELECT is_related FROM privacy.lookups WHERE subject_id = :id ORDER BY id",
            id=subject_id,
        )
    )
    assert [row.is_related for row in seen] == [True, False]
