"""Channels over HTTP: staff read them, one switches off, two do the rest; channels call back."""

import json
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from huitong import payments
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import CHANNEL_ATTEMPT, PAYMENT, read_id, show_id
from huitong.payments import channels

TERMS: dict[str, Any] = {
    "name": "another",
    "kind": "bank_transfer",
    "name_zh": "第二银行",
    "name_en": "Second bank",
    "directions": ["in", "out"],
    "currencies": ["CNY"],
    "opens_at": "08:30",
    "closes_at": "17:15",
    "rail": "ibps",
    "fees": [{"currency": "CNY", "fixed": 200, "rate": "0.001", "maximum": 500}],
}


class Desk:
    """A maker and a checker of channels."""

    def __init__(self, client: httpx.AsyncClient, staff: Any, maker: dict, checker: dict) -> None:
        self.client, self.staff, self.maker, self.checker = client, staff, maker, checker

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/v1/{path}", headers=self.maker)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def post(self, path: str, body: Any, headers: dict | None = None) -> httpx.Response:
        return await self.client.post(
            f"/v1/{path}",
            json=body,
            headers={**(headers or self.maker), "Idempotency-Key": uuid.uuid4().hex},
        )

    async def both(self, path: str, body: Any) -> httpx.Response:
        return await self.staff.decide(await self.post(path, body), self.checker)


@pytest.fixture(scope="module")
def signed_in() -> dict[str, dict[str, str]]:
    """Sessions of this module by role: second factors are good once."""
    return {}


@pytest.fixture
async def desk(
    anonymous: httpx.AsyncClient, staff: Any, signed_in: dict[str, dict[str, str]]
) -> Desk:
    for role in ("operations", "risk"):
        if role not in signed_in:
            signed_in[role] = await staff.headers(role)
    return Desk(anonymous, staff, signed_in["operations"], signed_in["risk"])


async def test_two_people_add_a_channel_and_switch_it_on(desk: Desk) -> None:
    names = [each["name"] for each in await desk.get("channels")]
    assert names == ["bank", "cards", "wallet"]
    terms = {**TERMS, "name": "second"}
    decided = await desk.both("channels", {"terms": terms, "reason": "a second way"})
    assert decided.status_code == 200, decided.text
    added = next(each for each in await desk.get("channels") if each["name"] == "second")
    assert added["is_enabled"] is False
    assert added["fees"] == [
        {"currency": "CNY", "amount_from": 0, "fixed": 200, "rate": "0.001", "maximum": 500}
    ]
    assert (added["opens_at"], added["rail"], added["health"]) == ("08:30", "ibps", None)
    refused = await desk.post("channels/second/switch-on", {"reason": "x"}, desk.checker)
    assert refused.status_code == 403
    decided = await desk.both("channels/second/switch-on", {"reason": "tested"})
    assert decided.status_code == 200, decided.text
    off = await desk.post("channels/second/switch-off", {"reason": "it is slow"})
    assert (off.status_code, off.json()["is_enabled"]) == (200, False)
    missing = await desk.post("channels/third/switch-off", {"reason": "x"})
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount_min": 5, "amount_max": 4}, "amount_max"),
        ({"closes_at": None}, "closes_at"),
        ({"closes_at": "08:30"}, "closes_at"),
        ({"closes_at": "25:00"}, "terms.closes_at"),
        ({"rail": "chips"}, "terms.rail"),
        ({"fees": [{"currency": "CNY", "rate": "1"}]}, "terms.fees.0.rate"),
        ({"fees": [{"currency": "CNY", "rate": "0.0000001"}]}, "terms.fees.0.rate"),
        ({"fees": [{"currency": "CNY", "rate": "0"}] * 2}, "fees"),
        ({"fees": [{"currency": "CNY", "rate": "0", "fixed": 5, "maximum": 4}]}, "fees.maximum"),
        ({"name": "Second"}, "terms.name"),
        ({"directions": []}, "terms.directions"),
        ({"is_enabled": True}, "terms.is_enabled"),
    ],
)
async def test_terms_that_make_no_sense_are_refused(
    desk: Desk, change: dict[str, Any], field: str
) -> None:
    answer = await desk.post("channels", {"terms": {**TERMS, **change}, "reason": "x"})
    assert answer.status_code == 422
    assert answer.json()["field"].removeprefix("body.") == field
    assert "another" not in {each["name"] for each in await desk.get("channels")}


