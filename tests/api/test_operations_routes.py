"""Staff see incidents, acknowledge and resolve them, and let callers in again."""

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from huitong import operations
from huitong.cli import app
from huitong.kernel.clock import SystemClock
from huitong.operations import Entity, EntityKind, Finding, IncidentKind, Severity
from huitong.operations.recording import act
from huitong.wiring.watching import read_policy

ADDRESS = "adr_" + "d4" * 16


@pytest.fixture
async def incident(api: Any) -> tuple[str, str]:
    """The ids of an incident and of the block that was its counter-measure."""
    now = SystemClock().now()
    name = f"key_{uuid.uuid4().hex}"

    async def open_one(uow: Any) -> tuple[str, str]:
        found = await operations.report(
            uow,
            Finding(
                kind=IncidentKind.SCRAPING,
                severity=Severity.CRITICAL,
                entity=Entity(EntityKind.API_KEY, name),
                evidence={"different": 20_000, "threshold": 15_000},
            ),
            now=now,
        )
        taken = await act(
            uow,
            found,
            operations.CountermeasureKind.BLOCK,
            hold=read_policy(now).abuse_hold,
            now=now,
        )
        assert taken is not None
        return f"inc_{found.id.hex}", f"cms_{taken.id.hex}"

    made: tuple[str, str] = await api.run(open_one)
    return made


async def send(
    client: httpx.AsyncClient, path: str, body: Any, headers: dict[str, str]
) -> httpx.Response:
    return await client.post(
        path, json=body, headers={**headers, "Idempotency-Key": str(uuid.uuid4())}
    )


async def test_an_incident_is_seen_acknowledged_lifted_and_resolved(
    anonymous: httpx.AsyncClient, staff: Any, incident: tuple[str, str]
) -> None:
    headers = await staff.headers("operations")
    me = (await staff.person("operations")).id
    base = "/v1/operations"
    listed = await anonymous.get(f"{base}/incidents?state=open", headers=headers)
    assert incident[0] in [each["id"] for each in listed.json()["data"]]
    seen = (await anonymous.get(f"{base}/incidents/{incident[0]}", headers=headers)).json()
    assert (seen["kind"], seen["severity"], seen["state"]) == ("scraping", "critical", "open")
    assert (seen["title_zh"], seen["title_en"][:10]) == ("爬取", "One caller")
    assert seen["evidence"] == {"different": 20_000, "threshold": 15_000}
    assert [each["id"] for each in seen["actions"]] == [incident[1]]
    assert [each["step"] for each in seen["timeline"]] == ["opened", "countermeasure_taken"]

    path = f"{base}/incidents/{incident[0]}"
    answer = await send(anonymous, f"{path}/acknowledge", {}, headers)
    assert (answer.status_code, answer.json()["acknowledged_by"]) == (200, me)
    again = await send(anonymous, f"{path}/acknowledge", {}, headers)
    assert (again.status_code, again.json()["code"]) == (409, "incident_state_conflict")

    in_force = await anonymous.get(f"{base}/countermeasures", headers=headers)
    assert incident[1] in [each["id"] for each in in_force.json()["data"]]
    lift = f"{base}/countermeasures/{incident[1]}/lift"
    empty = await send(anonymous, lift, {"reason": ""}, headers)
    assert (empty.status_code, empty.json()["field"]) == (422, "reason")
    lifted = await send(anonymous, lift, {"reason": "our own test"}, headers)
    assert (lifted.status_code, lifted.json()["lifted_by"]) == (200, me)
    over = await send(anonymous, lift, {"reason": "again"}, headers)
    assert (over.status_code, over.json()["code"]) == (409, "countermeasure_over")

    resolved = await send(anonymous, f"{path}/resolve", {"resolution": "a test"}, headers)
    assert [each["step"] for each in resolved.json()["timeline"]] == [
        "opened",
        "countermeasure_taken",
        "acknowledged",
        "countermeasure_lifted",
        "resolved",
    ]
    missing = await anonymous.get(f"{base}/incidents/inc_{uuid.uuid4().hex}", headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "incident_not_found")


async def test_pages_of_incidents_follow_each_other(
    anonymous: httpx.AsyncClient, staff: Any, incident: tuple[str, str], api: Any
) -> None:
    del incident
    headers = await staff.headers("auditor")
    for number in range(3):
        finding = Finding(
            kind=IncidentKind.REPLAY,
            severity=Severity.WARNING,
            entity=Entity(EntityKind.ADDRESS, f"{ADDRESS[:-1]}{number}", "192.0.2.0/24"),
            evidence={"count": number},
        )
        await api.run(lambda uow, f=finding: operations.report(uow, f, now=SystemClock().now()))
    found, cursor = [], ""
    while cursor is not None:
        query = f"?limit=2&cursor={cursor}" if cursor else "?limit=2"
        page = (await anonymous.get(f"/v1/operations/incidents{query}", headers=headers)).json()
        found += [each["id"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert len(found) == len(set(found)) >= 4
    assert found == sorted(found, reverse=True)


async def test_who_only_reads_changes_nothing(
    anonymous: httpx.AsyncClient, staff: Any, incident: tuple[str, str]
) -> None:
    headers = await staff.headers("compliance")
    for path, body in (
        (f"incidents/{incident[0]}/acknowledge", {}),
        (f"incidents/{incident[0]}/resolve", {"resolution": "x"}),
        (f"countermeasures/{incident[1]}/lift", {"reason": "x"}),
    ):
        refused = await send(anonymous, f"/v1/operations/{path}", body, headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    seen = await anonymous.get(f"/v1/operations/incidents/{incident[0]}", headers=headers)
    assert seen.json()["state"] == "open"
    assert seen.json()["actions"][0]["lifted_at"] is None


async def test_the_state_is_told_to_staff_only(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, staff: Any
) -> None:
    told = await anonymous.get("/v1/operations/status", headers=await staff.headers("risk"))
    assert told.status_code == 200
    assert told.json()["processes"] >= 1
    assert (await client.get("/v1/operations/status")).status_code == 403
    assert (await anonymous.get("/v1/operations/status")).status_code == 401


def run(api: Any, *arguments: str) -> Any:
    environment = {"HUITONG_DATABASE_URL": api.owner_url}
    return CliRunner().invoke(app, ["operations", *arguments], env=environment)


async def test_the_command_line_shows_and_lifts(api: Any, incident: tuple[str, str]) -> None:
    status = await asyncio.to_thread(run, api, "status", "--json")
    # Nobody evaluates here.
    assert status.exit_code == 1, status.output
    told = json.loads(status.output)
    assert (told["is_well"], told["evaluated_at"]) == (False, None)
    assert told["incidents_unresolved"] >= 1
    plain = await asyncio.to_thread(run, api, "status")
    assert "Not all is well." in plain.output
    assert incident[1] in plain.output

    listed = await asyncio.to_thread(run, api, "incidents", "--json")
    assert incident[0] in [each["id"] for each in json.loads(listed.output)]
    lifted = await asyncio.to_thread(run, api, "lift", incident[1], "--reason", "our own test")
    assert (lifted.exit_code, lifted.output[:7]) == (0, "Lifted:"), lifted.output
    shown = json.loads((await asyncio.to_thread(run, api, "incidents", incident[0])).output)
    assert shown["timeline"][-1]["step"] == "countermeasure_lifted"
    assert shown["timeline"][-1]["actor"] == "cli"
    wrong = await asyncio.to_thread(run, api, "lift", "cms_1", "--reason", "x")
    assert wrong.exit_code == 1
