"""A business over HTTP: two people who act for it, one who does not, and two who are paid."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from huitong import ledger
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import CUSTOMER, MERCHANT, read_id
from huitong.kernel.money import Money
from huitong.payments import bulk

TITLES = "reference,account,name,amount,currency,note"
PIN = "802753"
CSV = "text/csv"


@dataclass
class Office:
    """A business with 1,000 yuan, whoever acts for it, and two people who are paid."""

    api: Any
    http: httpx.AsyncClient
    merchant: str
    account: str
    maker: dict[str, str]
    checker: dict[str, str]
    stranger: dict[str, str]
    staff: list[str]

    def write(self, *amounts: str, note: str = "") -> bytes:
        rows = [
            f"R{at},{self.staff[at]},员工{at},{amount},CNY,{note}"
            for at, amount in enumerate(amounts)
        ]
        total = Money.total([Money.parse(each, "CNY") for each in amounts], "CNY").format()
        head = f"huitong-bulk,1,payroll,CNY,{len(amounts)},{total}"
        return "\n".join([head, TITLES, *rows]).encode()

    async def submit(
        self, content: Any, *, headers: dict[str, str] | None = None, **more: str
    ) -> httpx.Response:
        given = {
            "Content-Type": more.pop("content_type", CSV),
            "Idempotency-Key": more.pop("key", uuid.uuid4().hex),
        }
        return await self.http.post(
            "/v1/bulk-files",
            params={"merchant": self.merchant, **more},
            content=content,
            headers={**(headers or self.maker), **given},
        )

    async def decide(
        self,
        file: dict[str, Any],
        *,
        verb: str = "approve",
        headers: dict[str, str] | None = None,
        key: str | None = None,
        **more: str,
    ) -> httpx.Response:
        return await self.http.post(
            f"/v1/bulk-files/{file['id']}/{verb}",
            json={"sha256": file["sha256"], **more},
            headers={**(headers or self.checker), "Idempotency-Key": key or uuid.uuid4().hex},
        )

    async def prove(self, file: dict[str, Any], **changed: Any) -> str:
        act = {
            "kind": "payments.approve_file",
            "amount": file["total"],
            "payer": file["payer"],
            "payee": file["sha256"],
            **changed,
        }
        begun = await self.http.post(
            "/v1/identity/step-ups", json={"act": act, "factor": "pin"}, headers=self.checker
        )
        assert begun.status_code == 201, begun.text
        step_up: str = begun.json()["id"]
        proved = await self.http.post(
            f"/v1/identity/step-ups/{step_up}/proof", json={"pin": PIN}, headers=self.checker
        )
        assert proved.status_code == 201, proved.text
        return step_up

    async def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.http.get(f"/v1/bulk-files{path}", headers=headers or self.checker)

    async def pay_all(self) -> None:
        async def step(uow: Any) -> bool:
            return await bulk.pay_next_batch(uow, None, now=SystemClock().now())

        while await self.api.run(step):
            pass

    async def balance(self, account: str) -> str:
        found = await self.api.run(
            lambda uow: ledger.get_balance(uow, ledger.read_account(account, field="account"))
        )
        return found.posted.format()


async def open_office(
    api: Any, anonymous: httpx.AsyncClient, post: Any, customer_headers: Any
) -> Office:
    async def add(name: str) -> dict[str, Any]:
        body = {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
        answer = await post("/v1/customers", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    opened = await post(
        "/v1/merchants",
        {
            "name": "茶馆",
            "name_latin": "TEA HOUSE",
            "city_latin": "SHAOXING",
            "category_code": "5812",
            "fee_rate": "0",
        },
    )
    assert opened.status_code == 201, opened.text
    merchant = opened.json()
    await api.fund(merchant["account"], 1_000_00)
    users = [await add(name) for name in ("李雷", "韩梅", "路人")]
    for user, role in zip(users, (bulk.Role.SUBMITTER, bulk.Role.APPROVER), strict=False):
        named = bulk.BusinessUser(
            merchant_id=read_id(MERCHANT, merchant["id"], field="id"),
            customer_id=read_id(CUSTOMER, user["id"], field="id"),
            role=role,
            amount_max=Money.parse("800.00", "CNY"),
        )
        await api.run(
            lambda uow, named=named: bulk.name_business_user(uow, named, now=SystemClock().now())
        )
    maker, checker, stranger = [await customer_headers(user["id"]) for user in users]
    pin = await anonymous.put("/v1/identity/pin", json={"pin": PIN}, headers=checker)
    assert pin.status_code == 204, pin.text
    staff = [(await add(f"员工{at}"))["account"] for at in range(2)]
    return Office(
        api, anonymous, merchant["id"], merchant["account"], maker, checker, stranger, staff
    )
