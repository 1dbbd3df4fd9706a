"""Passkeys of the staff over HTTP: registered after the code, and then in the place of it."""

from typing import Any

import httpx

from huitong.demo.authenticator import SoftwareAuthenticator

ORIGIN = "http://localhost:8000"
PASSWORD = "chestnut river 南山南"


async def register(
    client: httpx.AsyncClient, session: dict[str, str], authenticator: SoftwareAuthenticator
) -> httpx.Response:
    options = await client.post("/v1/staff/passkeys/options", headers=session)
    assert options.status_code == 201, options.text
    return await client.post(
        "/v1/staff/passkeys",
        json={
            "challenge_id": options.json()["challenge_id"],
            "credential": authenticator.create(options.json()["public_key"]),
            "name": "工牌",
        },
        headers=session,
    )


async def sign(client: httpx.AsyncClient, authenticator: SoftwareAuthenticator) -> dict[str, Any]:
    challenge = (await client.post("/v1/staff/passkey-challenges")).json()
    return {
        "challenge_id": challenge["challenge_id"],
        "credential": authenticator.get(challenge["public_key"]),
    }


async def test_a_member_registers_a_passkey_and_signs_in_with_it(
    anonymous: httpx.AsyncClient, staff: Any
) -> None:
    who = await staff.person("risk", "risk")
    session = await staff.sign_in(who)
    authenticator = SoftwareAuthenticator(ORIGIN)
    made = await register(anonymous, session, authenticator)
    assert made.status_code == 201, made.text
    body = {
        "email": who.email,
        "password": PASSWORD,
        "passkey": await sign(anonymous, authenticator),
    }
    answer = await anonymous.post("/v1/staff/sessions", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["session"]["second_factor"] == "passkey"
    replayed = await anonymous.post("/v1/staff/sessions", json=body)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "log_in_refused")
    fresh = {"Authorization": f"Bearer {answer.json()['token']}"}
    (listed,) = (await anonymous.get("/v1/staff/passkeys", headers=fresh)).json()["data"]
    assert listed["name"] == "工牌"
    path = f"/v1/staff/passkeys/{made.json()['id']}"
    assert (await anonymous.delete(path, headers=fresh)).status_code == 204
    body["passkey"] = await sign(anonymous, authenticator)
    assert (await anonymous.post("/v1/staff/sessions", json=body)).status_code == 401


async def test_the_refusal_is_one_for_wrong_passwords_codes_and_passkeys(
    anonymous: httpx.AsyncClient, staff: Any
) -> None:
    who = await staff.person("product", "product")
    stranger = SoftwareAuthenticator(ORIGIN, user_handle=b"nobody")
    answers = [
        await anonymous.post("/v1/staff/sessions", json=body)
        for body in (
            {"email": who.email, "password": PASSWORD, "passkey": await sign(anonymous, stranger)},
            {"email": who.email, "password": PASSWORD, "code": "000000"},
            {"email": "no@bank.example", "password": PASSWORD, "code": "000000"},
        )
    ]
    shown = [{k: v for k, v in each.json().items() if k != "request_id"} for each in answers]
    assert [each.status_code for each in answers] == [401] * 3
    assert shown[0] == shown[1] == shown[2]


async def test_a_passkey_with_a_code_beside_it_is_refused_as_two_second_factors(
    anonymous: httpx.AsyncClient,
) -> None:
    passkey = await sign(anonymous, SoftwareAuthenticator(ORIGIN))
    answer = await anonymous.post(
        "/v1/staff/sessions",
        json={
            "email": "a@bank.example",
            "password": PASSWORD,
            "code": "123456",
            "passkey": passkey,
        },
    )
    assert answer.status_code == 422


async def test_a_customers_door_has_no_staff_behind_it(anonymous: httpx.AsyncClient) -> None:
    for path, body in (
        ("/v1/identity/codes", {"mobile": "13800000001"}),
        ("/v1/identity/sessions/by-password", {"mobile": "13800000001", "password": "x"}),
        ("/v1/identity/passkey-challenges", {}),
    ):
        answer = await anonymous.post(path, json={**body, "audience": "staff"})
        assert (answer.status_code, answer.json()["field"]) == (422, "audience"), path
