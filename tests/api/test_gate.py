"""Who misuses the API is turned away, over real sockets, and nobody else is."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from huitong import operations
from huitong.api import create_app
from huitong.api.app import _in_front, create_api
from huitong.api.gate import SIGNALS_BY_CODE, Gate, find_signal, kind_of_key
from huitong.api.problems import NotAuthenticated, RouteNotFound
from huitong.api.request_context import RequestContext
from huitong.api.security_log import NotOwned
from huitong.identity import SessionEnded, issue_api_key
from huitong.kernel.clock import SystemClock
from huitong.kernel.errors import InvalidField, NotFound, Refusal, list_refusal_codes
from huitong.kernel.ids import API_KEY, MERCHANT, read_id, show_id
from huitong.operations import IncidentKind, Measured, SignalKind
from huitong.operations.policy import Level
from huitong.wiring.application import Application
from huitong.wiring.watching import read_policy

#: What is written every two seconds is there after three.
WRITTEN = 3.0
SHOP = {
    "name": "三味书屋",
    "name_latin": "SANWEI BOOKS",
    "city_latin": "SHAOXING",
    "category_code": "5942",
    "fee_rate": "0.006",
}
#: Of a test network each; on this machine all of them are loopback.
ATTACKER, STRANGER = "127.0.9.9", "127.0.8.8"


def small_policy(*, hold: timedelta = timedelta(minutes=30)) -> operations.Policy:
    """Return the rulebook's policy with counts that a test reaches in seconds."""
    policy = read_policy(SystemClock().now())
    least = {IncidentKind.SCRAPING: (20, 60), IncidentKind.CREDENTIAL_STUFFING: (6, 14)}
    rules = tuple(
        replace(
            rule,
            levels=tuple(
                Level(number, level.countermeasure)
                for number, level in zip(least[rule.incident], rule.levels, strict=False)
            ),
        )
        if rule.incident in least
        else rule
        for rule in policy.rules
    )
    return replace(policy, rules=rules, abuse_hold=hold)


@pytest.fixture
def evaluate(api: Any) -> Callable[..., Awaitable[set[tuple[str, str]]]]:
    """Evaluate as the worker does; returns what is in force, by kind of entity and measure."""

    async def run(policy: operations.Policy | None = None) -> set[tuple[str, str]]:
        await asyncio.sleep(WRITTEN)
        now = SystemClock().now()
        await api.run(
            lambda uow: operations.evaluate(
                uow, policy=policy or small_policy(), measured=Measured(), now=now
            )
        )
        found = await api.run(lambda uow: operations.list_countermeasures(uow, now=now))
        # Half a second until every process has asked for news, and some more.
        await asyncio.sleep(1.0)
        return {(each.entity.kind.value, each.kind.value) for each in found}

    return run


@pytest.fixture(autouse=True)
async def forgiven(api: Any) -> None:
    """Begin each test with nothing in force and nothing counted."""
    await api.run_as_owner(
        "DELETE FROM operations.signals; "
        "UPDATE operations.countermeasures SET ends_at = taken_at + interval '1 microsecond'; "
        "UPDATE operations.state SET news = news + 1"
    )
    await asyncio.sleep(0.8)


def client_from(url: str, address: str, secret: str | None = None) -> httpx.AsyncClient:
    """Return a client whose connections come from an address."""
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    return httpx.AsyncClient(
        base_url=url,
        headers=headers,
        timeout=20,
        transport=httpx.AsyncHTTPTransport(local_address=address),
    )


async def make_shop(api: Any, post: Any, orders: int) -> tuple[str, list[str]]:
    """Return a key of a new merchant and its checkouts."""
    merchant = (await post("/v1/merchants", SHOP)).json()["id"]
    secret = await api.make_key(merchant_id=read_id(MERCHANT, merchant, field="id"))
    body = {"merchant": merchant, "amount": {"amount": "1.00", "currency": "CNY"}}
    made = await asyncio.gather(*(post("/v1/checkouts", body) for _ in range(orders)))
    return secret, [each.json()["id"] for each in made]


