"""Reconciliation over HTTP: a file in, a break found, cured by two, suspense at zero."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from tests.payments.reconciliation.conftest import line, write_file

from huitong import ledger, payments
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook

reconciliation = payments.reconciliation
#: The tests share a database, and a channel has one file a day: each test has a day of its own.
_DAYS = count()


async def top_up(api: Any, client: httpx.AsyncClient, amount: str) -> tuple[payments.Order, str]:
    """Return a paid top-up and the account that it went to."""
    made = await client.post(
        "/v1/customers",
        json={"name": "甲", "mobile": f"138{uuid.uuid4().int % 10**8:08d}", "account_class": 3},
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    account = made.json()["account"]
    account = account["id"] if isinstance(account, dict) else account
    now = datetime.now(UTC) - timedelta(days=next(_DAYS))
    order_id = uuid7(int(now.timestamp() * 1_000))
    await api.run(
        lambda uow: payments.request_top_up(
            uow,
            order_id=order_id,
            account_id=ledger.read_account(account, field="account"),
            amount=Money.parse(amount, "CNY"),
            now=now,
        )
    )
    order = await api.run(
        lambda uow: payments.record_channel_answer(
            uow,
            channel_order_id=payments.derive_id(order_id, 1),
            order_id=order_id,
            answer=payments.ChannelAnswer(verdict=payments.ChannelVerdict.SUCCEEDED),
            now=now,
        )
    )
    return order, account


async def upload(
    http: httpx.AsyncClient, headers: dict[str, str], content: bytes, kind: str = "text/csv"
) -> httpx.Response:
    return await http.post(
        "/v1/reconciliation/files",
        content=content,
        headers={**headers, "Idempotency-Key": uuid.uuid4().hex, "Content-Type": kind},
    )


async def match(api: Any) -> None:
    """Do what the worker does."""
    async with Database(api.owner_url, role="huitong_app", size=2) as database:
        while await reconciliation.reconcile_always(
            database, rulebook=Rulebook.load(), now=datetime.now(UTC)
        ):
            pass


@dataclass
class Desk:
    """Two members of staff, and a top-up of 100.00 of which the channel says 130.00."""

    http: httpx.AsyncClient
    maker: dict[str, str]
    checker: dict[str, str]
    account: str
    day: date
    content: bytes

    async def send(self, path: str, body: Any) -> httpx.Response:
        headers = {**self.maker, "Idempotency-Key": uuid.uuid4().hex}
        return await self.http.post(f"/v1/reconciliation/{path}", json=body, headers=headers)

    async def get(self, path: str) -> Any:
        """Read as the checker, who may see everything too."""
        seen = await self.http.get(f"/v1/reconciliation/{path}", headers=self.checker)
        assert seen.status_code == 200, seen.text
        return seen.json()

    async def held(self) -> dict[str, str]:
        seen = await self.get("suspense")
        return {each["account"]: each["amount"]["amount"] for each in seen["balances"]}

    async def find(self, api: Any) -> Any:
        """Hand the file in, let the worker match it, and return the break that there is."""
        taken = await upload(self.http, self.maker, self.content)
        assert (taken.status_code, taken.json()["state"]) == (201, "loaded")
        await match(api)
        (found,) = (await self.get(f"breaks?day={self.day}"))["data"]
        return found


@pytest.fixture
async def desk(
    api: Any, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, staff: Any
) -> Desk:
    order, account = await top_up(api, client, "100.00")
    assert order.completed_at is not None
    day, at = business_day(order.completed_at), order.completed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Desk(
        anonymous,
        await staff.headers("operations"),
        await staff.headers("risk"),
        account,
        day,
        write_file([line(order, amount="130.00", at=at)], day),
    )


async def test_a_file_is_taken_once_and_its_break_is_shown_and_given_to_somebody(
    api: Any, desk: Desk
) -> None:
    assert (await upload(desk.http, desk.checker, desk.content)).status_code == 403
    found = await desk.find(api)
    again = await upload(desk.http, desk.maker, desk.content)
    assert (again.status_code, again.json()["code"]) == (409, "channel_file_known")
    assert (found["kind"], found["kind_zh"]) == ("amount_differs", "金额不符")
    assert found["amount"] == {"amount": "30.00", "currency": "CNY"}
    assert found["proposed"] == "suspense"
    report = await desk.get(f"report?day={desk.day}")
    assert (report["waiting"], report["files"][0]["matched"]) == (1, 0)
    me = (await desk.http.get("/v1/staff/me", headers=desk.maker)).json()
    assigned = await desk.send(f"breaks/{found['id']}/assign", {"owner": me["staff"]})
    assert assigned.json()["owner"] == me["staff"], assigned.text


async def test_a_break_is_cured_by_two_once_and_suspense_returns_to_zero(
    api: Any, client: httpx.AsyncClient, staff: Any, desk: Desk
) -> None:
    found = await desk.find(api)
    wish = {"cure": "suspense", "reason": "channel holds more"}
    asked = await desk.send(f"breaks/{found['id']}/cure", wish)
    second = await desk.send(f"breaks/{found['id']}/cure", wish)
    assert (await staff.decide(asked, desk.maker)).status_code == 403
    decided = await staff.decide(asked, desk.checker)
    assert decided.json()["approval"]["outcome"]["state"] == "cured", decided.text
    late = await staff.decide(second, desk.checker)
    assert (late.status_code, late.json()["code"]) == (409, "break_ended")
    assert (await desk.held())["reconciliation.payable.CNY"] == "30.00"

    (item,) = (await desk.get("suspense"))["data"]
    path = f"suspense/{item['id']}/clear"
    nobody = await desk.send(path, {"to": "customer", "reason": "his"})
    assert (nobody.status_code, nobody.json()["field"]) == (422, "account")
    his = {"to": "customer", "account": desk.account, "reason": "his"}
    cleared = await staff.decide(await desk.send(path, his), desk.checker)
    assert cleared.status_code == 200, cleared.text
    assert set((await desk.held()).values()) == {"0.00"}
    assert (await desk.get("suspense"))["data"] == []
    balance = (await client.get(f"/v1/accounts/{desk.account}/balance")).json()
    assert balance["balance"]["amount"] == "130.00", balance
    details = await desk.get(f"breaks/{found['id']}")
    acts = [each["act"] for each in details["history"]]
    assert acts == ["found", "proposed", "proposed", "cured", "suspense_cleared"]
    async with Database(api.owner_url, role="huitong_app", size=2) as database:
        verified = await ledger.verify_ledger(database, more=payments.INVARIANTS)
    assert list(verified.findings) == []


async def test_a_file_that_is_not_sound_is_refused_with_its_lines_and_changes_nothing(
    api: Any, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, staff: Any
) -> None:
    order, _ = await top_up(api, client, "100.00")
    maker, before = await staff.headers("operations"), await api.run(reconciliation.list_files)
    content = write_file([line(order)]).replace(b"100.00,CNY", b"100.001,CNY")
    refused = await upload(anonymous, maker, content)
    assert (refused.status_code, refused.json()["code"]) == (422, "channel_file_unreadable")
    assert refused.json()["context"]["lines"] == [
        {"line": 1, "field": "amount", "code": "malformed"}
    ]
    assert (await upload(anonymous, maker, content, "application/pdf")).status_code == 415
    assert await api.run(reconciliation.list_files) == before
