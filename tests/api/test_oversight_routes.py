"""What staff oversee: payments with their trace, the trail, failed work, the rulebook, the hour."""

import asyncio
import itertools
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from huitong.kernel import jobs, limits, outbox
from huitong.kernel.clock import SystemClock
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import HoldExpired

_numbers = itertools.count(13700000001)


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


@dataclass
class Desk:
    """A member of staff with some roles, who asks."""

    client: httpx.AsyncClient
    headers: dict[str, str]

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.client.get(path, params=query, headers=self.headers)

    async def page(self, path: str, **query: str) -> list[dict[str, Any]]:
        answer = await self.get(path, **query)
        assert answer.status_code == 200, answer.text
        data: list[dict[str, Any]] = answer.json()["data"]
        return data

    async def send(self, path: str, key: str | None = None) -> httpx.Response:
        headers = {**self.headers, "Idempotency-Key": key or uuid.uuid4().hex}
        return await self.client.post(path, json={}, headers=headers)


@pytest.fixture(scope="module")
def sessions(staff: Any) -> dict[str, dict[str, str]]:
    """A session of each role that is asked for, opened once."""

    async def sign_in() -> dict[str, dict[str, str]]:
        return {
            role: await staff.headers(role)
            for role in ("operations", "auditor", "credit", "service")
        }

    return asyncio.run(sign_in())


@pytest.fixture
async def operations(anonymous: httpx.AsyncClient, sessions: dict[str, dict[str, str]]) -> Desk:
    return Desk(anonymous, sessions["operations"])


@pytest.fixture
async def auditor(anonymous: httpx.AsyncClient, sessions: dict[str, dict[str, str]]) -> Desk:
    return Desk(anonymous, sessions["auditor"])


@pytest.fixture
async def payer(api: Any, post: Any) -> dict[str, Any]:
    body = {"name": "李雷", "mobile": str(next(_numbers)), "account_class": 2}
    made: dict[str, Any] = (await post("/v1/customers", body)).json()
    await api.fund(made["account"], 100_000)
    return made


@pytest.fixture
async def merchant(post: Any) -> dict[str, Any]:
    body = {
        "name": "三味书屋",
        "name_latin": "SANWEI BOOKS",
        "city_latin": "SHAOXING",
        "category_code": "5942",
        "fee_rate": "0.006",
    }
    made: dict[str, Any] = (await post("/v1/merchants", body)).json()
    return made


async def pay(post: Any, payer: dict[str, Any], payee: dict[str, Any], amount: str) -> Any:
    asked = {"payer": payer["account"], "payee": payee["account"], "amount": money(amount)}
    paid = await post("/v1/payments", asked)
    assert paid.status_code == 201, paid.text
    return paid.json()


async def test_a_payment_is_found_by_what_is_known_of_it(
    post: Any, payer: dict[str, Any], merchant: dict[str, Any], operations: Desk
) -> None:
    path = "/v1/staff/payments"
    first = await pay(post, payer, merchant, "10.00")
    second = await pay(post, payer, merchant, "20.00")
    found = await operations.page(path, account=payer["account"])
    assert [each["id"] for each in found] == [second["id"], first["id"]]
    assert found[0]["amount"] == money("20.00")
    of_merchant = await operations.page(path, merchant=merchant["id"], status="succeeded")
    assert [each["id"] for each in of_merchant] == [second["id"], first["id"]]
    assert await operations.page(path, account=payer["account"], status="failed") == []
    assert await operations.page(path, account=payer["account"], kind="withdrawal") == []
    until = await operations.page(path, account=payer["account"], until=second["created_at"])
    assert first["id"] in [each["id"] for each in until] or first["created_at"] == until
    assert second["id"] not in [each["id"] for each in until]
    since = await operations.page(path, account=payer["account"], since=second["created_at"])
    assert second["id"] in [each["id"] for each in since]


async def test_pages_of_payments_follow_each_other_without_gap_or_repetition(
    post: Any, payer: dict[str, Any], merchant: dict[str, Any], operations: Desk
) -> None:
    made = [(await pay(post, payer, merchant, "1.00"))["id"] for _ in range(3)]
    query = {"account": payer["account"], "limit": "2"}
    one = (await operations.get("/v1/staff/payments", **query)).json()
    two = (await operations.get("/v1/staff/payments", **query, cursor=one["next_cursor"])).json()
    assert [each["id"] for each in one["data"] + two["data"]] == made[::-1]
    assert two["next_cursor"] is None
    moved = await operations.get("/v1/staff/payments", limit="2", cursor=one["next_cursor"])
    assert (moved.status_code, moved.json()["field"]) == (422, "cursor")


