"""Applications for loans over HTTP: from the first step to the money, and what people decide."""

import re
import uuid
from typing import Any

import httpx
import pytest

from huitong import identity
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.ids import CUSTOMER, read_id, uuid7

ORDER = ["fee", "penalty", "interest", "principal"]
PATH = "/v1/loan-applications"


def yuan(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def product(code: str) -> dict[str, Any]:
    return {
        "code": code,
        "effective_from": business_day(SystemClock().now()).isoformat(),
        "name_zh": "现金贷",
        "name_en": "Cash loan",
        "purpose": "consumer",
        "uses": ["household"],
        "payees": ["borrower"],
        "amount_min": yuan("1000.00"),
        "amount_max": yuan("200000.00"),
        "count_min": 1,
        "count_max": 12,
        "rate_min": "0.03",
        "rate_max": "0.18",
        "month": "30",
        "methods": ["level_payment"],
        "penalty_share": "0.5",
        "order": ORDER,
        "order_bad": ORDER[::-1],
        "mandatory": ["monthly_income"],
        "reason": "decided in the committee",
    }


class Office:
    """Credit staff, and applicants with telephones."""

    def __init__(self, api: Any, client: httpx.AsyncClient, post: Any, staff: Any, vault: Any):
        self.api, self.client, self.post, self.staff, self.vault = api, client, post, staff, vault
        self.code = f"cash_{uuid.uuid4().hex[:8]}"
        self.signed_in: dict[str, dict[str, str]] = {}

    async def sell(self) -> None:
        """Bring the product live by two people."""
        await self.agree("/v1/loan-products", product(self.code))

    async def headers(self, role: str) -> dict[str, str]:
        if role not in self.signed_in:
            self.signed_in[role] = await self.staff.headers(role)
        return self.signed_in[role]

    async def ask(self, role: str, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {**await self.headers(role), "Idempotency-Key": uuid.uuid4().hex}
        return await self.client.post(path, json=body, headers=headers)

    async def agree(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        asked = await self.ask("credit", path, body)
        assert asked.status_code == 202, asked.text
        decided = await self.staff.decide(asked, await self.headers("risk"))
        assert decided.status_code == 200, decided.text
        found: dict[str, Any] = decided.json()
        return found


class Applicant:
    """A customer who applies by telephone."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.mobile = f"138{uuid.uuid4().int % 10**8:08d}"
        self.headers: dict[str, str] = {}
        self.customer: dict[str, Any] = {}
        self.application = ""

    async def log_in(self) -> None:
        office = self.office
        body = {"name": "李雷", "mobile": self.mobile, "account_class": 3}
        self.customer = (await office.post("/v1/customers", body)).json()
        await office.api.run(
            lambda uow: identity.open_login(
                uow,
                vault=office.vault,
                login_id=uuid7(),
                audience=identity.Audience.CUSTOMER,
                subject_id=read_id(CUSTOMER, self.customer["id"], field="id"),
                mobile=self.mobile,
                now=SystemClock().now(),
            )
        )
        asked = await office.client.post("/v1/identity/codes", json={"mobile": self.mobile})
        body = {"code_id": asked.json()["id"], "code": self.read_code()}
        answer = await office.client.post("/v1/identity/sessions/by-code", json=body)
        self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    def read_code(self) -> str:
        return re.findall("[0-9]{6}", str(self.office.api.sms.read_last(self.mobile)))[0]

    async def do(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        headers = {**self.headers, "Idempotency-Key": key or uuid.uuid4().hex}
        where = path if path.startswith("/") else f"{PATH}/{self.application}/{path}"
        return await self.office.client.post(where, json=body or {}, headers=headers)

    async def read(self, path: str = "") -> dict[str, Any]:
        where = f"{PATH}/{self.application}{path}"
        answer = await self.office.client.get(where, headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def apply(self, amount: str = "12000.00") -> httpx.Response:
        """Begin, fill in, consent and hand in."""
        await self.begin(amount)
        return await self.do("submission")

    async def begin(self, amount: str) -> None:
        """Begin, fill in and consent."""
        begun = await self.do(PATH, {"product": self.office.code})
        assert begun.status_code == 201, begun.text
        self.application = begun.json()["id"]
        wish = {"amount": yuan(amount), "payments": 12, "use": "household"}
        filled = await self.do("details", {"wish": wish, "monthly_income": yuan("9000.00")})
        assert filled.status_code == 200, filled.text
        await self.consent()

    async def consent(self) -> None:
        """Agree to a credit report."""
        consent = {"purpose": "credit_report_query", "version": 1, "channel": "app"}
        given = await self.do(f"/v1/privacy/customers/{self.customer['id']}/consents", consent)
        assert given.status_code == 201, given.text

    async def read_cost(self) -> dict[str, Any]:
        """Be shown the statement, and have it stay shown for long enough."""
        shown = await self.do("cost-statement")
        assert shown.status_code == 200, shown.text
        statement: dict[str, Any] = shown.json()
        early = await self.do("reading", {"sha256": statement["sha256"]})
        assert early.json()["code"] == "cost_statement_not_read"
        await self.office.api.run_as_owner(
            "UPDATE lending.applications "
            "SET statement_shown_at = statement_shown_at - interval '1 minute'"
        )
        read = await self.do("reading", {"sha256": statement["sha256"]})
        assert read.status_code == 200, read.text
        return statement

    async def prove(self, sha256: str) -> str:
        application = await self.read()
        act = {
            "kind": "lending.sign",
            "amount": application["offer"]["amount"],
            "payer": self.customer["account"],
            "payee": sha256,
        }
        asked = await self.do("/v1/identity/step-ups", {"act": act, "factor": "one_time_code"})
        assert asked.status_code == 201, asked.text
        step_up: str = asked.json()["id"]
        proof = {"code": self.read_code()}
        proved = await self.do(f"/v1/identity/step-ups/{step_up}/proof", proof)
        assert proved.status_code == 201, proved.text
        return step_up


@pytest.fixture
async def office(
    api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any, server_vault: Any
) -> Office:
    made = Office(api, anonymous, post, staff, server_vault)
    await made.sell()
    return made


@pytest.fixture
async def applicant(office: Office) -> Applicant:
    made = Applicant(office)
    await made.log_in()
    return made


OFFER = {"limit": yuan("12000.00"), "rate": "0.12", "reason": "knows the shop"}


async def test_from_the_application_to_the_money(applicant: Applicant) -> None:
    office = applicant.office
    handed_in = await applicant.apply()
    assert handed_in.status_code == 200, handed_in.text
    assert handed_in.json()["stage"] == "review"
    assert all(each["zh"] and each["en"] for each in handed_in.json()["reasons"])

    queue = await office.client.get(PATH, headers=await office.headers("credit"))
    assert applicant.application in [each["id"] for each in queue.json()["data"]]
    offered = await office.ask("credit", f"{PATH}/{applicant.application}/offer", OFFER)
    assert (offered.status_code, offered.json()["stage"]) == (200, "offered"), offered.text

    unread = await office.client.get(
        f"{PATH}/{applicant.application}/contract", headers=applicant.headers
    )
    assert unread.json()["code"] == "cost_statement_not_read"
    statement = await applicant.read_cost()
    assert (statement["total_cost"], statement["nominal_rate"]) == (yuan("794.23"), "0.1200")
    contract = await applicant.read("/contract")
    assert contract["contract"]["terms"]["principal"] == 12_000_00

    key = uuid.uuid4().hex
    unproved = await applicant.do("signature", {"sha256": contract["sha256"]}, key=key)
    assert (unproved.status_code, unproved.json()["code"]) == (403, "step_up_required")
    step_up = await applicant.prove(contract["sha256"])
    body = {"sha256": contract["sha256"], "step_up": step_up}
    signed = await applicant.do("signature", body, key=key)
    assert (signed.status_code, signed.json()["stage"]) == (200, "lent"), signed.text
    again = await applicant.do("signature", body, key=key)
    assert again.content == signed.content
    used = await applicant.do("signature", body)
    assert used.json()["code"] == "step_up_refused"

    loan = await office.client.get(f"/v1/loans/{signed.json()['loan']}", headers=applicant.headers)
    assert loan.json()["not_due"] == yuan("12000.00")
    balance = await office.client.get(
        f"/v1/accounts/{applicant.customer['account']}/balance", headers=applicant.headers
    )
    assert balance.json()["balance"] == yuan("12000.00")
    told = (await applicant.read("/history"))["data"]
    assert [each["step"] for each in told][-2:] == ["statement_read", "signed"]
    assert not any(each["details"] for each in told)


async def test_a_proof_is_good_for_one_contract_only(applicant: Applicant) -> None:
    await applicant.apply()
    await applicant.office.ask("credit", f"{PATH}/{applicant.application}/offer", OFFER)
    await applicant.read_cost()
    contract = await applicant.read("/contract")
    step_up = await applicant.prove("0" * 64)
    body = {"sha256": contract["sha256"], "step_up": step_up}
    refused = await applicant.do("signature", body)
    assert refused.json()["code"] == "step_up_refused"
    assert (await applicant.read())["stage"] == "offered"


async def test_a_large_offer_takes_two_people(applicant: Applicant) -> None:
    office = applicant.office
    await applicant.apply("60000.00")
    path = f"{PATH}/{applicant.application}"
    large = {**OFFER, "limit": yuan("50000.01")}
    alone = await office.ask("credit", f"{path}/offer", large)
    assert (alone.status_code, alone.json()["code"]) == (409, "loan_second_person_needed")
    assert (await applicant.read())["stage"] == "review"
    done = await office.agree(f"{path}/offer-requests", large)
    assert done["approval"]["outcome"] == {"stage": "offered"}
    found = await applicant.read()
    assert (found["offer"]["amount"], found["is_counter_offer"]) == (yuan("50000.01"), True)


async def test_a_person_refuses_with_words_and_there_is_no_appeal(applicant: Applicant) -> None:
    await applicant.apply()
    body = {"reason_zh": "经营时间太短", "reason_en": "The shop is too new"}
    path = f"{PATH}/{applicant.application}"
    refused = await applicant.office.ask("credit", f"{path}/refusal", body)
    assert (refused.status_code, refused.json()["stage"]) == (200, "refused"), refused.text
    assert (await applicant.read())["reasons"][0]["zh"] == "经营时间太短"
    appealed = await applicant.do("appeal", {"words": "请再看一次"})
    assert appealed.json()["code"] == "loan_appealed_already"


async def test_an_application_is_nobody_elses(applicant: Applicant, customer_headers: Any) -> None:
    await applicant.apply()
    client, stranger = applicant.office.client, await customer_headers()
    for path in ("", "/history", "/contract"):
        seen = await client.get(f"{PATH}/{applicant.application}{path}", headers=stranger)
        assert (seen.status_code, seen.json()["code"]) == (404, "loan_application_not_found")
    applicant.headers = stranger
    for path, body in (
        ("submission", {}),
        ("withdrawal", {}),
        ("cost-statement", {}),
        ("reading", {"sha256": "0" * 64}),
        ("signature", {"sha256": "0" * 64}),
        ("appeal", {"words": "please"}),
    ):
        tried = await applicant.do(path, body)
        assert (tried.status_code, tried.json()["code"]) == (404, "loan_application_not_found")


async def test_bad_input_names_its_field_and_changes_nothing(applicant: Applicant) -> None:
    begun = await applicant.do(PATH, {"product": applicant.office.code})
    applicant.application = begun.json()["id"]
    before = await applicant.read()
    wish = {"amount": yuan("12.00"), "payments": 12, "use": "household"}
    for body, field in (
        ({"wish": wish}, "principal"),
        ({"monthly_income": yuan("0.00")}, "monthly_income"),
        ({"facts": {"monthly_income": "1"}}, "facts.monthly_income"),
    ):
        refused = await applicant.do("details", body)
        assert refused.status_code == 422, refused.text
        assert refused.json()["field"] == field
    early = await applicant.do("submission")
    assert early.json()["code"] == "loan_application_incomplete"
    unknown = await applicant.do(PATH, {"product": "nothing"})
    assert unknown.status_code == 404
    assert await applicant.read() == before
