"""Decision tables over HTTP: one writes, another one decides, and readers see what answers."""

import copy
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from huitong import risk
from huitong.kernel.clock import business_day
from huitong.kernel.ids import TABLE_ANSWER, show_id, uuid7

CASE = {"grade": "A", "term_months": 12, "amount": 1_000_000}
TABLE: dict[str, Any] = {
    "hit_policy": "unique",
    "rows": [
        {"key": "good", "when": {"grade": '"A", "B"'}, "then": {"rate": "0.0480"}},
        {"key": "rest", "when": {"grade": 'not("A", "B")'}, "then": {"rate": "0.1080"}},
    ],
    "tests": [{"name": "a good grade", "inputs": CASE, "expect": {"rate": "0.0480"}}],
}
SAVED = "/v1/risk/tables/loan_price/versions"


def once(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Idempotency-Key": uuid.uuid4().hex}


def today() -> str:
    return business_day(datetime.now(UTC)).isoformat()


@pytest.fixture(scope="module")
def signed_in() -> dict[str, dict[str, str]]:
    """Sessions of this module by name: second factors are good once."""
    return {}


@pytest.fixture
async def seats(staff: Any, signed_in: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the headers of a maker, a checker, and of somebody who only reads."""
    for name, role in (("maker", "credit"), ("checker", "risk"), ("reader", "auditor")):
        if name not in signed_in:
            signed_in[name] = await staff.sign_in(await staff.person(f"table_{name}", role))
    return signed_in


async def test_a_table_goes_live_by_two_answers_and_is_retired_by_two(
    anonymous: httpx.AsyncClient, api: Any, staff: Any, seats: dict[str, dict[str, str]]
) -> None:
    maker = seats["maker"]
    saved = await anonymous.post(SAVED, json=TABLE, headers=once(maker))
    assert saved.status_code == 201, saved.text
    version = saved.json()
    assert (version["state"], version["is_reach_checked"], version["failed_tests"]) == (
        "draft",
        True,
        [],
    )
    path = f"/v1/risk/table-versions/{version['id']}"
    tried = await anonymous.post(f"{path}/try", json={"inputs": CASE}, headers=seats["reader"])
    assert tried.json() == {"rows": ["good"], "outputs": [{"rate": "0.0480"}]}

    body = {"digest": version["digest"], "effective_from": today(), "reason": "agreed"}
    asked = await anonymous.post(f"{path}/live", json=body, headers=once(maker))
    assert asked.status_code == 202, asked.text
    own = await staff.decide(asked, maker)
    assert (own.status_code, own.json()["code"]) == (403, "own_request")
    assert (await staff.decide(asked, seats["checker"])).status_code == 200
    live = (await anonymous.get(path, headers=seats["reader"])).json()
    assert (live["state"], live["effective_from"]) == ("live", today())

    answer_id = uuid7()
    await api.run(
        lambda uow: risk.ask_table(
            uow,
            "loan_price",
            CASE,
            answer_id=answer_id,
            subject_id=uuid7(),
            now=datetime.now(UTC),
        )
    )
    answered = await anonymous.get(
        f"/v1/risk/table-answers/{show_id(TABLE_ANSWER, answer_id)}", headers=seats["reader"]
    )
    shown = answered.json()
    assert (shown["rows"], shown["is_same_again"]) == (["good"], True)
    assert (shown["version"], shown["inputs"]) == (version["id"], CASE)

    asked = await anonymous.post(f"{path}/retire", json={"reason": "done"}, headers=once(maker))
    assert asked.status_code == 202
    assert (await staff.decide(asked, seats["checker"])).status_code == 200
    assert (await anonymous.get(path, headers=maker)).json()["state"] == "retired"


async def test_a_table_whose_tests_fail_is_kept_and_does_not_go_live(
    anonymous: httpx.AsyncClient, seats: dict[str, dict[str, str]]
) -> None:
    table = copy.deepcopy(TABLE)
    table["tests"][0]["expect"] = {"rate": "0.0500"}
    version = (await anonymous.post(SAVED, json=table, headers=once(seats["maker"]))).json()
    assert version["failed_tests"] == [
        {
            "name": "a good grade",
            "expected": [{"rate": "0.0500"}],
            "answered": [{"rate": "0.0480"}],
        }
    ]
    path = f"/v1/risk/table-versions/{version['id']}"
    body = {"digest": version["digest"], "effective_from": today(), "reason": "agreed"}
    refused = await anonymous.post(f"{path}/live", json=body, headers=once(seats["maker"]))
    assert (refused.status_code, refused.json()["code"]) == (409, "table_tests_failed")
    gone = await anonymous.post(
        f"{path}/retire", json={"reason": "wrong"}, headers=once(seats["maker"])
    )
    assert (gone.status_code, gone.json()["state"]) == (200, "retired")


@pytest.mark.parametrize(
    ("place", "value", "field"),
    [
        (("rows", 0, "when", "grade"), '"A" or', "rows[0].when.grade"),
        (("rows", 0, "then", "rate"), 0.048, "rows[0].then.rate"),
        (("rows", 1, "when", "grade"), '"C"', "rows"),
        (("tests", 0, "inputs", "amount"), 1.5, "tests[0].inputs.amount"),
        (("hit_policy",), "any", "hit_policy"),
    ],
)
async def test_a_table_that_is_not_clear_is_refused_with_the_cell(
    anonymous: httpx.AsyncClient,
    seats: dict[str, dict[str, str]],
    place: tuple[Any, ...],
    value: Any,
    field: str,
) -> None:
    table = copy.deepcopy(TABLE)
    inner: Any = table
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    query = {"limit": 100}
    before = (await anonymous.get(SAVED, params=query, headers=seats["maker"])).json()

    refused = await anonymous.post(SAVED, json=table, headers=once(seats["maker"]))

    assert (refused.status_code, refused.json()["field"]) == (422, field), refused.text
    assert (await anonymous.get(SAVED, params=query, headers=seats["maker"])).json() == before


async def test_defaults_are_saved_by_who_may_write_and_listed(
    anonymous: httpx.AsyncClient, seats: dict[str, dict[str, str]]
) -> None:
    path = "/v1/risk/tables/loan_eligibility/defaults"
    for who in ("checker", "reader"):
        assert (await anonymous.post(path, json={}, headers=once(seats[who]))).status_code == 403
    saved = await anonymous.post(path, json={}, headers=once(seats["maker"]))
    assert saved.status_code == 201, saved.text
    listed = await anonymous.get(
        "/v1/risk/tables/loan_eligibility/versions", headers=seats["reader"]
    )
    assert [each["id"] for each in listed.json()["data"]] == [saved.json()["id"]]
    tables = (await anonymous.get("/v1/risk/tables", headers=seats["reader"])).json()["data"]
    assert [each["name"] for each in tables] == ["loan_eligibility", "loan_price"]
    unknown = await anonymous.get("/v1/risk/tables/weather/versions", headers=seats["reader"])
    assert (unknown.status_code, unknown.json()["field"]) == (422, "name")