async def test_a_search_that_looks_through_its_share_says_where_to_go_on(
    post: Any,
    payer: dict[str, Any],
    merchant: dict[str, Any],
    operations: Desk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = await pay(post, payer, merchant, "3.00")
    await pay(post, merchant, payer, "1.00")
    await pay(post, merchant, payer, "1.00")
    monkeypatch.setattr(limits, "PAYMENT_SEARCH_ROWS_MAX", 2)
    query = {"account": payer["account"], "kind": "payment"}
    found: list[str] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None and pages < 5:
        more = {"cursor": cursor} if cursor else {}
        answer = (await operations.get("/v1/staff/payments", **query, **more)).json()
        found += [each["id"] for each in answer["data"]]
        cursor, pages = answer["next_cursor"], pages + 1
    assert found == [first["id"]]
    assert pages == 2


async def test_a_period_that_ends_before_it_begins_is_refused(operations: Desk) -> None:
    answer = await operations.get(
        "/v1/staff/payments", since="2026-11-02T00:00:00Z", until="2026-11-01T00:00:00Z"
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "until")


async def test_a_trace_has_order_decision_postings_and_refund(
    client: httpx.AsyncClient,
    post: Any,
    payer: dict[str, Any],
    merchant: dict[str, Any],
    operations: Desk,
) -> None:
    paid = await pay(post, payer, merchant, "100.00")
    back = await post(f"/v1/payments/{paid['id']}/refunds", {"amount": money("40.00")})
    assert back.status_code == 201, back.text
    trace = (await operations.get(f"/v1/staff/payments/{paid['id']}")).json()
    assert trace["payment"]["status"] == "partly_refunded"
    assert trace["decision"] == paid["id"].replace("pay_", "dec_")
    assert [each["amount"] for each in trace["refunds"]] == [money("40.00")]
    assert (trace["stop"], trace["attempts"], trace["rail"], trace["shares"]) == (
        None,
        [],
        None,
        [],
    )
    posted, returned = trace["entries"]
    assert [each["amount"]["amount"] for each in posted["transfers"]] == ["100.00", "0.60"]
    assert sorted(each["amount"]["amount"] for each in returned["transfers"]) == ["0.24", "40.00"]
    # What the journal itself says of the payment's transfer.
    transfer = await client.get(f"/v1/ledger/transfers/{paid['transfer']}")
    assert posted["transfers"][0] == transfer.json()


async def test_a_trace_of_a_capture_has_the_hold_and_what_ended_it(
    post: Any, payer: dict[str, Any], merchant: dict[str, Any], operations: Desk
) -> None:
    asked = {"payer": payer["account"], "merchant": merchant["id"], "amount": money("50.00")}
    held = (await post("/v1/authorisations", asked)).json()
    before = (await operations.get(f"/v1/staff/payments/{held['id']}")).json()
    assert [each["kind"] for entry in before["entries"] for each in entry["transfers"]] == [
        "pending"
    ]
    taken = await post(f"/v1/authorisations/{held['id']}/capture", {"amount": money("30.00")})
    assert taken.status_code == 200, taken.text
    after = (await operations.get(f"/v1/staff/payments/{held['id']}")).json()
    amounts = [
        each["amount"]["amount"] for entry in after["entries"] for each in entry["transfers"]
    ]
    assert {"50.00", "30.00"} <= set(amounts)


async def test_a_trace_of_a_top_up_has_its_attempt(
    post: Any, payer: dict[str, Any], operations: Desk
) -> None:
    asked = {"account": payer["account"], "amount": money("15.00")}
    made = await post("/v1/top-ups", asked)
    assert made.status_code in (201, 202), made.text
    trace = (await operations.get(f"/v1/staff/payments/{made.json()['id']}")).json()
    (attempt,) = trace["attempts"]
    assert (attempt["number"], attempt["direction"], attempt["amount"]) == (1, "in", money("15.00"))
    assert "instrument" not in attempt


async def test_an_unknown_payment_has_no_trace(operations: Desk) -> None:
    answer = await operations.get(f"/v1/staff/payments/pay_{uuid.uuid4().hex}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_last_hour_is_counted_by_minute(
    post: Any, payer: dict[str, Any], merchant: dict[str, Any], operations: Desk
) -> None:
    before = (await operations.get("/v1/staff/pace")).json()
    await pay(post, payer, merchant, "12.34")
    await pay(post, payer, merchant, "0.66")
    after = (await operations.get("/v1/staff/pace")).json()

    def total(pace: Any) -> tuple[int, int, int]:
        minutes = [each for each in pace["minutes"] if each["moved"]["currency"] == "CNY"]
        cents = sum(int(each["moved"]["amount"].replace(".", "")) for each in minutes)
        allowed = next(each["count"] for each in pace["decided"] if each["action"] == "allow")
        return sum(each["paid"] for each in minutes), cents, allowed

    paid, cents, allowed = total(before)
    assert total(after) == (paid + 2, cents + 1300, allowed + 2)
    assert [each["action"] for each in after["decided"]] == [
        "allow",
        "step_up",
        "review",
        "delay",
        "block",
    ]


async def test_the_trail_is_searched_by_actor_action_thing_and_time(
    post: Any, payer: dict[str, Any], auditor: Desk
) -> None:
    path = "/v1/staff/audit-records"
    frozen = await post(
        f"/v1/accounts/{payer['account']}/freeze", {"scope": "debits", "reason": "police request"}
    )
    assert frozen.status_code == 200, frozen.text
    record, *_ = await auditor.page(path, subject=payer["account"], action="ledger.")
    assert record["id"].startswith("aud_")
    assert record["subject"] == payer["account"]
    by_actor = await auditor.page(path, actor=record["actor"], action=record["action"])
    assert record["id"] in [each["id"] for each in by_actor]
    assert await auditor.page(path, subject=payer["account"], actor="stf_nobody") == []
    later = "2099-01-01T00:00:00Z"
    assert await auditor.page(path, since=later) == []
    assert record["id"] in [
        each["id"] for each in await auditor.page(path, until=later, since=record["recorded_at"])
    ]


async def test_a_search_of_the_trail_goes_on_behind_what_it_looked_through(
    post: Any, payer: dict[str, Any], auditor: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze = await post(
        f"/v1/accounts/{payer['account']}/freeze", {"scope": "debits", "reason": "a test"}
    )
    unfreeze = await post(f"/v1/accounts/{payer['account']}/unfreeze", {"reason": "a test"})
    assert (freeze.status_code, unfreeze.status_code) == (200, 200)
    path, query = "/v1/staff/audit-records", {"subject": payer["account"]}
    whole = [each["id"] for each in await auditor.page(path, **query)]
    monkeypatch.setattr(limits, "AUDIT_SEARCH_ROWS_MAX", 1)
    found, cursor = [], ""
    for _ in range(len(whole) + 1):
        more = {"cursor": cursor} if cursor else {}
        answer = (await auditor.get(path, **query, **more)).json()
        found += [each["id"] for each in answer["data"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert found == whole
    assert len(whole) >= 2


async def test_a_failed_job_is_seen_without_its_words_and_tried_once_more(
    api: Any, operations: Desk, auditor: Desk
) -> None:
    now = SystemClock().now()

    async def fail(uow: Any) -> int:
        number = await jobs.defer(uow, "tests.fail", thing="pay_1")
        await uow.execute(
            "UPDATE jobs.procrastinate_jobs SET status = 'failed', attempts = 5 WHERE id = :id",
            id=number,
        )
        await jobs.note_failure(uow, number, "ValueError: 李雷 13900000000", now=now)
        return number

    number = await api.run(fail)
    listed = await auditor.page("/v1/operations/failed-jobs")
    (job,) = [each for each in listed if each["id"] == f"job_{number}"]
    assert (job["name"], job["attempts"], job["error"]) == ("tests.fail", 5, "ValueError")
    assert job["arguments"] == {"thing": "pay_1"}
    path = f"/v1/operations/failed-jobs/job_{number}/retry"
    assert (await auditor.send(path)).json()["code"] == "not_permitted"
    tried = await operations.send(path, key="again")
    assert (tried.status_code, tried.json()["id"]) == (200, f"job_{number}")
    assert (await operations.send(path, key="again")).content == tried.content
    twice = await operations.send(path)
    assert (twice.status_code, twice.json()["code"]) == (404, "failed_job_not_found")
    (record,) = await auditor.page("/v1/staff/audit-records", subject=f"job_{number}")
    assert record["action"] == "kernel.repeat_failed_job"


async def test_a_parked_event_is_seen_without_its_words_and_told_again(
    api: Any, operations: Desk, auditor: Desk
) -> None:
    now = SystemClock().now()

    async def park(uow: Any) -> uuid.UUID:
        (event_id,) = await outbox.append(uow, [HoldExpired(hold_id=uuid.uuid4(), expired_at=now)])
        await uow.execute(
            "UPDATE kernel.outbox SET parked_at = :now, attempts = 9, last_error = :error"
            " WHERE id = :id",
            id=event_id,
            now=now,
            error="KeyError: '李雷'",
        )
        return event_id

    event = f"evt_{(await api.run(park)).hex}"
    (parked,) = await auditor.page("/v1/operations/parked-events")
    assert (parked["id"], parked["attempts"], parked["last_error"]) == (event, 9, "KeyError")
    assert parked["topic"] == "ledger.HoldExpired.v1"
    path = f"/v1/operations/parked-events/{event}/retry"
    told = await operations.send(path)
    assert (told.status_code, told.json()["id"]) == (200, event)
    assert (await operations.send(path)).status_code == 404
    assert await auditor.page("/v1/operations/parked-events") == []


async def test_the_rulebook_is_read_as_of_a_day_with_sources(operations: Desk) -> None:
    answer = (await operations.get("/v1/staff/rulebook", on="2026-11-23")).json()
    book = Rulebook.load()
    assert (answer["on"], answer["jurisdiction"]) == ("2026-11-23", "CN")
    assert {each["key"] for each in answer["data"]} <= book.keys
    assert len(answer["data"]) > 400
    assert all(each["source"]["title"] for each in answer["data"])
    assert all(isinstance(each["value"], str | list) for each in answer["data"])
    key = answer["data"][0]["key"]
    history = await operations.page(f"/v1/staff/rulebook/{key}")
    assert answer["data"][0] in history
    unknown = await operations.get("/v1/staff/rulebook/no.such.rule")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    bad = await operations.get("/v1/staff/rulebook", on="yesterday")
    assert bad.status_code == 422


async def test_roles_are_shown_with_their_bounds(auditor: Desk) -> None:
    answer = (await auditor.get("/v1/staff/roles")).json()
    service = next(each for each in answer["roles"] if each["name"] == "service")
    assert service["amount_max"] == {"refunds:write": money("5000.00")}
    assert [each["name"] for each in answer["roles"] if each["is_alone"]] == [
        "auditor",
        "administrator",
    ]
    refund = next(each for each in answer["acts"] if each["name"] == "payments.refund")
    assert (refund["request"], refund["approve"], refund["hours"]) == (
        "refunds:write",
        "refunds:approve",
        24,
    )
    meanings = {each["name"]: each["meaning"] for each in answer["permissions"]}
    assert set(service["permissions"]) <= set(meanings)


async def test_accounts_of_a_chart_code_are_listed_with_balances(
    client: httpx.AsyncClient, payer: dict[str, Any], operations: Desk
) -> None:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        answer = (
            await operations.get("/v1/ledger/accounts", chart_code="2011.01", limit="50", **more)
        ).json()
        found, cursor = found + answer["data"], answer["next_cursor"]
    own = next(each for each in found if each["id"] == payer["account"])
    assert own == (await client.get(f"/v1/accounts/{payer['account']}")).json()
    assert own["balance"] == money("1000.00")
    none = await operations.page("/v1/ledger/accounts", chart_code="9999")
    assert none == []


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("credit", "/v1/staff/payments"),
        ("service", "/v1/staff/pace"),
        ("operations", "/v1/staff/audit-records"),
        ("service", "/v1/operations/failed-jobs"),
        ("credit", "/v1/staff/roles"),
        ("credit", "/v1/ledger/accounts?chart_code=1002"),
    ],
)
async def test_who_may_not_is_told_so(
    anonymous: httpx.AsyncClient, sessions: dict[str, dict[str, str]], role: str, path: str
) -> None:
    answer = await anonymous.get(path, headers=sessions[role])
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