async def read_all(client: httpx.AsyncClient, checkouts: list[str]) -> list[int]:
    return [(await client.get(f"/v1/checkouts/{each}")).status_code for each in checkouts]


async def test_a_scraper_is_throttled_then_blocked_and_an_honest_shop_goes_on(
    api: Any, post: Any, evaluate: Any, settings_for: Any, serve: Any
) -> None:
    secret, checkouts = await make_shop(api, post, 80)
    honest_secret, honest_checkouts = await make_shop(api, post, 3)
    with serve(create_app(settings_for(api.owner_url))) as other_url:
        async with (
            client_from(api.url, "127.0.0.1", secret) as scraper,
            client_from(other_url, "127.0.0.1", secret) as scraper_elsewhere,
            client_from(api.url, "127.0.0.1", honest_secret) as honest,
        ):
            # Half of it in each process: together it is too much.
            assert set(await read_all(scraper, checkouts[:16])) == {200}
            assert set(await read_all(scraper_elsewhere, checkouts[16:32])) == {200}
            assert await evaluate() == {("api_key", "throttle")}
            for each, order in ((scraper, 1), (scraper_elsewhere, -1)):
                answers = await read_all(each, checkouts[::order])
                # One process has all of the budget here, and some of it comes back meanwhile.
                assert set(answers[:60]) == {200}
                assert 0 < answers.count(429) <= 20
                assert set(await read_all(honest, honest_checkouts)) == {200}
            assert await evaluate() == {("api_key", "throttle"), ("api_key", "block")}
            for each in (scraper, scraper_elsewhere):
                refused = await each.get(f"/v1/checkouts/{checkouts[0]}")
                assert (refused.status_code, refused.json()["code"]) == (429, "caller_blocked")
                assert 1_700 < int(refused.headers["retry-after"]) <= 1_800
                pay = await each.post("/v1/payments", content=b"{}")
                assert (pay.status_code, pay.json()["code"]) == (429, "caller_blocked")
            assert set(await read_all(honest, honest_checkouts)) == {200}
    # A new process knows it from its first request on.
    with serve(create_app(settings_for(api.owner_url))) as fresh_url:
        async with client_from(fresh_url, "127.0.0.1", secret) as scraper:
            refused = await scraper.get(f"/v1/checkouts/{checkouts[0]}")
            assert refused.json()["code"] == "caller_blocked"


async def test_a_block_ends_by_itself(api: Any, post: Any, evaluate: Any) -> None:
    secret, checkouts = await make_shop(api, post, 61)
    async with client_from(api.url, "127.0.0.1", secret) as scraper:
        assert set(await read_all(scraper, checkouts)) == {200}
        await evaluate(small_policy(hold=timedelta(seconds=4)))
        assert set(await read_all(scraper, checkouts[:3])) == {429}
        await asyncio.sleep(3.5)
        assert set(await read_all(scraper, checkouts[:3])) == {200}


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


async def test_enumeration_by_a_merchants_key_is_throttled(
    api: Any, post: Any, evaluate: Any
) -> None:
    secret, _ = await make_shop(api, post, 0)
    async with client_from(api.url, "127.0.0.1", secret) as client:
        for _ in range(70):
            answer = await client.get(f"/v1/checkouts/pay_{uuid.uuid4().hex}")
            assert answer.status_code in (404, 422)
        assert await evaluate() == {("api_key", "throttle")}


async def test_numbers_of_customers_are_not_found_out_by_paying_them(
    api: Any, post: Any, evaluate: Any
) -> None:
    secret, _ = await make_shop(api, post, 0)
    customer = {"name": "李雷", "mobile": "13811112222", "account_class": 2}
    payer = (await post("/v1/customers", customer)).json()["account"]
    async with client_from(api.url, "127.0.0.1", secret) as client:
        for number in range(70):
            body = {
                "payer": payer,
                "payee_mobile": f"139{number:08d}",
                "amount": {"amount": "1.00", "currency": "CNY"},
            }
            answer = await client.post(
                "/v1/payments", json=body, headers={"Idempotency-Key": uuid.uuid4().hex}
            )
            assert answer.status_code == 404, answer.text
        assert await evaluate() == {("api_key", "throttle")}


