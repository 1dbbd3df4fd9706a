"""Who was refused at the door leaves a line; what was sent does not, and floods are bounded."""

import asyncio
import io
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog

from huitong import identity
from huitong.api.problems import NotAllowed
from huitong.api.request_context import record_error
from huitong.api.security_log import LineBudget, is_suspicious, note_refusal
from huitong.kernel import limits
from huitong.kernel.errors import Conflict, InvalidField, NotFound
from huitong.kernel.ids import uuid7
from huitong.kernel.logs import configure_logging

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    # Libraries are made quiet too, and other tests want to hear them.
    quiet = ("sqlalchemy", "httpx", "httpcore", "asyncio", "alembic.runtime.plugins")
    levels = {name: logging.getLogger(name).level for name in quiet}
    stream = io.StringIO()
    configure_logging(stream=stream)

    def read() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in found if line["event"] == "request_refused"]

    yield read
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


async def test_a_caller_without_a_key_is_noted(anonymous: httpx.AsyncClient, lines: Lines) -> None:
    headers = {"X-Request-Id": "look-for-me"}
    answer = await anonymous.get("/v1/customers?mobile=13800000001", headers=headers)
    assert answer.status_code == 401
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request_refused",
        "level": "warning",
        "logger": "huitong.api.security_log",
        "request_id": "look-for-me",
        "code": "not_authenticated",
        "method": "GET",
        "route": "/v1/customers",
        "actor": None,
        "network": "127.0.0.0/24",
    }


async def test_a_key_without_the_scope_is_noted_by_its_id_on_both_ways(
    api: Any, anonymous: httpx.AsyncClient, lines: Lines
) -> None:
    secret = await api.make_key("ledger:read")
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "k-1"}
    body = {"payer": "acct_1", "payee": "acct_2", "amount": {"amount": "1", "currency": "CNY"}}
    assert (await anonymous.get("/v1/customers", headers=headers)).status_code == 403
    assert (await anonymous.post("/v1/payments", json=body, headers=headers)).status_code == 403
    first, second = lines()
    assert [first["code"], second["code"]] == ["scope_missing", "scope_missing"]
    assert [first["route"], second["route"]] == ["/v1/customers", "/v1/payments"]
    assert first["actor"] == second["actor"]
    assert str(first["actor"]).startswith("key_")
    assert secret not in str(lines())


