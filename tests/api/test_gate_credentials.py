"""Who guesses passwords, keys or tokens is turned away, and whose credential is known is not."""

import uuid
from typing import Any

import httpx
import pytest
from tests.api.gating import (
    ATTACKER,
    STRANGER,
    Evaluate,
    client_from,
    forgive,
    make_evaluate,
)

from huitong import operations
from huitong.api.app import _in_front, create_api
from huitong.api.gate import Gate, kind_of_key
from huitong.api.request_context import RequestContext
from huitong.identity import issue_api_key
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import API_KEY, show_id
from huitong.wiring.application import Application


@pytest.fixture
def evaluate(api: Any) -> Evaluate:
    return make_evaluate(api)


@pytest.fixture(autouse=True)
async def forgiven(api: Any) -> None:
    await forgive(api)


async def log_in(client: httpx.AsyncClient, number: int = 0) -> httpx.Response:
    body = {"mobile": f"137{number:08d}", "password": "wrong as can be 南山"}
    return await client.post("/v1/identity/sessions/by-password", json=body)


async def test_stuffing_from_one_address_meets_a_challenge_and_then_a_block(
    api: Any, evaluate: Any, full_key: str
) -> None:
    async with (
        client_from(api.url, ATTACKER) as attacker,
        client_from(api.url, STRANGER) as stranger,
        client_from(api.url, ATTACKER, full_key) as neighbour,
    ):
        # Somebody behind the same address whose key is good.
        assert (await neighbour.get("/v1/ledger/trial-balance")).status_code == 200
        for number in range(8):
            assert (await log_in(attacker, number)).status_code == 401
        assert await evaluate() == {("address", "challenge")}
        challenged = await log_in(attacker)
        assert (challenged.status_code, challenged.json()["code"]) == (403, "challenge_required")
        assert "insufficient_user_authentication" in challenged.headers["www-authenticate"]
        code = await attacker.post("/v1/identity/codes", json={"mobile": "13712345678"})
        assert code.status_code == 201, "the other doors stay open"
        assert (await log_in(stranger)).json()["code"] == "log_in_refused"

        for _ in range(8):
            body = {"code_id": code.json()["id"], "code": "000000"}
            await attacker.post("/v1/identity/sessions/by-code", json=body)
        assert await evaluate() == {("address", "challenge"), ("address", "block")}
        # A key, good or not, opens no door at which nobody is known yet.
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {full_key}"}):
            for path in ("/v1/identity/codes", "/v1/identity/sessions/by-password"):
                body = {"mobile": "13712345678"}
                refused = await attacker.post(path, json=body, headers=headers)
                assert (refused.status_code, refused.json()["code"]) == (429, "caller_blocked")
        assert (await log_in(stranger, 1)).json()["code"] == "log_in_refused"
        assert (await neighbour.get("/v1/ledger/trial-balance")).status_code == 200
        assert (await attacker.get("/healthz")).status_code == 200


async def test_guessing_keys_is_stopped_before_the_database_is_asked(
    api: Any, evaluate: Any
) -> None:
    async with client_from(api.url, ATTACKER) as attacker:

        async def guess() -> int:
            secret = f"htk_{uuid.uuid4().hex}{uuid.uuid4().hex[:11]}"
            headers = {"Authorization": f"Bearer {secret}"}
            return (await attacker.get("/v1/ledger/trial-balance", headers=headers)).status_code

        assert {await guess() for _ in range(100)} == {401}
        assert await evaluate() == {("address", "block")}
        answers = [await guess() for _ in range(80)]
        assert set(answers[:60]) == {401}
        assert 0 < answers.count(429) <= 20


@pytest.mark.parametrize(
    "path", ["/v1/identity/sessions", "/v1/ledger/trial-balance", "/v1/payments"]
)
async def test_guessing_tokens_of_sessions_is_stopped(api: Any, evaluate: Any, path: str) -> None:
    async with client_from(api.url, ATTACKER) as attacker:

        async def guess() -> httpx.Response:
            secret = f"hts_{uuid.uuid4().hex}{uuid.uuid4().hex[:11]}"
            headers = {"Authorization": f"Bearer {secret}"}
            method = "POST" if path == "/v1/payments" else "GET"
            return await attacker.request(method, path, headers=headers)

        answers = [await guess() for _ in range(100)]
        assert {each.status_code for each in answers} == {401}
        assert await evaluate() == {("address", "block")}
        assert (await guess()).json()["code"] == "caller_blocked"
        with_cookie = {"Cookie": "__Host-huitong_session=x", "X-Huitong-Anti-Forgery": "1"}
        blocked = await attacker.get("/v1/identity/sessions", headers=with_cookie)
        assert blocked.json()["code"] == "caller_blocked"


