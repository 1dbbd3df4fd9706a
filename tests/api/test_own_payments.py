"""Customers who pay from their own account with a session, over a real server."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from huitong.api.logged_in import ANTI_FORGERY_HEADER, COOKIE

PIN = "802753"
#: More than one factor may pay in a day (1,000 yuan); and the sum that two may.
LARGE = "1500.00"


def yuan(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


@dataclass
class Payer:
    """A customer with 100,000 yuan, logged in, with a payment PIN; and whom they pay."""

    http: httpx.AsyncClient
    headers: dict[str, str]
    customer: str
    account: str
    payee: str
    payee_mobile: str

    def body(self, amount: str, **more: Any) -> dict[str, Any]:
        return {"payer": self.account, "payee": self.payee, "amount": yuan(amount), **more}

    async def pay(self, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        headers = {**self.headers, "Idempotency-Key": key or uuid.uuid4().hex}
        return await self.http.post("/v1/payments", json=body, headers=headers)

    async def step_up(self, of: str, **act: Any) -> str:
        """Prove the PIN for a payment; returns the step-up's id."""
        wanted = {
            "kind": "payments.pay",
            "amount": yuan(of),
            "payer": self.account,
            "payee": self.payee,
            **act,
        }
        begun = await self.http.post(
            "/v1/identity/step-ups", json={"act": wanted, "factor": "pin"}, headers=self.headers
        )
        assert begun.status_code == 201, begun.text
        proved = await self.http.post(
            f"/v1/identity/step-ups/{begun.json()['id']}/proof",
            json={"pin": PIN},
            headers=self.headers,
        )
        assert proved.status_code == 201, proved.text
        found: str = begun.json()["id"]
        return found

    async def balance(self) -> str:
        answer = await self.http.get(f"/v1/accounts/{self.account}/balance", headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: str = answer.json()["balance"]["amount"]
        return found


@pytest.fixture
def new_payer(
    api: Any,
    anonymous: httpx.AsyncClient,
    post: Any,
    customer_headers: Callable[..., Awaitable[dict[str, str]]],
) -> Callable[[], Awaitable[Payer]]:
    async def make() -> Payer:
        bodies = [
            {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
            for name in ("甲", "乙")
        ]
        payer, payee = [(await post("/v1/customers", body)).json() for body in bodies]
        await api.fund(payer["account"], 10_000_000)
        headers = await customer_headers(payer["id"])
        pin = await anonymous.put("/v1/identity/pin", json={"pin": PIN}, headers=headers)
        assert pin.status_code == 204, pin.text
        return Payer(
            anonymous, headers, payer["id"], payer["account"], payee["account"], bodies[1]["mobile"]
        )

    return make


NewPayer = Callable[[], Awaitable[Payer]]


async def test_a_small_payment_needs_no_more_than_the_session(new_payer: NewPayer) -> None:
    payer = await new_payer()
    paid = await payer.pay(payer.body("12.34"))
    assert paid.status_code == 201, paid.text
    assert await payer.balance() == "99987.66"


async def test_a_large_one_asks_for_a_proof_and_keeps_no_answer_until_it_has_one(
    api: Any, new_payer: NewPayer
) -> None:
    payer = await new_payer()
    before = await api.count()
    asked = await payer.pay(payer.body(LARGE), key="k-1")
    assert (asked.status_code, asked.json()["code"]) == (403, "step_up_required")
    # Who logged in with a code must prove something else than a code again.
    assert asked.json()["context"]["factors"] == ["pin", "passkey"]
    assert await api.count() == before
    proof = await payer.step_up(LARGE)
    paid = await payer.pay(payer.body(LARGE, step_up=proof), key="k-1")
    assert paid.status_code == 201, paid.text
    again = await payer.pay(payer.body(LARGE, step_up=proof), key="k-1")
    assert (again.status_code, again.content) == (201, paid.content)
    assert await payer.balance() == "98500.00"


async def test_a_proof_pays_once(new_payer: NewPayer) -> None:
    payer = await new_payer()
    proof = await payer.step_up(LARGE)
    assert (await payer.pay(payer.body(LARGE, step_up=proof))).status_code == 201
    second = await payer.pay(payer.body(LARGE, step_up=proof))
    assert (second.status_code, second.json()["code"]) == (422, "step_up_refused")
    assert await payer.balance() == "98500.00"


async def test_a_proof_pays_once_however_many_bring_it_at_the_same_time(
    new_payer: NewPayer,
) -> None:
    payer = await new_payer()
    proof = await payer.step_up(LARGE)
    answers = await asyncio.gather(
        *(payer.pay(payer.body(LARGE, step_up=proof)) for _ in range(12))
    )
    assert sorted(each.status_code for each in answers) == [201] + [422] * 11
    assert {each.json()["code"] for each in answers if each.status_code == 422} == {
        "step_up_refused"
    }
    assert await payer.balance() == "98500.00"


@pytest.mark.parametrize(
    "made_for",
    [
        pytest.param({"amount": yuan("1500.01")}, id="another amount"),
        pytest.param({"payee": "acct_100000000190"}, id="another payee"),
        pytest.param({"payer": "acct_100000000190"}, id="another payer"),
    ],
)
async def test_a_proof_is_good_for_its_own_payment(
    new_payer: NewPayer, made_for: dict[str, Any]
) -> None:
    payer = await new_payer()
    proof = await payer.step_up(LARGE, **made_for)
    refused = await payer.pay(payer.body(LARGE, step_up=proof))
    assert (refused.status_code, refused.json()["code"]) == (422, "step_up_refused")
    assert await payer.balance() == "100000.00"


async def test_a_proof_of_another_session_or_none_is_refused(new_payer: NewPayer) -> None:
    one, two = await new_payer(), await new_payer()
    theirs = await two.step_up(LARGE, payer=one.account, payee=one.payee)
    made_up = f"sup_{uuid.uuid4().hex}"
    for proof in (theirs, made_up):
        refused = await one.pay(one.body(LARGE, step_up=proof))
        assert refused.status_code == 422, refused.text
    begun = await one.http.post(
        "/v1/identity/step-ups",
        json={
            "act": {
                "kind": "payments.pay",
                "amount": yuan(LARGE),
                "payer": one.account,
                "payee": one.payee,
            },
            "factor": "pin",
        },
        headers=one.headers,
    )
    unproved = await one.pay(one.body(LARGE, step_up=begun.json()["id"]))
    assert (unproved.status_code, unproved.json()["code"]) == (422, "step_up_refused")
    assert await one.balance() == "100000.00"


async def test_a_payee_by_mobile_number_is_proved_by_that_number(new_payer: NewPayer) -> None:
    payer = await new_payer()
    proof = await payer.step_up(LARGE, payee=payer.payee_mobile)
    body = {
        "payer": payer.account,
        "payee_mobile": payer.payee_mobile,
        "amount": yuan(LARGE),
        "step_up": proof,
    }
    paid = await payer.pay(body)
    assert paid.status_code == 201, paid.text
    assert await payer.balance() == "98500.00"


async def test_what_one_factor_pays_in_a_day_is_capped_without_a_proof(
    new_payer: NewPayer,
) -> None:
    payer = await new_payer()
    for _ in range(2):
        assert (await payer.pay(payer.body("400.00"))).status_code == 201
    over = await payer.pay(payer.body("400.00"))
    assert (over.status_code, over.json()["code"]) == (422, "day_limit_exceeded")
    assert await payer.balance() == "99200.00"
    proof = await payer.step_up("400.00")
    assert (await payer.pay(payer.body("400.00", step_up=proof))).status_code == 201
    assert await payer.balance() == "98800.00"


async def test_nobody_spends_what_is_somebody_elses(api: Any, new_payer: NewPayer) -> None:
    one, two = await new_payer(), await new_payer()
    theirs = await one.pay({**one.body("1.00"), "payer": two.account, "payee": one.account})
    unknown = await one.pay({**one.body("1.00"), "payer": "acct_100000000190"})
    assert (theirs.status_code, theirs.json()["code"]) == (404, "account_not_found")
    for member in ("status", "code", "title", "detail", "field"):
        assert theirs.json()[member] == unknown.json()[member]
    assert await two.balance() == "100000.00"


async def test_a_guardian_spends_a_wards_money_with_their_own_session_only(
    api: Any, new_payer: NewPayer
) -> None:
    guardian, child, stranger = await new_payer(), await new_payer(), await new_payer()
    await api.run_as_owner(
        f"""
        UPDATE customers.customers SET capacity = 'none' WHERE id = '{child.customer[4:]}';
        INSERT INTO customers.minors (customer_id, guardian_id, relation, checked_on)
        VALUES ('{child.customer[4:]}', '{guardian.customer[4:]}', 'parent', current_date)
        """
    )
    for_child = {**child.body("5.00"), "guardian": guardian.customer}
    alone = await child.pay(child.body("5.00"))
    assert (alone.status_code, alone.json()["code"]) == (409, "guardian_must_act")
    # Knowing who the guardian is does not make a child the guardian, nor anybody else.
    for who in (child, stranger):
        refused = await who.pay(for_child)
        assert (refused.status_code, refused.json()["code"]) == (404, "account_not_found")
    own_name = await stranger.pay({**child.body("5.00"), "guardian": stranger.customer})
    assert (own_name.status_code, own_name.json()["code"]) == (404, "account_not_found")
    assert await child.balance() == "100000.00"
    paid = await guardian.pay(for_child)
    assert paid.status_code == 201, paid.text
    assert await child.balance() == "99995.00"


async def test_a_session_that_ended_pays_nothing(new_payer: NewPayer) -> None:
    payer = await new_payer()
    out = await payer.http.post("/v1/identity/log-out", headers=payer.headers)
    assert out.status_code == 204
    refused = await payer.pay(payer.body("1.00"))
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    made_up = {"Authorization": f"Bearer hts_{'A' * 43}", "Idempotency-Key": "k-9"}
    strange = await payer.http.post("/v1/payments", json=payer.body("1.00"), headers=made_up)
    assert (strange.status_code, strange.json()["code"]) == (401, "not_authenticated")


async def test_a_cookie_alone_pays_nothing(api: Any, new_payer: NewPayer) -> None:
    payer = await new_payer()
    token = payer.headers["Authorization"].removeprefix("Bearer ")
    headers = {"Cookie": f"{COOKIE}={token}", "Idempotency-Key": "k-2"}
    async with httpx.AsyncClient(base_url=api.url, timeout=20) as browser:
        refused = await browser.post("/v1/payments", json=payer.body("1.00"), headers=headers)
        assert refused.json()["code"] == "anti_forgery_header_missing", refused.text
        paid = await browser.post(
            "/v1/payments", json=payer.body("1.00"), headers={**headers, ANTI_FORGERY_HEADER: "1"}
        )
    assert paid.status_code == 201, paid.text


async def test_a_key_brings_no_step_up(post: Any, new_payer: NewPayer) -> None:
    payer = await new_payer()
    answer = await post("/v1/payments", payer.body("1.00", step_up=f"sup_{uuid.uuid4().hex}"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    assert answer.json()["field"] == "step_up"


async def test_customers_and_keys_pay_in_one_batch(post: Any, new_payer: NewPayer) -> None:
    """Each is judged by what it brought, though they are posted together."""
    payers = [await new_payer() for _ in range(3)]
    others = [await new_payer() for _ in range(3)]
    proofs = [await each.step_up(LARGE) for each in payers]
    large = [each.body(LARGE, step_up=p) for each, p in zip(payers, proofs, strict=True)]
    answers = await asyncio.gather(
        *(each.pay(body) for each, body in zip(payers, large, strict=True)),
        *(each.pay(each.body("10.00")) for each in others),
        *(post("/v1/payments", each.body("2000.00")) for each in payers),
        *(each.pay(body) for each, body in zip(payers, large, strict=True)),
    )
    codes = [each.status_code for each in answers]
    assert codes[3:9] == [201] * 6
    for first, second in zip(codes[:3], codes[9:], strict=True):
        assert sorted((first, second)) == [201, 422]
    for each in payers:
        assert await each.balance() == "96500.00"
    for each in others:
        assert await each.balance() == "99990.00"


async def test_what_was_paid_with_two_factors_counts_against_the_cap_of_one(
    new_payer: NewPayer,
) -> None:
    payer = await new_payer()
    proof = await payer.step_up(LARGE)
    assert (await payer.pay(payer.body(LARGE, step_up=proof))).status_code == 201
    over = await payer.pay(payer.body("1.00"))
    assert (over.status_code, over.json()["code"]) == (422, "day_limit_exceeded")
    proof = await payer.step_up("1.00")
    assert (await payer.pay(payer.body("1.00", step_up=proof))).status_code == 201
