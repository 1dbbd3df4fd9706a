"""Loans over HTTP: a product by two, a borrower who repays, and changes by two of staff."""

import uuid
from typing import Any

import httpx
import pytest

from huitong import lending
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import CUSTOMER, LOAN, read_id, show_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import read_account

ORDER = ["fee", "penalty", "interest", "principal"]
PRODUCT = {
    "name_zh": "现金贷",
    "name_en": "Cash loan",
    "purpose": "consumer",
    "uses": ["household"],
    "payees": ["borrower"],
    "amount_min": {"amount": "1000.00", "currency": "CNY"},
    "amount_max": {"amount": "200000.00", "currency": "CNY"},
    "count_min": 1,
    "count_max": 12,
    "rate_min": "0.03",
    "rate_max": "0.18",
    "month": "30",
    "methods": ["level_payment", "equal_principal"],
    "penalty_share": "0.5",
    "order": ORDER,
    "order_bad": ORDER[::-1],
    "reason": "decided in the committee",
}


def yuan(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


class Branch:
    """Credit staff who ask and decide, and borrowers with loans."""

    def __init__(self, api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any) -> None:
        self.api, self.anonymous, self.post, self.staff = api, anonymous, post, staff
        self.code = f"cash_{uuid.uuid4().hex[:8]}"
        self.signed_in: dict[str, dict[str, str]] = {}

    async def headers(self, role: str) -> dict[str, str]:
        if role not in self.signed_in:
            self.signed_in[role] = await self.staff.headers(role)
        return self.signed_in[role]

    async def ask(self, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {**await self.headers("credit"), "Idempotency-Key": uuid.uuid4().hex}
        return await self.anonymous.post(path, json=body, headers=headers)

    async def agree(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        asked = await self.ask(path, body)
        assert asked.status_code == 202, asked.text
        decided = await self.staff.decide(asked, await self.headers("risk"))
        assert decided.status_code == 200, decided.text
        found: dict[str, Any] = decided.json()
        return found

    def product(self, **changes: Any) -> dict[str, Any]:
        today = business_day(SystemClock().now()).isoformat()
        return {**PRODUCT, "code": self.code, "effective_from": today} | changes

    async def lend(self) -> tuple[dict[str, Any], str]:
        """Return a borrower and the id of a loan of 12,000.00, as an application makes it."""
        await self.agree("/v1/loan-products", self.product())
        mobile = f"138{uuid.uuid4().int % 10**8:08d}"
        body = {"name": "李雷", "mobile": mobile, "account_class": 3}
        borrower: dict[str, Any] = (await self.post("/v1/customers", body)).json()
        loan_id, account = uuid7(), read_account(borrower["account"], field="account")

        async def open_loan(uow: UnitOfWork) -> lending.Loan:
            terms = lending.LoanTerms(
                principal=12_000_00,
                rate=120_000,
                count=12,
                method=lending.Method.LEVEL_PAYMENT,
                use="household",
            )
            return await lending.open_loan(
                uow,
                terms,
                loan_id=loan_id,
                product=self.code,
                customer_id=read_id(CUSTOMER, borrower["id"], field="id"),
                borrower_account_id=account,
                payout_account_id=account,
                rulebook=Rulebook.load(),
                now=SystemClock().now(),
            )

        async with Database(self.api.owner_url, role="huitong_app", size=1) as database:
            await database.run(open_loan)
        return borrower, show_id(LOAN, loan_id)


@pytest.fixture
def branch(api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any) -> Branch:
    return Branch(api, anonymous, post, staff)


async def test_a_borrower_sees_the_loan_repays_early_and_pays_it_off(
    branch: Branch, customer_headers: Any
) -> None:
    borrower, loan = await branch.lend()
    own = await customer_headers(borrower["id"])
    client = branch.anonymous
    listed = await client.get("/v1/loans", headers=own)
    assert [each["id"] for each in listed.json()["data"]] == [loan]
    found = (await client.get(f"/v1/loans/{loan}", headers=own)).json()
    assert (found["state"], found["rate"], found["not_due"]) == ("active", "0.12", yuan("12000.00"))
    assert (found["asset_class"], found["provision"]) == (None, None)
    rows = (await client.get(f"/v1/loans/{loan}/schedule", headers=own)).json()["data"]
    assert len(rows) == 12
    assert rows[0]["interest"] == yuan("120.00")

    async def command(path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {**own, "Idempotency-Key": uuid.uuid4().hex}
        return await client.post(f"/v1/loans/{loan}/{path}", json=body, headers=headers)

    nothing = await command("repayments", {"amount": yuan("1.00")})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "loan_nothing_due")
    early = await command("early-repayments", {"amount": yuan("2000.00")})
    assert early.status_code == 201, early.text
    quote = (await client.get(f"/v1/loans/{loan}/payoff-quote", headers=own)).json()
    assert (quote["principal"], quote["total"]) == (yuan("10000.00"), yuan("10000.00"))
    changed = await command("payoffs", {"amount": yuan("9999.99")})
    assert (changed.status_code, changed.json()["code"]) == (409, "loan_quote_changed")
    paid = await command("payoffs", {"amount": quote["total"]})
    assert paid.status_code == 201, paid.text
    assert (await client.get(f"/v1/loans/{loan}", headers=own)).json()["state"] == "paid_off"

    taken_back = await branch.agree(
        f"/v1/loans/{loan}/reversals", {"event": paid.json()["id"], "reason": "paid by mistake"}
    )
    assert taken_back["approval"]["outcome"]["event"].startswith("lev_")
    told = (await client.get(f"/v1/loans/{loan}/statement", headers=own)).json()["data"]
    kinds = [each["kind"] for each in told]
    assert kinds == ["early_repayment", "early_repayment", "reversal"]
    again = (await client.get(f"/v1/loans/{loan}", headers=own)).json()
    assert (again["state"], again["not_due"]) == ("active", yuan("10000.00"))


async def test_a_loan_is_nobody_elses(branch: Branch, customer_headers: Any) -> None:
    _, loan = await branch.lend()
    stranger = await customer_headers()
    missing = await branch.anonymous.get(f"/v1/loans/loan_{uuid7().hex}", headers=stranger)
    for path in ("", "/schedule", "/statement", "/payoff-quote"):
        seen = await branch.anonymous.get(f"/v1/loans/{loan}{path}", headers=stranger)
        assert (seen.status_code, seen.json()["code"]) == (404, missing.json()["code"])
    headers = {**stranger, "Idempotency-Key": uuid.uuid4().hex}
    tried = await branch.anonymous.post(
        f"/v1/loans/{loan}/repayments", json={"amount": yuan("1.00")}, headers=headers
    )
    assert tried.status_code == 404
    assert (await branch.anonymous.get("/v1/loans", headers=stranger)).json()["data"] == []


async def test_staff_change_a_loan_by_two(branch: Branch) -> None:
    _, loan = await branch.lend()
    await branch.agree(f"/v1/loans/{loan}/charges", {"amount": yuan("30.00"), "reason": "visit"})
    await branch.agree(f"/v1/loans/{loan}/rates", {"rate": "0.06", "reason": "loyal"})
    await branch.agree(
        f"/v1/loans/{loan}/reschedulings", {"easing": "extension", "count": 24, "reason": "asked"}
    )
    reader = await branch.headers("auditor")
    found = (await branch.anonymous.get(f"/v1/loans/{loan}", headers=reader)).json()
    assert (found["fees"], found["asset_class"]) == (yuan("30.00"), "pass")
    rows = (await branch.anonymous.get(f"/v1/loans/{loan}/schedule", headers=reader)).json()["data"]
    assert len(rows) == 24
    assert rows[0]["interest"] == yuan("60.00")
    asked = await branch.ask(f"/v1/loans/{loan}/write-offs", {"reason": "gone"})
    refused = await branch.staff.decide(asked, await branch.headers("risk"))
    assert refused.json()["code"] == "loan_change_refused"


async def test_a_product_outside_the_rulebook_names_the_rule(branch: Branch) -> None:
    refused = await branch.ask("/v1/loan-products", branch.product(rate_max="0.3"))
    assert refused.status_code == 422, refused.text
    problem = refused.json()
    assert (problem["code"], problem["context"]["rule"]) == (
        "loan_product_against_rule",
        "loan.cost.max",
    )
    await branch.agree("/v1/loan-products", branch.product())
    reader = await branch.headers("auditor")
    found = await branch.anonymous.get(f"/v1/loan-products/{branch.code}", headers=reader)
    assert found.json()["data"][0]["rate_max"] == "0.18"
