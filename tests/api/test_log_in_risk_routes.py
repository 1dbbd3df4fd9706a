"""A log-in that risk holds back, over HTTP: what the session may do before its second factor."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.test_identity_routes import PASSWORD, Person, bearer, new_person
from tests.identity.deciding import make_live

from huitong import risk
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import DECISION, read_id

__all__ = ["new_person"]

BEIJING, SHANGHAI, STUFFER = "202.106.0.20", "202.96.209.5", "202.100.4.15"
PIN = "802753"
ACT = {"kind": "identity.log_in"}
TRIES_MAX = 40


def from_address(person: Person, address: str) -> None:
    # The server of the tests believes its own machine, as it would a configured proxy.
    person.client.headers["X-Forwarded-For"] = address


async def find_decision(api: Any, shown: str) -> risk.Decision:
    decision_id = read_id(DECISION, shown, field="decision")

    async def command(uow: UnitOfWork) -> risk.Decision:
        return await risk.get_decision(uow, decision_id)

    found: risk.Decision = await api.run(command)
    return found


@pytest.fixture
async def rules(api: Any, new_person: Any) -> None:
    """Make the default rules live once, and wait until the server has read them."""
    count = await api.run(lambda uow: uow.fetch_value("SELECT count(*) FROM risk.rule_versions"))
    if count == 0:
        async with Database(api.owner_url, role="huitong_app", size=2) as database:
            await make_live(database, risk.Purpose.LOG_IN, now=datetime.now(UTC))
    for _ in range(TRIES_MAX):
        mine = await (await new_person()).log_in()
        if (await find_decision(api, mine["attempt"])).version_id is not None:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the server did not read the rules")


@pytest.fixture
def settled(rules: None, new_person: Any) -> Callable[[], Awaitable[tuple[Person, str]]]:
    """Somebody at home in Beijing with password and PIN, and the token of their phone."""

    async def settle() -> tuple[Person, str]:
        person = await new_person()
        from_address(person, BEIJING)
        mine = await person.log_in()
        pin = await person.client.put("/v1/identity/pin", json={"pin": PIN}, headers=bearer(mine))
        assert pin.status_code == 204, pin.text
        password = await person.client.put(
            "/v1/identity/password", json={"new_password": PASSWORD}, headers=bearer(mine)
        )
        assert password.status_code == 204, password.text
        return person, mine["device_token"]

    return settle


async def prove_by_code(person: Person, mine: dict[str, Any]) -> None:
    begun = await person.client.post(
        "/v1/identity/step-ups",
        json={"act": ACT, "factor": "one_time_code"},
        headers=bearer(mine),
    )
    assert begun.status_code == 201, begun.text
    code = re.findall("[0-9]{6}", person.api.sms.read_last(person.mobile))[0]
    proved = await person.client.post(
        f"/v1/identity/step-ups/{begun.json()['id']}/proof",
        json={"code": code},
        headers=bearer(mine),
    )
    assert proved.status_code == 201, proved.text


async def test_a_traveller_proves_a_second_factor_and_is_known_the_next_time(
    api: Any, settled: Any
) -> None:
    person, device = await settled()
    from_address(person, SHANGHAI)
    answer = await person.log_in_by_password(device={"token": device})
    assert answer.status_code == 201, answer.text
    mine = answer.json()
    assert mine["second_factor"]["act"] == "identity.log_in"
    assert mine["second_factor"]["factors"] == ["one_time_code"]
    assert mine["reasons"] == [
        {
            "zh": "两次登录地点相距过远，请再次验证身份。",
            "en": "Nobody travels that fast between two log-ins, so please confirm that it is you.",
        }
    ]
    for path in ("/v1/identity/sessions", "/v1/identity/devices"):
        refused = await person.client.get(path, headers=bearer(mine))
        assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
        assert "insufficient_user_authentication" in refused.headers["WWW-Authenticate"]
    changed = await person.client.put(
        "/v1/identity/pin", json={"pin": "275380"}, headers=bearer(mine)
    )
    assert (changed.status_code, changed.json()["code"]) == (403, "step_up_required")
    own = await person.client.get(
        f"/v1/customers/{mine['session']['subject'].replace('sub_', 'cust_')}",
        headers=bearer(mine),
    )
    assert (own.status_code, own.json()["code"]) == (403, "step_up_required")

    await prove_by_code(person, mine)
    assert (
        await person.client.get("/v1/identity/sessions", headers=bearer(mine))
    ).status_code == 200
    again = (await person.log_in_by_password(device={"token": device})).json()
    assert (again["second_factor"], again["reasons"]) == (None, [])
    decision = await find_decision(api, mine["attempt"])
    assert (decision.action, decision.hits) == (risk.Action.STEP_UP, ("impossible_travel",))
    assert (await api.run(lambda uow: risk.replay_decision(uow, decision))).is_same


async def test_who_waits_may_leave_and_a_payment_is_no_way_around(settled: Any) -> None:
    person, device = await settled()
    from_address(person, SHANGHAI)
    mine = (await person.log_in_by_password(device={"token": device})).json()
    payment = {
        "payer": "acct_100000000190",
        "payee": "acct_100000000287",
        "amount": {"amount": "1.00", "currency": "CNY"},
    }
    paid = await person.client.post(
        "/v1/payments", json=payment, headers={**bearer(mine), "Idempotency-Key": "x" * 16}
    )
    assert (paid.status_code, paid.json()["code"]) == (403, "step_up_required"), paid.text
    left = await person.client.post("/v1/identity/log-out", headers=bearer(mine))
    assert left.status_code == 204, left.text
    over = await person.client.get("/v1/identity/sessions", headers=bearer(mine))
    assert (over.status_code, over.json()["code"]) == (401, "session_ended")


async def test_stuffing_blocks_the_address_alike_for_right_wrong_and_unknown(
    api: Any, settled: Any
) -> None:
    person, _device = await settled()
    from_address(person, STUFFER)
    for number in range(22):
        tried = await person.client.post(
            "/v1/identity/sessions/by-password",
            json={"mobile": f"139{number:08d}", "password": "leaked somewhere else"},
        )
        if tried.status_code == 403:
            break
        assert tried.json()["code"] == "log_in_refused"
    told = []
    for mobile, password in (
        (person.mobile, PASSWORD),
        (person.mobile, "not the password"),
        ("13700000000", PASSWORD),
    ):
        refused = await person.client.post(
            "/v1/identity/sessions/by-password", json={"mobile": mobile, "password": password}
        )
        problem = refused.json()
        decision = await find_decision(api, problem["context"].pop("decision"))
        told.append((refused.status_code, {**problem, "request_id": "", "instance": ""}))
        assert decision.hits == ("credential_stuffing",)
    assert told[0] == told[1] == told[2]
    assert (told[0][0], told[0][1]["code"]) == (403, "log_in_blocked")
    from_address(person, BEIJING)
    assert (await person.log_in_by_password()).status_code == 201