async def test_replays_with_other_content_are_throttled(api: Any, post: Any, evaluate: Any) -> None:
    merchant = (await post("/v1/merchants", SHOP)).json()["id"]
    secret = await api.make_key(merchant_id=read_id(MERCHANT, merchant, field="id"))
    async with client_from(api.url, "127.0.0.1", secret) as client:
        for number in range(22):
            amount = {"amount": f"{number + 1}.00", "currency": "CNY"}
            answer = await client.post(
                "/v1/checkouts",
                json={"merchant": merchant, "amount": amount},
                headers={"Idempotency-Key": "the-same"},
            )
            assert answer.status_code == (422 if number else 201)
        assert await evaluate() == {("api_key", "throttle")}


async def test_a_customer_who_asks_too_fast_is_told_when_to_come_again(
    api: Any, customer_headers: Any, settings_for: Any, serve: Any
) -> None:
    headers = await customer_headers()
    seconds = [100.0]
    application = Application.assemble(settings_for(api.owner_url))
    application.admission = operations.Admission(
        application.database,
        application.rulebook,
        processes=1,
        now=application.clock.now,
        # However fast this machine is, no time passes between requests.
        clock=lambda: seconds[0],
    )
    app = RequestContext(create_api(application), Gate(application))
    with serve(app) as url:
        async with client_from(url, "127.0.0.1") as client:
            for _ in range(200):
                answer = await client.get("/v1/identity/sessions", headers=headers)
                assert answer.status_code == 200
            refused = await client.get("/v1/identity/sessions", headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
            assert refused.headers["ratelimit-policy"] == '"login";q=200;w=10'
            assert refused.headers["ratelimit"] == '"login";r=0;t=1'
            assert refused.headers["retry-after"] == "1"
            seconds[0] += 1
            again = [await client.get("/v1/identity/sessions", headers=headers) for _ in range(21)]
            assert [each.status_code for each in again] == [200] * 20 + [429]


async def test_what_is_turned_away_is_counted_and_costs_others_nothing(
    api: Any, settings_for: Any, serve: Any
) -> None:
    settings = replace(settings_for(api.owner_url), is_admission_limited=False)
    with serve(create_app(settings)) as url:
        async with client_from(url, ATTACKER) as client:
            answers = [await client.get("/v1/nowhere") for _ in range(50)]
    assert {each.status_code for each in answers} == {404}
    # The process has stopped, and told what it had counted.
    rows = await api.run(
        lambda uow: uow.execute(
            "SELECT entity, network::text AS network, sum(count)::int AS count "
            "FROM operations.signals WHERE kind = 'not_found' AND network = '127.0.9.0/24' "
            "GROUP BY entity, network"
        )
    )
    ((entity, network, count),) = rows
    assert (network, count) == ("127.0.9.0/24", 50)
    assert ATTACKER not in entity


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (NotAuthenticated("no"), SignalKind.BAD_CREDENTIALS),
        (NotFound("no"), SignalKind.NOT_FOUND),
        (RouteNotFound("no"), SignalKind.NOT_FOUND),
        (InvalidField("no", field="x"), SignalKind.MALFORMED),
        (Refusal("of business"), None),
        (SessionEnded("over", field="Authorization"), None),
    ],
)
def test_refusals_count_as_what_they_may_be(refusal: Refusal, kind: SignalKind | None) -> None:
    assert find_signal(refusal) is kind


def test_what_is_others_counts_as_not_found() -> None:
    refusal = Refusal("there is none")
    refusal.__cause__ = NotOwned("others'")
    assert find_signal(refusal) is SignalKind.NOT_FOUND


def test_every_code_that_counts_is_one_that_exists() -> None:
    assert set(SIGNALS_BY_CODE) <= set(list_refusal_codes())
