"""Who misuses the API is turned away, over real sockets, and nobody else is."""

import asyncio
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.api.gating import (
    ATTACKER,
    SHOP,
    Evaluate,
    client_from,
    forgive,
    make_evaluate,
    make_shop,
    read_all,
    small_policy,
)

from huitong import operations
from huitong.api import create_app
from huitong.api.app import create_api
from huitong.api.gate import SIGNALS_BY_CODE, Gate, find_signal
from huitong.api.problems import NotAuthenticated, RouteNotFound
from huitong.api.request_context import RequestContext
from huitong.api.security_log import NotOwned
from huitong.identity import SessionEnded
from huitong.kernel.errors import InvalidField, NotFound, Refusal, list_refusal_codes
from huitong.kernel.ids import MERCHANT, read_id, uuid7
from huitong.operations import SignalKind
from huitong.payments import channels
from huitong.wiring.application import Application


@pytest.fixture
def evaluate(api: Any) -> Evaluate:
    return make_evaluate(api)


@pytest.fixture(autouse=True)
async def forgiven(api: Any) -> None:
    await forgive(api)


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
        # Long enough for a slow machine to be asked within it.
        await evaluate(small_policy(hold=timedelta(seconds=8)))
        assert set(await read_all(scraper, checkouts[:3])) == {429}
        for _ in range(60):
            await asyncio.sleep(0.5)
            if set(await read_all(scraper, checkouts[:3])) == {200}:
                return
    pytest.fail("the block did not end")


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


def take_all(admission: operations.Admission, address: operations.Entity) -> int:
    """Return how many more requests of an address are let in; none is afterwards."""
    for taken in range(10**4):
        try:
            admission.admit(operations.EntityKind.ADDRESS, address.name)
        except operations.RateLimited:
            return taken
    raise AssertionError("nobody is ever turned away")


async def test_a_signed_callback_takes_nothing_from_strangers_and_a_forged_one_does(
    api: Any, settings_for: Any, serve: Any
) -> None:
    settings = settings_for(api.owner_url)
    secret = channels.read_secret(channels.make_secret(settings.home, "bank"))
    application = Application.assemble(settings)
    application.admission = operations.Admission(
        application.database,
        application.rulebook,
        processes=1,
        now=application.clock.now,
        clock=lambda: 100.0,
    )
    money = {"amount": "1.00", "currency": "CNY"}
    about = {"id": "0" * 32, "state": "succeeded", "direction": "in", "amount": money}
    body = json.dumps(about).encode()

    async def call(client: httpx.AsyncClient, key: bytes, path: str = "bank") -> int:
        message_id, at = uuid7().hex, application.clock.now()
        headers = channels.sign(key, message_id=message_id, at=at, body=body)
        url = f"/v1/channel-callbacks/{path}"
        return (await client.post(url, content=body, headers=dict(headers))).status_code

    gate = Gate(application)
    with serve(RequestContext(create_api(application), gate)) as url:
        async with client_from(url, ATTACKER) as client:
            # They are about no order of ours, and signed.
            assert [await call(client, secret) for _ in range(9)] == [404] * 9
            strange = [(b"x" * 32, "bank"), (secret, "bank1"), (secret, "Bank")]
            assert [await call(client, *each) for each in strange] == [401, 404, 422]
            (address,) = gate._addresses.values()
            taken = take_all(application.admission, address)
            # 100 a second for 10 seconds, without what was no callback.
            assert taken == 1_000 - len(strange)
            assert [await call(client, *each) for each in strange] == [429] * 3
            assert (await client.get("/v1/channel-callbacks/bank")).status_code == 429
            assert await call(client, secret) == 404


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