async def test_somebody_whose_session_is_over_guesses_nothing(
    api: Any, evaluate: Any, customer_headers: Any
) -> None:
    headers = await customer_headers()
    async with client_from(api.url, STRANGER) as client:
        found = (await client.get("/v1/identity/sessions", headers=headers)).json()["data"]
        ended = await client.delete(f"/v1/identity/sessions/{found[0]['id']}", headers=headers)
        assert ended.status_code == 204, ended.text
        for path in ("/v1/identity/sessions", "/v1/ledger/trial-balance"):
            assert (await client.get(path, headers=headers)).status_code == 401
    assert await evaluate() == set()
    assert await count_bad_credentials(api) == 0
    async with client_from(api.url, STRANGER) as client:
        unknown = {"Authorization": "Bearer hts_" + "A" * 43}
        for path in ("/v1/identity/sessions", "/v1/ledger/trial-balance"):
            assert (await client.get(path, headers=unknown)).status_code == 401
        # A key opens nothing at this door, and guesses nothing.
        key = {"Authorization": "Bearer htk_" + "A" * 43}
        assert (await client.get("/v1/identity/sessions", headers=key)).status_code == 401
    await evaluate()
    assert await count_bad_credentials(api) == 2


async def count_bad_credentials(api: Any) -> int:
    found: int = await api.run(
        lambda uow: uow.fetch_value(
            "SELECT coalesce(sum(count), 0)::int FROM operations.signals "
            "WHERE kind = 'bad_credentials' AND network = '127.0.8.0/24'"
        )
    )
    return found


@pytest.mark.parametrize(
    ("request_line", "secrets"),
    [
        *(
            (line, ("x", "htk_" + "A" * 43))
            for line in (
                "GET /",
                "GET /docs",
                "GET /openapi.json",
                "GET /v1/nowhere",
                "PATCH /v1/customers",
            )
        ),
        *(
            (line, ("hts_x", "hts_" + "A" * 43))
            for line in (
                "GET /v1/identity/sessions",
                "GET /v1/ledger/trial-balance",
                "POST /v1/payments",
            )
        ),
    ],
)
async def test_a_made_up_credential_gets_nobody_around_the_budget(
    api: Any, settings_for: Any, serve: Any, request_line: str, secrets: tuple[str, ...]
) -> None:
    method, path = request_line.split()
    application = Application.assemble(settings_for(api.owner_url))
    application.admission = operations.Admission(
        application.database,
        application.rulebook,
        processes=1,
        now=application.clock.now,
        clock=lambda: 100.0,
    )
    gate = Gate(application)
    with serve(_in_front(RequestContext(create_api(application), gate), application, gate)) as url:
        for address, secret in zip((ATTACKER, STRANGER), secrets, strict=True):
            # One is left of what an address has.
            for number in range(999):
                gate.admit_stranger({"path": f"/{number}", "client": (address, 1)})
            async with client_from(url, address, secret) as client:
                assert (await client.request(method, path)).status_code != 429
                assert (await client.request(method, path)).json()["code"] == "rate_limited"
                # Whether the process is well may be asked all the same.
                assert (await client.get("/healthz")).status_code == 200


async def test_a_key_that_may_not_pay_is_known_all_the_same(
    api: Any, settings_for: Any, serve: Any
) -> None:
    issued = await api.run(
        lambda uow: issue_api_key(
            uow, name="test", scopes=["payments:read"], now=SystemClock().now()
        )
    )
    application = Application.assemble(settings_for(api.owner_url))
    application.admission = operations.Admission(
        application.database,
        application.rulebook,
        processes=1,
        now=application.clock.now,
        clock=lambda: 100.0,
    )
    gate = Gate(application)
    with serve(_in_front(RequestContext(create_api(application), gate), application, gate)) as url:
        kind, name = kind_of_key(issued.key), show_id(API_KEY, issued.key.id)
        quota = application.admission._policy.limits[kind].quota
        for _ in range(quota - 1):
            application.admission.admit(kind, name)
        async with client_from(url, "127.0.0.1", issued.secret) as client:
            assert (await client.post("/v1/payments")).json()["code"] == "scope_missing"
            assert (await client.post("/v1/payments")).json()["code"] == "rate_limited"
