"""Logging in over HTTP: tokens, cookies, equal answers, and sessions that end when they must."""

import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from huitong import identity, ledger
from huitong.demo.authenticator import SoftwareAuthenticator
from huitong.kernel.clock import SystemClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.ids import SESSION, read_id, uuid7
from huitong.privacy import Vault

PASSWORD = "chestnut river 南山南"
COOKIE = "__Host-huitong_session"
FORGERY = {"X-Huitong-Anti-Forgery": "1"}


class Person:
    """Somebody with a login, a phone and a client."""

    def __init__(self, api: Any, client: httpx.AsyncClient, mobile: str) -> None:
        self.api, self.client, self.mobile = api, client, mobile

    async def ask(self, mobile: str | None = None) -> tuple[str, str]:
        number = mobile or self.mobile
        asked = await self.client.post("/v1/identity/codes", json={"mobile": number})
        assert asked.status_code == 201, asked.text
        return asked.json()["id"], re.findall("[0-9]{6}", self.api.sms.read_last(number))[0]

    async def log_in(self, **more: Any) -> dict[str, Any]:
        code_id, code = await self.ask()
        body = {"code_id": code_id, "code": code, **more}
        answer = await self.client.post("/v1/identity/sessions/by-code", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def log_in_by_password(self, password: str = PASSWORD, **more: Any) -> httpx.Response:
        body = {"mobile": self.mobile, "password": password, **more}
        return await self.client.post("/v1/identity/sessions/by-password", json=body)


@pytest.fixture
def new_person(api: Any, anonymous: httpx.AsyncClient, settings_for: Any) -> Any:
    """Open a login as the application would, with the keys of its home."""

    async def make(*, has_login: bool = True) -> Person:
        mobile = f"13{uuid.uuid4().int % 10**9:09d}"
        home: Path = settings_for("postgresql://nobody@127.0.0.1:1/none").home
        vault = Vault(load_key_ring(home))
        if has_login:
            await api.run(
                lambda uow: identity.open_login(
                    uow,
                    vault=vault,
                    login_id=uuid7(),
                    audience=identity.Audience.CUSTOMER,
                    subject_id=uuid7(),
                    mobile=mobile,
                    now=SystemClock().now(),
                )
            )
        return Person(api, anonymous, mobile)

    return make


def bearer(logged_in: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {logged_in['token']}"}


def without_id(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


async def test_logs_in_by_code_and_lists_the_session(new_person: Any) -> None:
    person = await new_person()
    mine = await person.log_in(device={"name": "李雷的手机"})
    listed = await person.client.get("/v1/identity/sessions", headers=bearer(mine))
    assert listed.status_code == 200
    (session,) = listed.json()["data"]
    assert session == mine["session"]
    assert session["is_current"] is True
    devices = await person.client.get("/v1/identity/devices", headers=bearer(mine))
    (device,) = devices.json()["data"]
    assert (device["name"], device["is_current"]) == ("李雷的手机", True)


async def test_a_log_in_is_recorded_with_its_place(api: Any, new_person: Any) -> None:
    person = await new_person()
    # The server of the tests believes its own machine, as it would a configured proxy.
    person.client.headers["X-Forwarded-For"] = "202.96.209.5"
    mine = await person.log_in()
    session_id = read_id(SESSION, mine["session"]["id"], field="id")
    (row,) = await api.run(
        lambda uow: uow.execute(
            "SELECT place, region, city, host(network) AS network, device_id FROM "
            "identity.attempts WHERE session_id = :id",
            id=session_id,
        )
    )
    assert (row.place, row.region, row.city) == ("CN", "Shanghai", "Shanghai")
    assert row.network == "202.96.209.0"
    assert row.device_id is not None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer hts_" + "A" * 43},
        {"Authorization": "Bearer htk_" + "A" * 43},
        {"Authorization": "Basic hts_" + "A" * 43},
        {"Cookie": f"{COOKIE}=hts_{'A' * 43}", **FORGERY},
    ],
)
async def test_every_route_of_a_session_refuses_who_has_none(
    anonymous: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    document = (await anonymous.get("/openapi.json")).json()
    routes = [
        (method, path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation["tags"] == ["Being logged in"]
    ]
    assert len(routes) == 17
    for method, path in routes:
        shown = re.sub(r"\{[a-z_]+\}", "x", path)
        answer = await anonymous.request(method, shown, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "session_ended"), path


async def test_an_api_key_is_no_session_and_a_session_is_no_api_key(
    client: httpx.AsyncClient, new_person: Any
) -> None:
    person = await new_person()
    mine = await person.log_in()
    refused = await client.get("/v1/identity/sessions")
    assert (refused.status_code, refused.json()["code"]) == (401, "session_ended")
    refused = await person.client.get("/v1/customers", headers=bearer(mine))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")


async def test_a_known_and_an_unknown_number_get_equal_answers_byte_for_byte(
    new_person: Any,
) -> None:
    known, unknown = await new_person(), await new_person(has_login=False)
    answers = []
    for person in (known, unknown):
        by_password = await person.log_in_by_password("not the password")
        code_id, code = await person.ask()
        wrong = f"{(int(code) + 1) % 1_000_000:06d}"
        by_code = await person.client.post(
            "/v1/identity/sessions/by-code", json={"code_id": code_id, "code": wrong}
        )
        answers.append(
            [
                (each.status_code, without_id(each), sorted(each.headers))
                for each in (by_password, by_code)
            ]
        )
    assert answers[0] == answers[1]
    assert answers[0][0][0] == 401
    assert answers[0][0][1]["code"] == "log_in_refused"


async def test_a_lock_out_is_the_same_for_both_and_says_how_long(new_person: Any) -> None:
    answers = []
    for person in (await new_person(), await new_person(has_login=False)):
        for _ in range(5):
            assert (await person.log_in_by_password("wrong wrong")).status_code == 401
        locked = await person.log_in_by_password("wrong wrong")
        assert locked.status_code == 429
        assert locked.headers["retry-after"] == "30"
        answers.append(without_id(locked))
    assert answers[0] == answers[1]
    assert answers[0]["context"] == {"retry_after_seconds": 30}


async def test_a_changed_password_ends_every_session(new_person: Any) -> None:
    person = await new_person()
    mine = await person.log_in()
    changed = await person.client.put(
        "/v1/identity/password", json={"new_password": PASSWORD}, headers=bearer(mine)
    )
    assert changed.status_code == 204, changed.text
    assert f"{COOKIE}=" in changed.headers["set-cookie"]
    assert "Max-Age=0" in changed.headers["set-cookie"]
    refused = await person.client.get("/v1/identity/sessions", headers=bearer(mine))
    assert refused.status_code == 401
    again = await person.log_in_by_password()
    assert again.status_code == 201


async def test_a_weak_password_is_refused_without_being_repeated(new_person: Any) -> None:
    person = await new_person()
    mine = await person.log_in()
    refused = await person.client.put(
        "/v1/identity/password", json={"new_password": "Passw0rd!!"}, headers=bearer(mine)
    )
    assert refused.status_code == 422
    assert refused.json()["field"] == "new_password"
    assert "Passw0rd" not in refused.text


async def test_a_browser_gets_a_cookie_and_no_token(new_person: Any) -> None:
    person = await new_person()
    code_id, code = await person.ask()
    body = {"code_id": code_id, "code": code, "delivery": "cookie"}
    refused = await person.client.post("/v1/identity/sessions/by-code", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "anti_forgery_header_missing")
    answer = await person.client.post("/v1/identity/sessions/by-code", json=body, headers=FORGERY)
    assert answer.status_code == 201
    assert answer.json()["token"] is None
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Domain" not in cookie
    token = re.findall(f"{COOKIE}=(hts_[A-Za-z0-9_-]{{43}})", cookie)[0]
    assert token not in answer.text
    held = {"Cookie": f"{COOKIE}={token}"}
    for method, path in (("GET", "sessions"), ("POST", "log-out")):
        forged = await person.client.request(method, f"/v1/identity/{path}", headers=held)
        assert (forged.status_code, forged.json()["code"]) == (403, "anti_forgery_header_missing")
    own = await person.client.get("/v1/identity/sessions", headers={**held, **FORGERY})
    assert own.status_code == 200


async def test_a_session_that_was_brought_along_is_not_taken_over(new_person: Any) -> None:
    attacker, victim = await new_person(), await new_person()
    planted = await attacker.log_in()
    code_id, code = await victim.ask()
    answer = await victim.client.post(
        "/v1/identity/sessions/by-code",
        json={"code_id": code_id, "code": code, "delivery": "cookie"},
        headers={"Cookie": f"{COOKIE}={planted['token']}", **FORGERY},
    )
    assert answer.status_code == 201
    assert planted["token"] not in answer.headers["set-cookie"]
    listed = await attacker.client.get("/v1/identity/sessions", headers=bearer(planted))
    assert [each["id"] for each in listed.json()["data"]] == [planted["session"]["id"]]
    assert answer.json()["session"]["subject"] != planted["session"]["subject"]


async def test_ends_one_session_and_all_others_and_itself(new_person: Any) -> None:
    person = await new_person()
    first = await person.log_in()
    await person.client.put(
        "/v1/identity/password", json={"new_password": PASSWORD}, headers=bearer(first)
    )
    a, b, c = [(await person.log_in_by_password()).json() for _ in range(3)]
    stranger = await new_person()
    theirs = await stranger.log_in()
    gone = await person.client.delete(
        f"/v1/identity/sessions/{theirs['session']['id']}", headers=bearer(a)
    )
    assert (gone.status_code, gone.json()["code"]) == (404, "session_not_found")
    ended = await person.client.delete(
        f"/v1/identity/sessions/{b['session']['id']}", headers=bearer(a)
    )
    assert ended.status_code == 204
    assert (await person.client.get("/v1/identity/sessions", headers=bearer(b))).status_code == 401
    others = await person.client.post("/v1/identity/sessions/end-others", headers=bearer(a))
    assert others.json() == {"ended": 1}
    assert (await person.client.get("/v1/identity/sessions", headers=bearer(c))).status_code == 401
    out = await person.client.post("/v1/identity/log-out", headers=bearer(a))
    assert (out.status_code, out.headers["clear-site-data"]) == (204, '"cache"')
    assert (await person.client.get("/v1/identity/sessions", headers=bearer(a))).status_code == 401


async def test_names_and_unbinds_a_device_with_its_sessions(new_person: Any) -> None:
    person = await new_person()
    mine = await person.log_in()
    device = mine["session"]["device"]
    named = await person.client.put(
        f"/v1/identity/devices/{device}", json={"name": "客厅的平板"}, headers=bearer(mine)
    )
    assert named.status_code == 204
    listed = await person.client.get("/v1/identity/devices", headers=bearer(mine))
    assert listed.json()["data"][0]["name"] == "客厅的平板"
    unbound = await person.client.delete(f"/v1/identity/devices/{device}", headers=bearer(mine))
    assert unbound.status_code == 204
    assert (
        await person.client.get("/v1/identity/devices", headers=bearer(mine))
    ).status_code == 401


async def test_registers_a_passkey_and_logs_in_with_it(new_person: Any) -> None:
    person = await new_person()
    mine = await person.log_in()
    authenticator = SoftwareAuthenticator("http://localhost:8000")
    options = await person.client.post("/v1/identity/passkeys/options", headers=bearer(mine))
    assert options.status_code == 201, options.text
    assert person.mobile not in options.text
    made = await person.client.post(
        "/v1/identity/passkeys",
        json={
            "challenge_id": options.json()["challenge_id"],
            "credential": authenticator.create(options.json()["public_key"]),
            "name": "钥匙",
        },
        headers=bearer(mine),
    )
    assert made.status_code == 201, made.text
    challenge = (await person.client.post("/v1/identity/passkey-challenges", json={})).json()
    body = {
        "challenge_id": challenge["challenge_id"],
        "credential": authenticator.get(challenge["public_key"]),
    }
    answer = await person.client.post("/v1/identity/sessions/by-passkey", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["session"]["subject"] == mine["session"]["subject"]
    replayed = await person.client.post("/v1/identity/sessions/by-passkey", json=body)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "log_in_refused")
    listed = await person.client.get("/v1/identity/passkeys", headers=bearer(mine))
    assert [each["name"] for each in listed.json()["data"]] == ["钥匙"]
    revoked = await person.client.delete(
        f"/v1/identity/passkeys/{made.json()['id']}", headers=bearer(mine)
    )
    assert revoked.status_code == 204


async def test_steps_up_by_pin_for_one_act(new_person: Any) -> None:
    person = await new_person()
    mine = await person.log_in()
    act = {
        "kind": "payments.pay",
        "amount": {"amount": "10.00", "currency": "CNY"},
        "payer": ledger.show_account(100_000_000_190),
        "payee": ledger.show_account(100_000_000_287),
    }
    asked = {"act": act, "factor": "pin"}
    none = await person.client.post("/v1/identity/step-ups", json=asked, headers=bearer(mine))
    assert (none.status_code, none.json()["code"]) == (422, "pin_not_set")
    pin = await person.client.put("/v1/identity/pin", json={"pin": "802753"}, headers=bearer(mine))
    assert pin.status_code == 204, pin.text
    begun = await person.client.post("/v1/identity/step-ups", json=asked, headers=bearer(mine))
    assert begun.status_code == 201
    proof = f"/v1/identity/step-ups/{begun.json()['id']}/proof"
    wrong = await person.client.post(proof, json={"pin": "275380"}, headers=bearer(mine))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "step_up_refused")
    both = await person.client.post(
        proof, json={"pin": "802753", "code": "123456"}, headers=bearer(mine)
    )
    assert (both.status_code, both.json()["code"]) == (422, "invalid_field")
    proved = await person.client.post(proof, json={"pin": "802753"}, headers=bearer(mine))
    assert proved.status_code == 201, proved.text


async def test_a_gateway_that_fails_is_named_with_a_503(api: Any, new_person: Any) -> None:
    from huitong.identity.simulated_sms_gateway import SmsFaultKind, SmsFaultRequest

    person = await new_person()
    api.sms.faults.append(SmsFaultRequest(kind=SmsFaultKind.ERROR))
    answer = await person.client.post("/v1/identity/codes", json={"mobile": person.mobile})
    assert (answer.status_code, answer.json()["code"]) == (503, "code_not_delivered")
    assert answer.headers["retry-after"] == "1"
    await person.ask()


async def test_a_second_code_within_a_minute_is_refused_with_the_time_to_wait(
    new_person: Any,
) -> None:
    person = await new_person()
    await person.ask()
    answer = await person.client.post("/v1/identity/codes", json={"mobile": person.mobile})
    assert (answer.status_code, answer.json()["code"]) == (429, "code_limit_reached")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