async def test_who_asks_for_what_is_somebody_elses_is_noted_though_told_of_nothing(
    anonymous: httpx.AsyncClient,
    post: Any,
    customer_headers: Callable[..., Awaitable[dict[str, str]]],
    lines: Lines,
) -> None:
    bodies = [
        {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
        for name in ("甲", "乙")
    ]
    mine, theirs = [(await post("/v1/customers", body)).json()["id"] for body in bodies]
    headers = await customer_headers(mine)
    before = len(lines())
    answer = await anonymous.get(f"/v1/customers/{theirs}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    (line,) = lines()[before:]
    assert (line["code"], line["route"]) == ("not_owned", "/v1/customers/{customer}")
    assert str(line["actor"]).startswith("lgn_")
    assert theirs not in str(line)


async def test_a_merchants_key_that_reaches_for_others_money_is_noted(
    api: Any, anonymous: httpx.AsyncClient, post: Any, lines: Lines
) -> None:
    person = {"name": "丁", "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    account = (await post("/v1/customers", person)).json()["account"]
    merchant = uuid7()
    secret = await api.make_key("payments:write", merchant_id=merchant)
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "k-3"}
    amount = {"amount": "1.00", "currency": "CNY"}
    body = {"payer": account, "payee": account, "amount": amount}
    answer = await anonymous.post("/v1/payments", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")
    (line,) = lines()
    assert (line["code"], line["route"]) == ("not_owned", "/v1/payments")
    assert line["request_id"] == answer.headers["x-request-id"]
    assert str(line["actor"]).startswith("key_")
    assert account not in str(line)


async def test_staff_without_the_right_are_noted_where_the_answer_is_kept(
    staff: Any, post: Any, lines: Lines
) -> None:
    person = {"name": "戊", "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    opened = (await post("/v1/customers", person)).json()
    own = await staff.person("own", "operations", customer=opened["id"])
    headers = {**await staff.sign_in(own), "Idempotency-Key": "k-4"}
    before = len(lines())
    async with staff.client() as client:
        answer = await client.post(
            f"/v1/accounts/{opened['account']}/freeze",
            json={"scope": "all", "reason": "mine"},
            headers=headers,
        )
    assert answer.json()["code"] == "own_record", answer.text
    (line,) = lines()[before:]
    assert (line["code"], line["actor"]) == ("own_record", own.id)


async def test_nonsense_is_noted_without_what_was_sent(
    client: httpx.AsyncClient, lines: Lines
) -> None:
    evil = "<script>alert(1)</script>\nlevel=critical"
    headers = {"Idempotency-Key": "k-2", "Content-Type": "application/json"}
    await client.post("/v1/customers", content=b'{"' + b"a" * 9, headers=headers)
    await client.post("/v1/customers", json={evil: evil}, headers=headers)
    await client.post("/v1/payments", json={evil: evil}, headers=headers)
    assert [line["code"] for line in lines()] == [
        "malformed_json",
        "invalid_field",
        "invalid_field",
    ]
    assert "script" not in str(lines())


async def test_a_refusal_of_business_is_not_noted(post: Any, lines: Lines) -> None:
    body = {"name": "丙", "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    assert (await post("/v1/customers", body)).status_code == 201
    assert (await post("/v1/customers", body)).json()["code"] == "mobile_taken"
    assert lines() == []
    assert not is_suspicious(NotFound("There is none"))
    assert not is_suspicious(Conflict("no"))
    asked = identity.StepUpRequired(act="payments.pay", factors=["pin"], fresh_minutes=5)
    assert not is_suspicious(asked)
    assert is_suspicious(InvalidField("must not", field="x"))


def test_a_flood_writes_a_bounded_number_of_lines_and_says_how_many_it_left_out(
    lines: Lines,
) -> None:
    now = 0.0
    budget = LineBudget(clock=lambda: now)
    refusal = NotAllowed("no")
    for _ in range(1_000):
        note_refusal(refusal, {"method": "GET", "client": ("192.0.2.7", 1)}, budget=budget)
    assert len(lines()) == limits.SECURITY_LINES_PER_SECOND_MAX
    now = 1.0
    note_refusal(refusal, {"method": "GET", "client": ("no address", 1)}, budget=budget)
    last = lines()[-1]
    assert last["left_out"] == 1_000 - limits.SECURITY_LINES_PER_SECOND_MAX
    assert last["network"] is None


async def test_guesses_of_a_password_are_noted_until_and_after_the_lock(
    anonymous: httpx.AsyncClient, lines: Lines
) -> None:
    body = {"mobile": f"13{uuid.uuid4().int % 10**9:09d}", "password": "not the right one"}
    for _ in range(6):
        await anonymous.post("/v1/identity/sessions/by-password", json=body)
        await asyncio.sleep(0)
    codes = [line["code"] for line in lines()]
    assert codes[:5] == ["log_in_refused"] * 5
    assert codes[5] == "too_many_attempts"
    assert body["mobile"] not in str(lines())


def test_what_went_wrong_with_us_is_logged_with_its_reason(lines: Lines) -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    record_error(identity.CodeNotDelivered("no answer: ConnectError"), {})
    try:
        raise ZeroDivisionError("by 13800000001")
    except ZeroDivisionError as error:
        record_error(error, {})
    fault, bug = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (fault["event"], fault["code"]) == ("request_failed", "code_not_delivered")
    assert fault["detail"] == "no answer: ConnectError"
    assert (bug["event"], bug["level"]) == ("request_crashed", "error")
    assert "ZeroDivisionError: by ***" in bug["exception"]
