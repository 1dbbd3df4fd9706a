"""The gate with small counts, and who comes to it: for tests of what it turns away."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx

from huitong import operations
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import MERCHANT, read_id
from huitong.operations import IncidentKind, Measured
from huitong.operations.policy import Level
from huitong.wiring.watching import read_policy

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


Evaluate = Callable[..., Awaitable[set[tuple[str, str]]]]


def make_evaluate(api: Any) -> Evaluate:
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


async def forgive(api: Any) -> None:
    """Begin with nothing in force and nothing counted."""
    await api.run_as_owner(
        "DELETE FROM operations.signals; "
        "UPDATE operations.countermeasures SET ends_at = taken_at + interval '1 microsecond'; "
        "UPDATE operations.state SET news = news + 1"
    )
    await asyncio.sleep(0.8)
