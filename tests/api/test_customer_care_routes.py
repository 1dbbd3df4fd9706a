"""Limits, freezes, reviews and closing over a real server."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest

from huitong import customers
from huitong.api import create_app
from huitong.demo.specimens import make_specimen
from huitong.kernel.clock import SystemClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.ids import CUSTOMER, read_id
from huitong.privacy import Vault

_numbers = count(13_600_000_000)


async def open_customer(post: Any, account_class: int = 1) -> dict[str, Any]:
    body = {"name": "李雷", "mobile": str(next(_numbers)), "account_class": account_class}
    made: dict[str, Any] = (await post("/v1/customers", body)).json()
    return made


async def test_limits_show_what_may_still_be_paid(client: httpx.AsyncClient, post: Any) -> None:
    made = await open_customer(post)
    shown = (await client.get(f"/v1/customers/{made['id']}/limits")).json()
    balance = shown["meters"][0]
    assert (shown["account_class"], balance["meter"]) == (1, "balance_payments")
    assert balance["total"]["left"] == {"amount": "1000.00", "currency": "CNY"}
    assert balance["day"]["used"] == {"amount": "0.00", "currency": "CNY"}
    assert balance["year"] is None
    assert [meter["meter"] for meter in shown["meters"]] == [
        "balance_payments",
        "static_code",
        "dynamic_code",
    ]


async def test_a_customer_is_frozen_unfrozen_and_closed(
    client: httpx.AsyncClient, post: Any
) -> None:
    made = await open_customer(post)
    path, account = f"/v1/customers/{made['id']}", f"/v1/accounts/{made['account']}"
    frozen = await post(f"{path}/freeze", {"scope": "all", "reason": "court order"})
    state = (await client.get(account)).json()["state"]
    assert (frozen.status_code, state) == (200, "frozen")
    (restriction,) = (await client.get(f"{path}/restrictions")).json()["restrictions"]
    assert restriction.items() >= {"kind": "staff", "scope": "all", "reason": "court order"}.items()
    await post(f"{path}/unfreeze", {"reason": "lifted"})
    assert (await client.get(f"{path}/restrictions")).json() == {"restrictions": []}
    assert (await client.get(account)).json()["state"] == "open"
    top_up = {"account": made["account"], "amount": {"amount": "1.00", "currency": "CNY"}}
    assert (await post("/v1/top-ups", top_up)).status_code == 201
    refused = await post(f"{path}/close", {"reason": "asked for"})
    assert (refused.status_code, refused.json()["code"]) == (409, "orders_open")
    assert (await client.get(path)).json()["closed_at"] is None
    other = await open_customer(post)
    closed = await post(f"/v1/customers/{other['id']}/close", {"reason": "asked for"})
    assert closed.json()["closed_at"] is not None
    again = await post(f"/v1/customers/{other['id']}/freeze", {"scope": "all", "reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "customer_is_closed")
    account_name = (await client.get(account)).json()["name"]
    assert account_name == "支付账户 Payment account"


async def test_a_review_needs_a_verified_identity(client: httpx.AsyncClient, post: Any) -> None:
    made = await open_customer(post)
    path = f"/v1/customers/{made['id']}"
    for command, body in (
        ("bank-cards", {"card_number": "6222021000000000017"}),
        ("review", {"valid_until": "2046-05-01", "reason": "seen"}),
        ("in-person-check", {"reason": "seen"}),
    ):
        refused = await post(f"{path}/{command}", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "identity_not_verified")
    expired = await post(f"{path}/review", {"valid_until": "2020-05-01", "reason": "seen"})
    assert (expired.status_code, expired.json()["code"]) == (422, "document_expired")
    assert (await client.get("/v1/customer-reviews")).json()["data"] == []


async def test_who_is_due_is_listed_until_reviewed(
    api: Any, client: httpx.AsyncClient, post: Any
) -> None:
    made = await open_customer(post)
    customer_id = read_id(CUSTOMER, made["id"], field="id")
    now = SystemClock().now()

    async def verify(uow: Any) -> None:
        await uow.execute(
            "INSERT INTO customers.identities (customer_id, id_number, person, id_index, "
            "name_birth_index, valid_until_on, channels, is_in_person, verified_at, review_due_on)"
            " VALUES (:id, :sealed, :sealed, :index, :index, :expired, '{}', false, :now, "
            ":expired)",
            id=customer_id,
            sealed=b"0" * 40,
            index=b"1" * 32,
            expired=(now - timedelta(days=2)).date(),
            now=now,
        )

    await api.run(verify)
    await api.run(lambda uow: customers.mark_reviews_due(uow, now=now))
    due = (await client.get("/v1/customer-reviews")).json()["data"]
    assert [(each["customer"], each["reason"]) for each in due] == [
        (made["id"], "document_expired")
    ]
    path = f"/v1/customers/{made['id']}"
    done = await post(f"{path}/review", {"valid_until": "2046-05-01", "reason": "new card"})
    raised = await post(f"{path}/in-person-check", {"reason": "seen with the new card"})
    assert (done.status_code, raised.json()["account_class"]) == (200, 3)
    assert (await client.get("/v1/customer-reviews")).json()["data"] == []


@pytest.fixture
def with_registries(
    serve: Any, settings_for: Any, api: Any
) -> Iterator[tuple[str, customers.RegistrySimulator]]:
    """A second server on the same database, which can ask simulated registries."""
    simulator = customers.RegistrySimulator(clock=SystemClock())
    with serve(simulator.application()) as registry_url:
        settings = replace(settings_for(api.owner_url), registry_url=registry_url)
        with serve(create_app(settings)) as url:
            yield url, simulator


async def test_a_bank_that_confirms_is_one_more_channel(
    api: Any, full_key: str, post: Any, settings_for: Any, with_registries: Any
) -> None:
    url, simulator = with_registries
    made = await open_customer(post)
    customer_id = read_id(CUSTOMER, made["id"], field="id")
    vault = Vault(load_key_ring(settings_for(api.owner_url).home))
    specimen = make_specimen(7, today=date(2026, 11, 23))
    person = customers.PersonDetails(
        name=specimen.name,
        sex=customers.Sex.MALE,
        nationality="CHN",
        occupation="x",
        address=specimen.address,
        mobile="13600000000",
        id_number=specimen.number,
        valid_from_on=specimen.valid_from_on,
        valid_until_on=specimen.valid_until_on,
    )

    async def verify(uow: Any) -> None:
        name = "customers.identities.person"
        sealed = await vault.seal(uow, customer_id, {name: msgspec.json.encode(person).decode()})
        await uow.execute(
            "INSERT INTO customers.identities (customer_id, id_number, person, id_index, "
            "name_birth_index, channels, is_in_person, verified_at, review_due_on) VALUES (:id, "
            ":number, :sealed, :index, :index, '{identity,mobile}', false, :now, '2030-01-01')",
            id=customer_id,
            number=b"0" * 40,
            sealed=sealed[name],
            index=b"2" * 32,
            now=SystemClock().now(),
        )

    await api.run(verify)
    path, body = f"/v1/customers/{made['id']}/bank-cards", {"card_number": "6216261000000000018"}
    silent = await post(path, body)
    assert (silent.json()["verdict"], silent.json()["customer"]["account_class"]) == (
        "unavailable",
        1,
    )
    headers = {"Authorization": f"Bearer {full_key}", "Idempotency-Key": uuid.uuid4().hex}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as asking:
        first = await asking.post(path, json=body)
        again = await asking.post(path, json=body)
    assert (first.json()["verdict"], first.json()["customer"]["account_class"]) == ("consistent", 2)
    assert first.content == again.content
    # The registry knew the question the second time, and charges one answer.
    assert simulator.billed == 1
    wrong = await post(path, {"card_number": "12"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "card_number")
