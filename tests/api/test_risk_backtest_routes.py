"""A new installation's staff bring the default rules live over the API, and nobody else does."""

import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.job_worker import make_app, run_worker
from huitong.wiring.reactions import JOBS


def once(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Idempotency-Key": uuid.uuid4().hex}


@pytest.fixture(scope="module")
def signed_in() -> dict[str, dict[str, str]]:
    """Sessions of this module by name: second factors are good once."""
    return {}


async def seat(
    staff: Any, signed_in: dict[str, dict[str, str]], name: str, role: str
) -> dict[str, str]:
    if name not in signed_in:
        signed_in[name] = await staff.sign_in(await staff.person(name, role))
    return signed_in[name]


@pytest.fixture
async def maker(staff: Any, signed_in: dict[str, dict[str, str]]) -> dict[str, str]:
    return await seat(staff, signed_in, "backtest_maker", "risk")


@pytest.fixture
async def checker(staff: Any, signed_in: dict[str, dict[str, str]]) -> dict[str, str]:
    return await seat(staff, signed_in, "backtest_checker", "risk")


@pytest.fixture
def seats(
    staff: Any, maker: dict[str, str], checker: dict[str, str]
) -> tuple[Any, dict[str, str], dict[str, str]]:
    """The desk at which two people decide, and both of them."""
    return staff, maker, checker


@pytest.fixture
async def auditor(staff: Any, signed_in: dict[str, dict[str, str]]) -> dict[str, str]:
    return await seat(staff, signed_in, "backtest_auditor", "auditor")


async def work(api: Any) -> None:
    """Do all jobs that are due, as a worker does."""
    async with Database(api.owner_url, role="huitong_app", size=2) as database:
        app = make_app(api.owner_url, role="huitong_app", database=database, definitions=JOBS)
        await run_worker(app, is_ending_when_idle=True)


async def pay(api: Any, post: Any, *amounts: str) -> None:
    """Pay so many times from one new customer to another."""
    bodies = [
        {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
        for name in ("甲", "乙")
    ]
    payer, payee = [(await post("/v1/customers", body)).json()["account"] for body in bodies]
    await api.fund(payer, 1_000_000)
    for amount in amounts:
        body = {"payer": payer, "payee": payee, "amount": {"amount": amount, "currency": "CNY"}}
        response = await post("/v1/payments", body)
        assert response.status_code == 201, response.text


async def test_default_rules_go_live_over_the_api_alone_and_then_decide(
    anonymous: httpx.AsyncClient,
    api: Any,
    post: Any,
    seats: tuple[Any, dict[str, str], dict[str, str]],
) -> None:
    staff, maker, checker = seats
    await pay(api, post, "0.50", "12.34")
    # History ends yesterday: as if these had been paid then.
    await api.run_as_owner(
        "ALTER TABLE risk.decisions DISABLE TRIGGER ALL; "
        "UPDATE risk.decisions SET decided_at = decided_at - interval '1 day'; "
        "ALTER TABLE risk.decisions ENABLE TRIGGER ALL"
    )
    saved = await anonymous.post(
        "/v1/risk/rules/defaults", json={"purpose": "payment"}, headers=once(maker)
    )
    assert saved.status_code == 201, saved.text
    version = saved.json()
    assert version["state"] == "draft"
    assert "velocity" in [each["key"] for each in version["rules"]]
    path = f"/v1/risk/rules/{version['id']}"
    shadow = await anonymous.post(f"{path}/shadow", json={}, headers=once(maker))
    assert shadow.status_code == 200

    asked = await anonymous.post(f"{path}/backtests", json={"days": 7}, headers=once(maker))
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    own = f"/v1/risk/backtests/{asked.json()['id']}"
    again = await anonymous.post(f"{path}/backtests", json={}, headers=once(maker))
    assert (again.status_code, again.json()["code"]) == (409, "backtest_running")
    await work(api)
    done = (await anonymous.get(own, headers=checker)).json()
    assert (done["state"], done["rows_read"]) == ("done", 2), done
    assert done["result"]["everything"]["rows"] == 2
    assert done["result"]["honest"]["customers"] == 1
    assert done["result"]["history"]["absent_features"] == {}

    today = business_day(datetime.now(UTC)).isoformat()
    body = {"digest": version["digest"], "effective_from": today, "reason": "back-test was read"}
    live = await anonymous.post(f"{path}/live", json=body, headers=once(maker))
    assert live.status_code == 202, live.text
    assert (await staff.decide(live, checker)).status_code == 200
    shown = (await anonymous.get(path, headers=maker)).json()
    assert (shown["state"], shown["is_tested"]) == ("live", True)

    # The next version is measured against it.
    # Harder than any of the defaults, some of which are for the night.
    rule = {**version["rules"][0], "predicate": "amount > 1000", "action": "block"}
    next_version = await anonymous.post(
        "/v1/risk/rules", json={"purpose": "payment", "rules": [rule]}, headers=once(maker)
    )
    path = f"/v1/risk/rules/{next_version.json()['id']}"
    await anonymous.post(f"{path}/backtests", json={}, headers=once(maker))
    await work(api)
    result = (await anonymous.get(f"{path}/backtest", headers=maker)).json()["result"]
    assert result["live"]["version"] == version["id"]
    assert result["stopped"]["rows"] == 1
    (example,) = result["examples"]["honest_hit"]
    decision = await anonymous.get(f"/v1/risk/decisions/{example['decision']}", headers=maker)
    assert decision.status_code == 200


async def test_who_only_reads_cannot_ask_and_bad_input_changes_nothing(
    anonymous: httpx.AsyncClient, api: Any, maker: dict[str, str], auditor: dict[str, str]
) -> None:
    async def count() -> int:
        found: int = await api.run(
            lambda uow: uow.fetch_value("SELECT count(*) FROM risk.backtest_runs")
        )
        return found

    before = await count()
    saved = await anonymous.post(
        "/v1/risk/rules/defaults", json={"purpose": "log_in"}, headers=once(maker)
    )
    path = f"/v1/risk/rules/{saved.json()['id']}/backtests"

    denied = await anonymous.post(path, json={}, headers=once(auditor))
    assert denied.status_code == 403
    assert (
        await anonymous.post(
            "/v1/risk/rules/defaults", json={"purpose": "log_in"}, headers=once(auditor)
        )
    ).status_code == 403
    for days in (0, 367, "all"):
        refused = await anonymous.post(path, json={"days": days}, headers=once(maker))
        assert (refused.status_code, refused.json()["field"]) == (422, "days")
    unknown = await anonymous.post(
        f"/v1/risk/rules/rul_{uuid.uuid4().hex}/backtests", json={}, headers=once(maker)
    )
    assert unknown.status_code in {404, 422}
    missing = await anonymous.get(
        "/v1/risk/backtests/bkt_01934d2ea48c7e5a9b1c2d3e4f5a6b7c", headers=auditor
    )
    assert (missing.status_code, missing.json()["code"]) == (404, "backtest_not_found")
    assert await count() == before