async def test_the_second_of_two_requests_does_not_undo_the_first(desk: Desk) -> None:
    first = await desk.post("channels", {"terms": TERMS, "reason": "a"})
    dearer = {**TERMS, "fees": []}
    second = await desk.post("channels", {"terms": dearer, "reason": "b"})
    assert (await desk.staff.decide(first, desk.checker)).status_code == 200
    late = await desk.staff.decide(second, desk.checker)
    assert (late.status_code, late.json()["code"]) == (409, "channel_changed")


async def test_two_people_replace_the_rules_of_routing(desk: Desk) -> None:
    rule = {"priority": 1, "channel": "bank", "amount_from": 5_000_000}
    decided = await desk.both("channel-rules", {"rules": [rule], "reason": "large ones"})
    assert decided.status_code == 200, decided.text
    (shown,) = await desk.get("channel-rules")
    assert (shown["channel"], shown["amount_from"]) == ("bank", 5_000_000)
    for wrong, field in (
        ([{**rule, "channel": "none"}], "channel"),
        ([rule, rule], "priority"),
        ([{**rule, "amount_below": 1}], "amount_below"),
    ):
        refused = await desk.post("channel-rules", {"rules": wrong, "reason": "x"})
        assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert (await desk.both("channel-rules", {"rules": [], "reason": "none"})).status_code == 200
    assert await desk.get("channel-rules") == []


class Bank:
    """A bank that calls back, signed or not, about one order that it was given."""

    def __init__(self, client: httpx.AsyncClient, secret: bytes, attempt: str) -> None:
        self.client, self.secret, self.attempt = client, secret, attempt

    def body(self, said: str = "succeeded", **more: Any) -> bytes:
        told = {
            "id": self.attempt,
            "state": said,
            "direction": "in",
            "amount": {"amount": "10.00", "currency": "CNY"},
        }
        return json.dumps(told | more).encode()

    async def call(
        self,
        body: bytes,
        *,
        message_id: str,
        secret: bytes | None = None,
        age: int = 0,
        channel: str = "bank",
        sent: bytes | None = None,
    ) -> httpx.Response:
        at = SystemClock().now() - timedelta(seconds=age)
        signed = channels.sign(secret or self.secret, message_id=message_id, at=at, body=body)
        headers = {**signed, "Content-Type": "application/json"}
        path = f"/v1/channel-callbacks/{channel}"
        return await self.client.post(path, content=sent or body, headers=headers)


@pytest.fixture
async def bank(api: Any, anonymous: httpx.AsyncClient, post: Any, settings_for: Any) -> Bank:
    secret = channels.make_secret(settings_for(api.owner_url).home, "bank")
    mobile = f"13{uuid.uuid4().int % 10**9:09d}"
    made = await post("/v1/customers", {"name": "甲", "mobile": mobile, "account_class": 3})
    money = {"amount": "10.00", "currency": "CNY"}
    asked = await post("/v1/top-ups", {"account": made.json()["account"], "amount": money})
    order_id = read_id(PAYMENT, asked.json()["id"], field="id")
    attempt_id = payments.derive_id(order_id, 1)
    await api.run(
        lambda uow: uow.execute(
            "UPDATE payments.channel_orders SET state = 'sent', attempts = 1,"
            " due_at = '2099-01-01T00:00:00Z' WHERE id = :id",
            id=attempt_id,
        )
    )
    return Bank(anonymous, channels.read_secret(secret), attempt_id.hex)


