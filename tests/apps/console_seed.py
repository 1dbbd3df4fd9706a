"""What there is to look at in the console: people, payments, a case, rules, a table."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from tests.api.test_risk_routes import once, save, store_backtest, today
from tests.apps.console_desk import ConsoleOffice

from huitong import risk
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import DECISION, read_id
from huitong.kernel.rulebook import Rulebook
from huitong.wiring.risk_links import LINK_SOURCES

_LARGE = "4000.00"


@dataclass(frozen=True)
class Seed:
    """Ids of what was made."""

    customer: str
    account: str
    merchant: str
    payment: str
    held: str
    case: str
    rules: str
    table: str

    def fill(self, path: str) -> str:
        return path.format(**vars(self))


async def make_seed(console: ConsoleOffice) -> Seed:
    """Make it through the API, as the bank's own system and its staff would."""
    world = console.world
    one, two = [await open_customer(console, name) for name in ("李雷", "韩梅梅")]
    merchant = await world.post(
        "/v1/merchants",
        {
            "name": "三味书屋",
            "name_latin": "SANWEI BOOKS",
            "city_latin": "SHAOXING",
            "category_code": "5942",
            "fee_rate": "0.006",
        },
    )
    paid = [await pay(console, one, merchant, amount) for amount in ("25.80", "128.00", "9.90")]
    await pay(console, one, two, "66.00")
    await world.post(f"/v1/payments/{paid[0]['id']}/refunds", {"reason": "尺码不合"})
    rules = await _set_rule_live(console)
    held = await _hold(console, one, two)
    case = await case_of(console, held)
    table = await _save_table(console)
    return Seed(
        customer=one["id"],
        account=one["account"],
        merchant=merchant["id"],
        payment=paid[0]["id"],
        held=held,
        case=case,
        rules=rules,
        table=table,
    )


async def open_customer(console: ConsoleOffice, name: str) -> dict[str, Any]:
    """Return a new customer with 30,000 yuan."""
    body = {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    made: dict[str, Any] = await console.world.post("/v1/customers", body)
    await console.world.api.fund(made["account"], 3_000_000)
    return made


async def pay(
    console: ConsoleOffice, payer: dict[str, Any], payee: dict[str, Any], amount: str
) -> dict[str, Any]:
    """Return a payment that was made, or that is held."""
    made: dict[str, Any] = await console.world.post(
        "/v1/payments",
        {
            "payer": payer["account"],
            "payee": payee["account"],
            "amount": {"amount": amount, "currency": "CNY"},
        },
    )
    return made


async def case_of(console: ConsoleOffice, payment: str) -> str:
    """Return the case that a held payment belongs to."""
    api = console.world.api
    while await api.run(
        lambda uow: risk.group_alerts(
            uow, sources=LINK_SOURCES, rulebook=Rulebook.load(), now=SystemClock().now()
        )
    ):
        pass
    decision_id = read_id(DECISION, payment.replace("pay_", "dec_"), field="decision")
    case_id = await api.run(
        lambda uow: uow.fetch_value(
            "SELECT case_id FROM risk.alerts WHERE decision_id = :id", id=decision_id
        )
    )
    return f"cas_{case_id.hex}"


async def _set_rule_live(console: ConsoleOffice) -> str:
    maker = {"Authorization": f"Bearer {await console.sign_in('risk')}"}
    checker_who = await console.office.person("risk-checker", "risk")
    checker = await console.office.sign_in(checker_who)
    console.cookies["risk-checker"] = checker["Authorization"].removeprefix("Bearer ")
    async with console.world.client() as client:
        change = {"predicate": "amount > 300000", "action": "review"}
        version: dict[str, Any] = (await save(client, maker, **change)).json()
        await store_backtest(console.world.api, version)
        path = f"/v1/risk/rules/{version['id']}"
        await client.post(f"{path}/shadow", json={}, headers=once(maker))
        body = {"digest": version["digest"], "effective_from": today(), "reason": "tested"}
        asked = await client.post(f"{path}/live", json=body, headers=once(maker))
    decided = await console.office.decide(asked, checker)
    assert decided.status_code == 200, decided.text
    found: str = version["id"]
    return found


async def _hold(console: ConsoleOffice, payer: dict[str, Any], payee: dict[str, Any]) -> str:
    """Return a payment that is held, once the rule has come into effect."""
    deadline = time.monotonic() + 20
    while (await pay(console, await open_customer(console, "甲"), payee, _LARGE))[
        "status"
    ] != "held":
        assert time.monotonic() < deadline, "the rule does not come into effect"
        await asyncio.sleep(0.2)
    found: str = (await pay(console, payer, payee, _LARGE))["id"]
    return found


async def _save_table(console: ConsoleOffice) -> str:
    headers = {"Authorization": f"Bearer {await console.sign_in('credit')}"}
    async with httpx.AsyncClient(base_url=console.world.api.url, timeout=20) as client:
        tables = (await client.get("/v1/risk/tables", headers=headers)).json()["data"]
        path = f"/v1/risk/tables/{tables[0]['name']}/defaults"
        saved = await client.post(path, json={}, headers=once(headers))
    assert saved.status_code == 201, saved.text
    found: str = saved.json()["id"]
    return found
