"""Rules and lists over HTTP: one writes, another one decides."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import httpx
import pytest

from huitong import risk
from huitong.kernel.clock import business_day
from huitong.kernel.ids import RULE_VERSION, read_id, uuid7

RULE = {
    "key": "new_payee_and_large",
    "predicate": "is_new_payee and amount > 500000",
    "action": "step_up",
    "weight": 30,
    "reason_zh": "首次向该收款人大额付款，请再次验证身份。",
    "reason_en": "This is a large payment to somebody new.",
    "source": "test",
}


def once(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Idempotency-Key": uuid.uuid4().hex}


def today() -> str:
    return business_day(datetime.now(UTC)).isoformat()


@pytest.fixture(scope="module")
def signed_in() -> dict[str, dict[str, str]]:
    """Sessions of this module by name: second factors are good once."""
    return {}


async def seat(staff: Any, signed_in: dict[str, dict[str, str]], name: str) -> dict[str, str]:
    if name not in signed_in:
        signed_in[name] = await staff.sign_in(await staff.person(name, "risk"))
    return signed_in[name]


@pytest.fixture
async def maker(staff: Any, signed_in: dict[str, dict[str, str]]) -> dict[str, str]:
    return await seat(staff, signed_in, "risk_maker")


@pytest.fixture
async def checker(staff: Any, signed_in: dict[str, dict[str, str]]) -> dict[str, str]:
    return await seat(staff, signed_in, "risk_checker")


async def save(client: httpx.AsyncClient, headers: dict[str, str], **change: Any) -> httpx.Response:
    body = {"purpose": "payment", "rules": [{**RULE, **change}]}
    return await client.post("/v1/risk/rules", json=body, headers=once(headers))


async def store_backtest(api: Any, version: dict[str, Any]) -> None:
    """Store a real back-test, as the command line does."""
    rules = risk.read_rules(version["rules"], risk.default_catalogue(risk.Purpose.PAYMENT))
    first = business_day(datetime.now(UTC)) - timedelta(days=7)
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE history AS SELECT CAST(i * 1000 AS BIGINT) AS amount, i % 2 = 0 AS "
            f"is_new_payee, DATE '{first}' AS day, i % 7 = 0 AS is_fraud FROM range(1000) t(i)"
        )
        period = risk.Period(first, first + timedelta(days=1))
        result = risk.run_backtest(connection, rules, table="history", period=period)
    await api.run(
        lambda uow: risk.record_backtest(
            uow,
            backtest_id=uuid7(),
            version_id=read_id(RULE_VERSION, version["id"], field="version"),
            digest=version["digest"],
            result=result.to_json(),
            now=datetime.now(UTC),
        )
    )


async def test_a_version_is_written_tested_and_goes_live_by_two(
    anonymous: httpx.AsyncClient,
    api: Any,
    staff: Any,
    maker: dict[str, str],
    checker: dict[str, str],
) -> None:
    saved = await save(anonymous, maker)
    assert saved.status_code == 201, saved.text
    version = saved.json()
    assert (version["state"], version["is_tested"]) == ("draft", False)
    path = f"/v1/risk/rules/{version['id']}"
    assert (await anonymous.get(f"{path}/backtest", headers=maker)).status_code == 404
    shadow = await anonymous.post(f"{path}/shadow", json={}, headers=once(maker))
    assert (shadow.status_code, shadow.json()["state"]) == (200, "shadow")
    body = {"digest": version["digest"], "effective_from": today(), "reason": "tested"}

    untested = await anonymous.post(f"{path}/live", json=body, headers=once(maker))
    assert (untested.status_code, untested.json()["code"]) == (409, "backtest_missing")
    await store_backtest(api, version)
    result = (await anonymous.get(f"{path}/backtest", headers=maker)).json()["result"]
    assert result["rules"][0]["hits"]["rows"] == 249

    asked = await anonymous.post(f"{path}/live", json=body, headers=once(maker))
    assert asked.status_code == 202, asked.text
    own = await staff.decide(asked, maker)
    assert (own.status_code, own.json()["code"]) == (403, "own_request")
    decided = await staff.decide(asked, checker)
    assert decided.status_code == 200, decided.text
    live = (await anonymous.get(path, headers=maker)).json()
    assert (live["state"], live["effective_from"]) == ("live", today())

    asked = await anonymous.post(f"{path}/retire", json={"reason": "done"}, headers=once(maker))
    assert (await staff.decide(asked, checker)).status_code == 200
    assert (await anonymous.get(path, headers=maker)).json()["state"] == "retired"


async def test_a_rule_that_does_not_compile_is_refused_with_its_place(
    anonymous: httpx.AsyncClient, maker: dict[str, str]
) -> None:
    refused = await save(anonymous, maker, predicate="is_new_payee and\n  amunt > 5")

    assert refused.status_code == 422
    problem = refused.json()
    assert problem["field"] == "rules[0].predicate"
    assert "line 2, column 3" in problem["detail"]
    assert "did you mean amount?" in problem["detail"]
    other = await anonymous.post(
        "/v1/risk/rules", json={"purpose": "loan", "rules": [RULE]}, headers=once(maker)
    )
    assert other.json()["field"] == "rules[0].predicate"


async def test_versions_and_features_are_listed(
    anonymous: httpx.AsyncClient, maker: dict[str, str]
) -> None:
    saved = [(await save(anonymous, maker, weight=weight)).json() for weight in (1, 2, 3)]
    query = {"purpose": "payment", "limit": 2}
    page = (await anonymous.get("/v1/risk/rules", params=query, headers=maker)).json()
    assert [each["id"] for each in page["data"]] == [saved[2]["id"], saved[1]["id"]]
    query["cursor"] = page["next_cursor"]
    page = (await anonymous.get("/v1/risk/rules", params=query, headers=maker)).json()
    assert page["data"][0]["id"] == saved[0]["id"]

    features = await anonymous.get("/v1/risk/features", params={"purpose": "log_in"}, headers=maker)

    assert {"name", "type", "meaning"} == features.json()["data"][0].keys()
    retired = await anonymous.post(
        f"/v1/risk/rules/{saved[0]['id']}/retire", json={"reason": "no"}, headers=once(maker)
    )
    assert (retired.status_code, retired.json()["state"]) == (200, "retired")


async def test_a_list_is_changed_by_two(
    anonymous: httpx.AsyncClient, staff: Any, maker: dict[str, str], checker: dict[str, str]
) -> None:
    device = f"dev_{uuid7().hex}"
    body = {
        "list": "watch",
        "add": [
            {"kind": "device", "id": device},
            {"kind": "address", "id": "203.0.113.7", "expires_at": "2027-01-01T00:00:00+08:00"},
            {"kind": "mobile", "id": "13800000001"},
            {"kind": "account", "id": "acct_100000000190"},
        ],
        "reason": "case 12",
    }

    asked = await anonymous.post("/v1/risk/lists/changes", json=body, headers=once(maker))
    assert asked.status_code == 202, asked.text
    assert "13800000001" not in asked.text
    watched = {"params": {"list": "watch"}, "headers": maker}
    assert (await anonymous.get("/v1/risk/lists", **watched)).json()["data"] == []
    assert (await staff.decide(asked, checker)).status_code == 200

    entries = (await anonymous.get("/v1/risk/lists", **watched)).json()["data"]
    shown = {each["kind"]: each for each in entries}
    assert shown["device"]["id"] == device
    assert shown["address"]["id"] == "203.0.113.7"
    assert shown["address"]["expires_at"] == "2026-12-31T16:00:00Z"
    assert shown["account"]["id"] == "acct_100000000190"
    assert len(shown["mobile"]["id"]) == 64
    assert {each["reason"] for each in entries} == {"case 12"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"add": [{"kind": "device", "id": "cus_1"}]}, "add[0].id"),
        ({"add": [{"kind": "address", "id": "somewhere"}]}, "add[0].id"),
        ({"add": [{"kind": "mobile", "id": "12"}]}, "add[0].id"),
        ({"remove": [{"kind": "account", "id": "acct_1"}]}, "remove[0].id"),
        ({"add": []}, "add"),
        ({"list": "allow", "add": [{"kind": "address", "id": "::1"}]}, "add[0].expires_at"),
    ],
)
async def test_a_bad_change_is_refused(
    anonymous: httpx.AsyncClient, maker: dict[str, str], change: Any, field: str
) -> None:
    body = {"list": "block", "reason": "case 12", **change}

    refused = await anonymous.post("/v1/risk/lists/changes", json=body, headers=once(maker))

    assert refused.status_code == 422, refused.text
    assert refused.json()["field"] == field


async def test_a_decision_is_shown_with_its_features_and_comes_out_again(
    anonymous: httpx.AsyncClient, api: Any, post: Any, maker: dict[str, str]
) -> None:
    bodies = [
        {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
        for name in ("甲", "乙")
    ]
    payer, payee = [(await post("/v1/customers", body)).json()["account"] for body in bodies]
    await api.fund(payer, 100_000)
    body = {"payer": payer, "payee": payee, "amount": {"amount": "12.34", "currency": "CNY"}}
    paid = await post("/v1/payments", body)
    assert paid.status_code == 201, paid.text
    path = f"/v1/risk/decisions/{paid.json()['id'].replace('pay_', 'dec_')}"
    answer = await anonymous.get(path, headers=maker)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["purpose"], shown["action"], shown["fallback"]) == ("payment", "allow", None)
    assert shown["features"]["amount"] == 1_234
    assert shown["features"]["is_new_payee"] is True
    assert shown["features"]["is_new_device"] is None
    assert shown["replay"] == {"action": "allow", "is_same": True}
    unknown = await anonymous.get(f"/v1/risk/decisions/dec_{uuid7().hex}", headers=maker)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "decision_not_found")
    assert (await anonymous.get(path)).status_code == 401
