"""Partners, lines and sales over HTTP: by two of staff, and drawn on by a customer."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.api.test_loan_application_routes import Applicant, Office, product, yuan

from huitong import ledger
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money


def today() -> str:
    return business_day(SystemClock().now()).isoformat()


@pytest.fixture
async def desk(
    api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any, server_vault: Any
) -> Office:
    """Credit staff with a product that is drawn from lines, at flat costs of nothing."""
    made = Office(api, anonymous, post, staff, server_vault)
    terms = product(made.code) | {"mandatory": [], "line_years": 1, "late_fee": yuan("20.00")}
    await made.agree("/v1/loan-products", terms)
    return made


@pytest.fixture
async def borrower(desk: Office) -> Applicant:
    made = Applicant(desk)
    await made.log_in()
    return made


def partner(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name_zh": "北方银行",
        "name_en": "Bank of the North",
        "effective_from": today(),
        "reason": "decided in the committee",
    } | changes


async def get(desk: Office, path: str, role: str = "credit", **params: Any) -> Any:
    answer = await desk.client.get(path, headers=await desk.headers(role), params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def open_line(desk: Office, borrower: Applicant, **changes: Any) -> str:
    body = {
        "customer": borrower.customer["id"],
        "account": borrower.customer["account"],
        "product": desk.code,
        "amount": yuan("10000.00"),
        "rate": "0.12",
        "ends_on": (business_day(SystemClock().now()) + timedelta(days=300)).isoformat(),
        "reason": "knows the shop",
    } | changes
    agreed = await desk.agree("/v1/loan-lines", body)
    line: str = agreed["approval"]["outcome"]["line"]
    return line


async def read_cost(borrower: Applicant, line: str, amount: str) -> dict[str, Any]:
    """Have what a drawing costs shown for long enough, and return what draws it."""
    wish = {"amount": yuan(amount), "payments": 12, "method": "level_payment", "use": "household"}
    shown = await borrower.do(f"/v1/loan-lines/{line}/drawing-costs", wish)
    assert shown.status_code == 200, shown.text
    statement = shown.json()["statement"]
    items = {each["kind"]: each for each in statement["items"]}
    assert (items["late_fee"]["amount"], items["late_fee"]["each"]) == (None, yuan("20.00"))
    early = await borrower.do(
        f"/v1/loan-lines/{line}/drawings",
        {**wish, "sha256": statement["sha256"], "step_up": f"stp_{uuid7().hex}"},
    )
    assert early.json()["code"] == "cost_statement_not_read"
    await borrower.office.api.run_as_owner(
        "UPDATE lending.drawing_statements SET shown_at = shown_at - interval '1 minute'"
    )
    return {**wish, "sha256": statement["sha256"]}


async def prove(borrower: Applicant, body: dict[str, Any]) -> str:
    act = {
        "kind": "lending.sign",
        "amount": body["amount"],
        "payer": borrower.customer["account"],
        "payee": body["sha256"],
    }
    asked = await borrower.do("/v1/identity/step-ups", {"act": act, "factor": "one_time_code"})
    assert asked.status_code == 201, asked.text
    step_up: str = asked.json()["id"]
    proof = {"code": borrower.read_code()}
    proved = await borrower.do(f"/v1/identity/step-ups/{step_up}/proof", proof)
    assert proved.status_code == 201, proved.text
    return step_up


async def draw(borrower: Applicant, line: str, amount: str) -> httpx.Response:
    """Read what a drawing costs, prove who draws, and draw."""
    path, body = f"/v1/loan-lines/{line}/drawings", await read_cost(borrower, line, amount)
    unproved = await borrower.do(path, body)
    assert (unproved.status_code, unproved.json()["code"]) == (403, "step_up_required")
    body["step_up"] = await prove(borrower, body)
    drawn = await borrower.do(path, body)
    again = await borrower.do(path, body)
    assert again.status_code >= 400
    return drawn


async def test_a_line_is_opened_by_two_drawn_on_and_closed(
    desk: Office, borrower: Applicant, customer_headers: Any
) -> None:
    line = await open_line(desk, borrower)
    drawn = await draw(borrower, line, "6000.00")
    assert drawn.status_code == 201, drawn.text
    assert (drawn.json()["principal"], drawn.json()["state"]) == (yuan("6000.00"), "active")
    own = await desk.client.get("/v1/loan-lines", headers=borrower.headers)
    (shown,) = own.json()["data"]
    assert (shown["used"], shown["available"]) == (yuan("6000.00"), yuan("4000.00"))
    drawings = await desk.client.get(f"/v1/loan-lines/{line}/drawings", headers=borrower.headers)
    assert drawings.json()["data"] == [drawn.json()["id"]]
    body = await read_cost(borrower, line, "4000.01") | {"step_up": f"stp_{uuid7().hex}"}
    beyond = await borrower.do(f"/v1/loan-lines/{line}/drawings", body)
    assert (beyond.status_code, beyond.json()["code"]) == (409, "loan_line_exceeded")
    assert beyond.json()["context"]["available"] == yuan("4000.00")
    stranger = await customer_headers()
    for path in ("", "/drawings"):
        hidden = await desk.client.get(f"/v1/loan-lines/{line}{path}", headers=stranger)
        assert hidden.status_code == 404
    await desk.agree(f"/v1/loan-lines/{line}/closures", {"reason": "asked for"})
    closed = await get(desk, f"/v1/loan-lines/{line}")
    assert (closed["state"], closed["available"]) == ("closed", yuan("0.00"))
    listed = await get(desk, "/v1/loan-lines", customer=borrower.customer["id"])
    assert [each["id"] for each in listed["data"]] == [line]


async def test_lines_are_refused_by_field(desk: Office, borrower: Applicant) -> None:
    body = {"customer": borrower.customer["id"], "account": borrower.customer["account"]}
    body |= {"product": desk.code, "rate": "0.12", "reason": "knows the shop"}
    ends = {"ends_on": "2040-01-01", "amount": yuan("10000.00")}
    refused = await desk.ask("credit", "/v1/loan-lines", {**body, **ends})
    assert (refused.status_code, refused.json()["code"]) == (422, "loan_line_refused")
    nobody = await desk.client.get("/v1/loan-lines", headers=await desk.headers("credit"))
    assert nobody.status_code == 422


async def test_partners_and_agreements_by_two_and_what_moved_with_them(
    desk: Office, borrower: Applicant
) -> None:
    code = f"north_{uuid.uuid4().hex[:8]}"
    await desk.agree("/v1/loan-partners", partner(code))
    share = {"partner": code, "share": "0.3", "loss_share": "0.3", "fee_share": "0.1"}
    terms = {"code": f"joint_{uuid.uuid4().hex[:8]}", "products": [desk.code], "shares": [share]}
    terms |= {"effective_from": today(), "reason": "decided in the committee"}
    refused = await desk.ask(
        "credit", "/v1/loan-agreements", {**terms, "shares": [{**share, "share": "0.29"}]}
    )
    assert refused.json()["code"] == "loan_agreement_against_rule"
    assert refused.json()["context"]["rule"] == "loan.colend.partner.min"
    await desk.agree("/v1/loan-agreements", terms)
    versions = await get(desk, f"/v1/loan-agreements/{terms['code']}", "auditor")
    assert [each["own_share"] for each in versions["data"]] == ["0.7"]
    listed = await get(desk, "/v1/loan-agreements")
    assert terms["code"] in [each["code"] for each in listed["data"]]
    drawn = await draw(borrower, await open_line(desk, borrower), "1000.00")
    assert drawn.status_code == 201, drawn.text
    lenders = await desk.client.get(
        f"/v1/loans/{drawn.json()['id']}/lenders", headers=borrower.headers
    )
    assert lenders.json()["data"] == [
        {"name_zh": "北方银行", "name_en": "Bank of the North", "share": "0.3"}
    ]
    days = {"first": today(), "last": today()}
    statement = await get(desk, f"/v1/loan-partners/{code}/statement", **days)
    assert [each["lent"] for each in statement["data"]] == [yuan("300.00")]
    assert (statement["opening"], statement["closing"]) == (yuan("0.00"), yuan("-300.00"))
    known = await get(desk, "/v1/loan-partners")
    assert code in [each["code"] for each in known["data"]]
    backwards = await desk.client.get(
        f"/v1/loan-partners/{code}/statement",
        params={"first": today(), "last": "2020-01-01"},
        headers=await desk.headers("credit"),
    )
    assert (backwards.status_code, backwards.json()["code"]) == (422, "invalid_field")
    assert backwards.json()["detail"].startswith("last must be at or after")


async def test_loans_are_sold_and_bought_back_by_two(desk: Office, borrower: Applicant) -> None:
    code = f"fund_{uuid.uuid4().hex[:8]}"
    await desk.agree("/v1/loan-partners", partner(code))
    line = await open_line(desk, borrower)
    loan = (await draw(borrower, line, "1000.00")).json()["id"]
    body = {"buyer": code, "loans": [loan], "price_share": "0.98", "reason": "room for others"}
    promised = await desk.ask("credit", "/v1/loan-sales", {**body, "promises_buy_back": True})
    assert promised.json()["code"] == "loan_sale_against_rule"
    asked = await desk.ask("credit", "/v1/loan-sales", body)
    assert asked.status_code == 202, asked.text
    # The buyer has not paid in yet.
    poor = await desk.staff.decide(asked, await desk.headers("risk"))
    assert poor.json()["code"] == "loan_partner_money_refused"
    partners = (await get(desk, "/v1/loan-partners"))["data"]
    (account,) = [each["deposit_account"] for each in partners if each["code"] == code]
    await pay_in(desk, account, "2000.00")
    sold = await desk.agree("/v1/loan-sales", body)
    sale = sold["approval"]["outcome"]["sale"]
    found = await get(desk, f"/v1/loan-sales/{sale}", "auditor")
    assert (found["sale"]["price"], found["data"][0]["loan"]) == (yuan("980.00"), loan)
    again = await desk.ask("credit", "/v1/loan-sales", body)
    assert again.json()["code"] == "loan_sale_refused"
    back = {"loans": [loan], "price_share": "1", "reason": "not as told"}
    await desk.agree(f"/v1/loan-sales/{sale}/buy-backs", back)
    found = await get(desk, f"/v1/loan-sales/{sale}")
    assert found["data"][0]["bought_back_for"] == yuan("1000.00")
    assert sale in [each["id"] for each in (await get(desk, "/v1/loan-sales"))["data"]]


async def pay_in(desk: Office, account: str, amount: str) -> None:
    """Put money of the bank's own into an account."""
    now = SystemClock().now()

    async def post(uow: Any) -> None:
        cash = await ledger.ensure_system_account(
            uow, "tests.cash", chart_code="1002.01", currency="CNY", name="Cash"
        )
        transfer = ledger.Transfer(
            id=uuid7(),
            debit_account_id=cash.id,
            credit_account_id=ledger.read_account(account, field="account"),
            amount=Money.from_json(yuan(amount), field="amount").minor,
            currency="CNY",
            code=int(ledger.TransferCode.TOP_UP),
            effective_on=business_day(now),
        )
        request = ledger.Request(ledger.Entry((transfer,)))
        assert (await ledger.post_entries(uow, [request], now=now))[0].is_posted

    await desk.api.run(post)
