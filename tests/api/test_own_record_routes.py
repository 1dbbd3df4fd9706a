"""Nobody on the staff asks for, or decides on, what concerns them as a customer."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.api.test_risk_routes import once

from huitong import ledger, risk
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import CUSTOMER, read_id, uuid7
from huitong.risk import Entity, EntityKind, Side
from huitong.risk.decisioning.decisions.types import Participant

CHANGES = "/v1/risk/lists/changes"


@dataclass
class Bench:
    """A member of staff who is a customer as well, two who are not, and another customer."""

    api: Any
    client: httpx.AsyncClient
    staff: Any
    insider: dict[str, str]
    maker: dict[str, str]
    checker: dict[str, str]
    own: dict[str, Any]
    other: dict[str, Any]
    log_in_as: Any

    async def send(self, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        return await self.client.post(path, json=body, headers=once(headers))

    async def record_block(self, payer: dict[str, Any], payee: dict[str, Any]) -> str:
        """Write down that a payment was blocked, and return the path of its overturning."""
        sides = [(Side.ACTOR, payer), (Side.COUNTERPARTY, payee)]
        decision = risk.Decision(
            id=uuid7(),
            purpose=risk.Purpose.PAYMENT,
            action=risk.Action.BLOCK,
            decided_at=SystemClock().now(),
            fallback=risk.Fallback.NO_RULES,
            participants=tuple(
                Participant(side, entity)
                for side, party in sides
                for entity in (
                    Entity.of_account(ledger.read_account(party["account"], field="account")),
                    Entity.of_id(EntityKind.CUSTOMER, read_id(CUSTOMER, party["id"], field="id")),
                )
            ),
        )
        await self.api.run(lambda uow: risk.record_decisions(uow, [decision]))
        return f"/v1/risk/decisions/{risk.show_decision(decision.id)}/overturn"

    async def log_in(self, customer: dict[str, Any]) -> str:
        """Have a customer log in, and return the device."""
        await self.log_in_as(customer["id"])
        device_id = await self.api.run(
            lambda uow: uow.fetch_value(
                "SELECT d.id FROM identity.devices d JOIN identity.logins l ON l.id = d.login_id "
                "WHERE l.subject_id = :id",
                id=read_id(CUSTOMER, customer["id"], field="id"),
            )
        )
        return f"dev_{device_id.hex}"


@pytest.fixture(scope="module")
def seated() -> dict[str, Any]:
    """The people of this module: second factors are good once."""
    return {}


@pytest.fixture
async def bench(  # noqa: PLR0917 - fixtures
    api: Any,
    anonymous: httpx.AsyncClient,
    post: Callable[..., Awaitable[Any]],
    staff: Any,
    customer_headers: Any,
    seated: dict[str, Any],
) -> Bench:
    if not seated:
        people = []
        for _ in range(2):
            body = {
                "name": "李雷",
                "mobile": f"13{uuid.uuid4().int % 10**9:09d}",
                "account_class": 3,
            }
            people.append({**(await post("/v1/customers", body)).json(), "mobile": body["mobile"]})
        own, other = people
        insider = await staff.person("insider", "risk", customer=own["id"])
        seats = [insider, *[await staff.person(name, "risk") for name in ("maker", "checker")]]
        signed_in = [await staff.sign_in(each) for each in seats]
        seated.update(own=own, other=other)
        seated.update(zip(("insider", "maker", "checker"), signed_in, strict=True))
    return Bench(api=api, client=anonymous, staff=staff, log_in_as=customer_headers, **seated)


@pytest.mark.parametrize("verb", ["add", "remove"])
@pytest.mark.parametrize("kind", ["customer", "account", "pair", "mobile"])
async def test_nobody_changes_a_list_about_themselves(bench: Bench, kind: str, verb: str) -> None:
    end = (SystemClock().now() + timedelta(days=1)).isoformat()
    own = {
        "customer": bench.own["id"],
        "account": bench.own["account"],
        "pair": f"{bench.other['account']}:{bench.own['account']}",
        "mobile": bench.own["mobile"],
    }[kind]
    stranger = {"kind": "address", "id": "203.0.113.9"}
    named = [stranger, {"kind": kind, "id": own}]
    if verb == "add":
        named = [{**each, "expires_at": end} for each in named]
    body = {"list": "allow", verb: named, "reason": "a favour"}
    refused = await bench.send(CHANGES, body, bench.insider)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_record"), refused.text

    asked = await bench.send(CHANGES, body, bench.maker)
    decided = await bench.staff.decide(asked, bench.insider)
    assert (decided.status_code, decided.json()["code"]) == (403, "own_record"), decided.text


async def test_what_concerns_others_is_changed_and_taken_back(bench: Bench) -> None:
    for verb in ("add", "remove"):
        entry = {"kind": "account", "id": bench.other["account"]}
        body = {"list": "watch", verb: [entry], "reason": "case 3"}
        asked = await bench.send(CHANGES, body, bench.insider)
        assert (await bench.staff.decide(asked, bench.checker)).status_code == 200
    # Whoever asked is concerned by nothing, and so is who decides.
    asked = await bench.send(
        CHANGES, {**body, "list": "block", "remove": [], "add": [entry]}, bench.maker
    )
    assert (await bench.staff.decide(asked, bench.insider)).status_code == 200


async def test_nobody_changes_a_list_about_their_own_device(bench: Bench) -> None:
    body = {
        "list": "watch",
        "add": [{"kind": "device", "id": await bench.log_in(bench.own)}],
        "reason": "lost",
    }
    refused = await bench.send(CHANGES, body, bench.insider)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_record"), refused.text
    asked = await bench.send(CHANGES, body, bench.maker)
    decided = await bench.staff.decide(asked, bench.insider)
    assert (decided.status_code, decided.json()["code"]) == (403, "own_record"), decided.text


@pytest.mark.parametrize("is_payer", [True, False], ids=["payer", "payee"])
async def test_nobody_overturns_what_they_paid_or_were_to_be_paid(
    bench: Bench, is_payer: bool
) -> None:
    ends = (bench.own, bench.other) if is_payer else (bench.other, bench.own)
    path = await bench.record_block(*ends)
    refused = await bench.send(path, {"reason": "it was fine"}, bench.insider)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_record"), refused.text
    asked = await bench.send(path, {"reason": "it was fine"}, bench.maker)
    decided = await bench.staff.decide(asked, bench.insider)
    assert (decided.status_code, decided.json()["code"]) == (403, "own_record"), decided.text
    assert (await bench.staff.decide(asked, bench.checker)).status_code == 200