async def is_due(api: Any, bank: Bank) -> bool:
    due_at = await api.run(
        lambda uow: uow.fetch_value(
            "SELECT due_at FROM payments.channel_orders WHERE id = :id", id=uuid.UUID(bank.attempt)
        )
    )
    return bool(due_at < SystemClock().now())


async def test_a_signed_callback_makes_the_next_question_due(api: Any, bank: Bank) -> None:
    assert not await is_due(api, bank)
    unique = uuid.uuid4().hex
    heard = await bank.call(bank.body(), message_id=unique)
    assert (heard.status_code, heard.json()) == (202, {"effect": "asked"})
    assert await is_due(api, bank)
    again = await bank.call(bank.body(), message_id=unique)
    assert (again.status_code, again.json()) == (202, {"effect": "repeated"})
    other = await bank.call(bank.body("failed"), message_id=unique)
    assert (other.status_code, other.json()["code"]) == (409, "callback_id_reused")
    earlier = await bank.call(bank.body("accepted"), message_id=uuid.uuid4().hex)
    assert earlier.status_code == 202, "an old word that comes late only asks once more"


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"secret": b"x" * 32}, 401, "callback_not_signed"),
        ({"age": 301}, 401, "callback_not_signed"),
        ({"age": -301}, 401, "callback_not_signed"),
        ({"sent": b'{"id": "altered"}'}, 401, "callback_not_signed"),
        ({"channel": "nobody"}, 404, "not_found"),
        ({"channel": "Bank"}, 422, "invalid_field"),
        ({"body": b"{"}, 422, "invalid_field"),
        ({"body": b"[]"}, 422, "invalid_field"),
        ({"body": b"x" * 20_000}, 422, "invalid_field"),
        ({"told": {"id": "nonsense"}}, 422, "invalid_field"),
        ({"told": {"state": "perhaps"}}, 422, "invalid_field"),
        ({"told": {"amount": {"amount": "1.234", "currency": "CNY"}}}, 422, "invalid_field"),
        ({"told": {"id": "0" * 32}}, 404, "not_found"),
    ],
)
async def test_what_is_not_a_callback_of_the_channel_does_nothing(
    api: Any, bank: Bank, more: dict[str, Any], status: int, code: str
) -> None:
    before = await api.count()
    body = more.pop("body", None) or bank.body(**more.pop("told", {}))
    answer = await bank.call(body, message_id=uuid.uuid4().hex, **more)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert not await is_due(api, bank)
    assert await api.count() == before


async def test_a_callback_without_headers_is_refused(bank: Bank) -> None:
    path = "/v1/channel-callbacks/bank"
    answer = await bank.client.post(path, content=bank.body())
    assert (answer.status_code, answer.json()["code"]) == (401, "callback_not_signed")


async def test_two_people_cure_a_break(api: Any, desk: Desk, bank: Bank) -> None:
    attempt = show_id(CHANNEL_ATTEMPT, uuid.UUID(bank.attempt))
    await api.run(
        lambda uow: uow.execute(
            "INSERT INTO payments.channel_breaks (channel_order_id, kind, amount, currency,"
            " found_at) VALUES (:id, 'wrong_amount', 999, 'CNY', '2026-11-26T00:00:00Z')",
            id=uuid.UUID(bank.attempt),
        )
    )
    (shown,) = await desk.get("channel-breaks?is_open=true")
    assert (shown["attempt"], shown["amount"]["amount"]) == (attempt, "9.99")
    asked = {"attempt": attempt, "kind": "wrong_amount", "cure": "book", "reason": "x"}
    refused = await desk.post("channel-breaks/cures", asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "channel_break_not_open")
    assert refused.json()["context"] == {"cures": ["close", "undo"]}
    decided = await desk.both("channel-breaks/cures", asked | {"cure": "close"})
    assert decided.status_code == 200, decided.text
    assert await desk.get("channel-breaks?is_open=true") == []
    (cured,) = await desk.get("channel-breaks?is_open=false")
    assert cured["cure"] == "close"
