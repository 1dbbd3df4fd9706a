"""Staff over HTTP: two factors, two people, and nobody who gets more than their role."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

COOKIE = "__Host-huitong_staff"
FORGERY = {"X-Huitong-Anti-Forgery": "1"}
PASSWORD = "chestnut river 南山南"


def once(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Idempotency-Key": uuid.uuid4().hex}


async def open_customer(post: Any) -> dict[str, Any]:
    body = {
        "name": "李雷",
        "mobile": f"13{uuid.uuid4().int % 10**9:09d}",
        "account_class": 1,
        "currency": "CNY",
    }
    answer = await post("/v1/customers", body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def freeze(client: httpx.AsyncClient, account: str, headers: dict[str, str]) -> Any:
    return await client.post(
        f"/v1/accounts/{account}/freeze",
        json={"scope": "all", "reason": "court order"},
        headers=once(headers),
    )


async def state_of(client: httpx.AsyncClient, account: str) -> str:
    return (await client.get(f"/v1/accounts/{account}")).json()["state"]


async def test_a_freeze_by_staff_waits_for_somebody_else(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    account = (await open_customer(post))["account"]
    maker, checker = await staff.headers("operations"), await staff.headers("risk")
    asked = await freeze(anonymous, account, maker)
    assert asked.status_code == 202, asked.text
    request = asked.json()
    assert request["payload"] == {"account": account, "state": "FROZEN"}
    assert request["state"] == "pending"
    assert await state_of(client, account) == "open"
    own = await staff.decide(asked, maker)
    assert (own.status_code, own.json()["code"]) == (403, "own_request")
    decided = await staff.decide(asked, checker)
    assert decided.status_code == 200, decided.text
    assert decided.json()["approval"]["state"] == "approved"
    assert decided.json()["secret"] is None
    assert await state_of(client, account) == "frozen"
    again = await staff.decide(asked, checker)
    assert (again.status_code, again.json()["code"]) == (409, "approval_decided")


async def test_a_key_with_the_scope_freezes_at_once_as_before(
    client: httpx.AsyncClient, post: Any
) -> None:
    account = (await open_customer(post))["account"]
    answer = await freeze(client, account, {})
    assert (answer.status_code, answer.json()["state"]) == (200, "frozen")


async def test_two_checkers_at_once_decide_once(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    account = (await open_customer(post))["account"]
    asked = await freeze(anonymous, account, await staff.headers("operations"))
    checkers = [await staff.headers(role) for role in ("risk", "compliance")]
    answers = await asyncio.gather(*(staff.decide(asked, each) for each in checkers))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await state_of(client, account) == "frozen"


async def test_the_same_request_sent_twice_is_one_request(
    anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    account = (await open_customer(post))["account"]
    headers = once(await staff.headers("operations"))
    body = {"scope": "all", "reason": "court order"}
    path = f"/v1/accounts/{account}/freeze"
    answers = [await anonymous.post(path, json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("role", ["service", "credit", "product", "auditor", "administrator"])
async def test_roles_without_the_right_ask_for_nothing(
    anonymous: httpx.AsyncClient, post: Any, staff: Any, api: Any, role: str
) -> None:
    account = (await open_customer(post))["account"]
    headers = await staff.headers(role)
    answer = await freeze(anonymous, account, headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


async def test_nobody_freezes_their_own_account_as_staff(
    anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    mine = await open_customer(post)
    me = await staff.person("insider", "operations", customer=mine["id"])
    answer = await freeze(anonymous, mine["account"], await staff.sign_in(me))
    assert (answer.status_code, answer.json()["code"]) == (403, "own_record")


async def pay_checkout(api: Any, post: Any) -> tuple[str, str]:
    """Return a paid order of 60 yuan, and the payer's customer id."""
    payer = await open_customer(post)
    await api.fund(payer["account"], 10_000)
    merchant = {
        "name": "三味书屋",
        "name_latin": "SANWEI BOOKS",
        "city_latin": "SHAOXING",
        "category_code": "5942",
        "fee_rate": "0.006",
    }
    paid_to = (await post("/v1/merchants", merchant)).json()["id"]
    order = {"merchant": paid_to, "amount": {"amount": "60.00", "currency": "CNY"}}
    checkout = (await post("/v1/checkouts", order)).json()["id"]
    paid = await post(f"/v1/checkouts/{checkout}/pay", {"payer": payer["account"]})
    assert paid.status_code == 200, paid.text
    return checkout, payer["id"]


async def test_a_refund_by_staff_is_paid_once_when_two_agreed(
    api: Any, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    payment, payer = await pay_checkout(api, post)
    clerk, checker = await staff.headers("service"), await staff.headers("operations")
    path = f"/v1/payments/{payment}/refunds"
    no_reason = await anonymous.post(path, json={}, headers=once(clerk))
    assert (no_reason.status_code, no_reason.json()["field"]) == (422, "reason")
    asked = await anonymous.post(path, json={"reason": "returned"}, headers=once(clerk))
    assert asked.json()["payload"]["amount"] == {"amount": "60.00", "currency": "CNY"}
    assert (await client.get(path)).json()["data"] == []
    insider = await staff.person("payer", "operations", customer=payer)
    own = await staff.decide(asked, await staff.sign_in(insider))
    assert (own.status_code, own.json()["code"]) == (403, "own_record")
    decided = await asyncio.gather(*(staff.decide(asked, checker) for _ in range(2)))
    assert sorted(each.status_code for each in decided) == [200, 409]
    (refund,) = (await client.get(path)).json()["data"]
    assert refund["amount"] == {"amount": "60.00", "currency": "CNY"}


async def test_a_refund_above_the_clerks_limit_is_not_even_asked_for(
    api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    payment, _ = await pay_checkout(api, post)
    body = {"amount": {"amount": "5000.01", "currency": "CNY"}, "reason": "returned"}
    answer = await anonymous.post(
        f"/v1/payments/{payment}/refunds",
        json=body,
        headers=once(await staff.headers("service")),
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "amount_above_limit")


async def test_what_the_ledger_refuses_stays_open_and_is_rejected(
    api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    payment, _ = await pay_checkout(api, post)
    clerk, checker = await staff.headers("service"), await staff.headers("operations")
    body = {"amount": {"amount": "60.01", "currency": "CNY"}, "reason": "returned"}
    asked = await anonymous.post(f"/v1/payments/{payment}/refunds", json=body, headers=once(clerk))
    refused = await staff.decide(asked, checker)
    assert (refused.status_code, refused.json()["code"]) == (409, "refund_exceeds_payment")
    path = f"/v1/staff/approvals/{asked.json()['id']}"
    assert (await anonymous.get(path, headers=clerk)).json()["state"] == "pending"
    rejected = await anonymous.post(f"{path}/reject", json={"reason": "too much"}, headers=checker)
    assert rejected.json()["state"] == "rejected"


async def test_a_forged_digest_approves_nothing(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    account = (await open_customer(post))["account"]
    asked = await freeze(anonymous, account, await staff.headers("operations"))
    answer = await anonymous.post(
        f"/v1/staff/approvals/{asked.json()['id']}/approve",
        json={"digest": "0" * 64, "reason": "checked"},
        headers=await staff.headers("risk"),
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "approval_altered")
    assert await state_of(client, account) == "open"


async def test_api_keys_are_issued_by_two_and_shown_once(
    anonymous: httpx.AsyncClient, staff: Any, api: Any
) -> None:
    maker, checker = await staff.administrators()
    body = {"name": "till", "scopes": ["customers:read"], "reason": "contract"}
    asked = await anonymous.post("/v1/api-keys", json=body, headers=once(maker))
    own = await staff.decide(asked, maker)
    assert own.json()["code"] == "own_request"
    decided = await staff.decide(asked, checker)
    secret = decided.json()["secret"]
    assert secret.startswith("htk_")
    key = {"Authorization": f"Bearer {secret}"}
    assert (await anonymous.get("/v1/customers", headers=key)).status_code == 200
    listed = await anonymous.get("/v1/api-keys?limit=100", headers=maker)
    assert secret not in listed.text
    kept = await api.run(
        lambda uow: uow.fetch_value(
            "SELECT string_agg(convert_from(body, 'UTF8'), ' ') FROM kernel.replies"
        )
    )
    assert secret not in (kept or "")
    key_id = decided.json()["approval"]["outcome"]["key"]
    assert key_id in listed.text
    asked = await anonymous.post(
        f"/v1/api-keys/{key_id}/revoke", json={"reason": "over"}, headers=once(maker)
    )
    assert (await staff.decide(asked, checker)).status_code == 200


async def test_an_unknown_scope_or_merchant_is_refused_when_it_is_asked_for(
    anonymous: httpx.AsyncClient, staff: Any
) -> None:
    maker, _ = await staff.administrators()
    body = {"name": "till", "scopes": ["staff:write"], "reason": "more"}
    answer = await anonymous.post("/v1/api-keys", json=body, headers=once(maker))
    assert (answer.status_code, answer.json()["field"]) == (422, "scopes")
    body = {
        "name": "till",
        "scopes": ["payments:read"],
        "merchant": f"mer_{uuid.uuid4().hex}",
        "reason": "contract",
    }
    answer = await anonymous.post("/v1/api-keys", json=body, headers=once(maker))
    assert answer.status_code in (404, 422)


async def test_nobody_raises_themselves(anonymous: httpx.AsyncClient, staff: Any) -> None:
    maker, checker = await staff.administrators()
    me = (await staff.person("admin")).id
    body = {"roles": ["operations"], "reason": "why not"}
    own = await anonymous.post(f"/v1/staff/members/{me}/roles", json=body, headers=once(maker))
    assert (own.status_code, own.json()["code"]) == (403, "own_record")
    asked = await anonymous.post(f"/v1/staff/members/{me}/roles", json=body, headers=once(checker))
    about_me = await staff.decide(asked, maker)
    assert (about_me.status_code, about_me.json()["code"]) == (403, "own_record")
    clerk = await staff.headers("service")
    answer = await anonymous.post(
        f"/v1/staff/members/{(await staff.person('service')).id}/roles",
        json={"roles": ["administrator"], "reason": "please"},
        headers=once(clerk),
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


async def test_a_suspended_member_is_out_at_the_next_request(
    anonymous: httpx.AsyncClient, staff: Any
) -> None:
    maker, _ = await staff.administrators()
    who = await staff.person("leaver", "product")
    session = await staff.sign_in(who)
    assert (await anonymous.get("/v1/staff/me", headers=session)).status_code == 200
    answer = await anonymous.post(
        f"/v1/staff/members/{who.id}/suspend", json={"reason": "lost laptop"}, headers=maker
    )
    assert answer.json()["state"] == "suspended"
    assert (await anonymous.get("/v1/staff/me", headers=session)).status_code == 401
    body = {"email": who.email, "password": PASSWORD, **who.next_code()}
    refused = await anonymous.post("/v1/staff/sessions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (401, "log_in_refused")


async def test_new_roles_count_from_the_next_session(
    anonymous: httpx.AsyncClient, staff: Any
) -> None:
    maker, checker = await staff.administrators()
    who = await staff.person("mover", "product")
    session = await staff.sign_in(who)
    asked = await anonymous.post(
        f"/v1/staff/members/{who.id}/roles",
        json={"roles": ["risk"], "reason": "new team"},
        headers=once(maker),
    )
    assert (await staff.decide(asked, checker)).status_code == 200
    assert (await anonymous.get("/v1/staff/me", headers=session)).status_code == 401
    fresh = await staff.sign_in(who)
    assert (await anonymous.get("/v1/staff/me", headers=fresh)).json()["roles"] == ["risk"]


async def test_the_answer_is_one_for_unknown_addresses_wrong_passwords_and_wrong_codes(
    anonymous: httpx.AsyncClient, staff: Any
) -> None:
    who = await staff.person("risk", "risk")
    answers = [
        await anonymous.post("/v1/staff/sessions", json=body)
        for body in (
            {"email": "nobody@bank.example", "password": PASSWORD, "code": "123456"},
            {"email": who.email, "password": "not the password", "code": "123456"},
            {"email": who.email, "password": PASSWORD, "code": "000000"},
        )
    ]
    shown = [{k: v for k, v in each.json().items() if k != "request_id"} for each in answers]
    assert [each.status_code for each in answers] == [401] * 3
    assert shown[0] == shown[1] == shown[2]


@pytest.mark.parametrize(
    "body",
    [
        {"code": "123456", "recovery_code": "ABCD-EFGH-IJKL-MNOP"},
        {},
    ],
)
async def test_a_sign_in_has_exactly_one_second_factor(
    anonymous: httpx.AsyncClient, body: dict[str, str]
) -> None:
    answer = await anonymous.post(
        "/v1/staff/sessions", json={"email": "a@bank.example", "password": PASSWORD, **body}
    )
    assert answer.status_code == 422


async def test_a_cookie_needs_our_header_and_is_always_a_new_one(
    anonymous: httpx.AsyncClient, staff: Any
) -> None:
    who = await staff.person("compliance", "compliance")
    planted = f"hst_{'x' * 43}"
    body = {"email": who.email, "password": PASSWORD, "delivery": "cookie"}
    missing = await anonymous.post("/v1/staff/sessions", json={**body, **who.next_code()})
    assert (missing.status_code, missing.json()["code"]) == (403, "anti_forgery_header_missing")
    answer = await anonymous.post(
        "/v1/staff/sessions",
        json={**body, **who.next_code()},
        headers={**FORGERY, "Cookie": f"{COOKIE}={planted}"},
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["token"] is None
    set_cookie = answer.headers["set-cookie"]
    for part in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"):
        assert part in set_cookie
    value = set_cookie.split(";")[0].partition("=")[2]
    assert value not in ("", planted)
    cookie = {"Cookie": f"{COOKIE}={value}"}
    anonymous.cookies.clear()
    alone = await anonymous.get("/v1/staff/me", headers=cookie)
    assert (alone.status_code, alone.json()["code"]) == (403, "anti_forgery_header_missing")
    assert (await anonymous.get("/v1/staff/me", headers={**cookie, **FORGERY})).status_code == 200
    out = await anonymous.post("/v1/staff/sign-out", headers={**cookie, **FORGERY})
    assert (out.status_code, out.headers["clear-site-data"]) == (204, '"cache"')
    assert (await anonymous.get("/v1/staff/me", headers={**cookie, **FORGERY})).status_code == 401


async def test_a_session_of_one_door_opens_nothing_behind_the_other(
    anonymous: httpx.AsyncClient, staff: Any, customer_headers: Any
) -> None:
    member, customer = await staff.headers("operations"), await customer_headers()
    answer = await anonymous.get("/v1/identity/sessions", headers=member)
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
    answer = await anonymous.get("/v1/staff/me", headers=customer)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    token = customer["Authorization"].removeprefix("Bearer ")
    cookie = {"Cookie": f"{COOKIE}={token}", **FORGERY}
    assert (await anonymous.get("/v1/staff/me", headers=cookie)).status_code == 401


async def test_a_customer_reads_what_is_their_own_and_nothing_else(
    anonymous: httpx.AsyncClient, post: Any, customer_headers: Any
) -> None:
    mine, theirs = await open_customer(post), await open_customer(post)
    me = await customer_headers(mine["id"])
    for path, status in (
        (f"/v1/customers/{mine['id']}", 200),
        (f"/v1/accounts/{mine['account']}", 200),
        (f"/v1/accounts/{mine['account']}/balance", 200),
        (f"/v1/accounts/{mine['account']}/statement", 200),
        (f"/v1/payments?account={mine['account']}", 200),
        (f"/v1/customers/{theirs['id']}", 404),
        (f"/v1/accounts/{theirs['account']}", 404),
        (f"/v1/accounts/{theirs['account']}/statement", 404),
        (f"/v1/payments?account={theirs['account']}", 404),
        ("/v1/customers", 403),
        ("/v1/ledger/trial-balance", 403),
    ):
        answer = await anonymous.get(path, headers=me)
        assert answer.status_code == status, (path, answer.text)


async def test_lists_members_in_pages_and_auditors_see_every_request(
    anonymous: httpx.AsyncClient, staff: Any
) -> None:
    maker, _ = await staff.administrators()
    await staff.person("product", "product")
    seen: list[str] = []
    cursor = ""
    for _ in range(40):
        page = await anonymous.get(f"/v1/staff/members?limit=2{cursor}", headers=maker)
        assert page.status_code == 200, page.text
        seen += [each["id"] for each in page.json()["data"]]
        if page.json()["next_cursor"] is None:
            break
        cursor = f"&cursor={page.json()['next_cursor']}"
    assert len(seen) == len(set(seen)) >= 3
    auditor, clerk = await staff.headers("auditor"), await staff.headers("product")
    all_of_them = await anonymous.get("/v1/staff/approvals", headers=auditor)
    assert len(all_of_them.json()["data"]) >= 2
    mine = await anonymous.get("/v1/staff/approvals?pending=true", headers=clerk)
    assert mine.json()["data"] == []


async def test_withdraws_only_what_one_asked_for(
    anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    account = (await open_customer(post))["account"]
    maker, other = await staff.headers("operations"), await staff.headers("risk")
    asked = (await freeze(anonymous, account, maker)).json()
    path = f"/v1/staff/approvals/{asked['id']}/withdraw"
    refused = await anonymous.post(path, json={"reason": "mistake"}, headers=other)
    assert (refused.status_code, refused.json()["code"]) == (404, "approval_not_found")
    done = await anonymous.post(path, json={"reason": "mistake"}, headers=maker)
    assert done.json()["state"] == "withdrawn"


async def test_no_name_or_address_is_in_the_trail_or_in_kept_answers(api: Any, staff: Any) -> None:
    await staff.person("risk", "risk")
    text = await api.run(
        lambda uow: uow.fetch_value(
            "SELECT (SELECT string_agg(CAST(a AS text), ' ') FROM kernel.audit a) || ' ' || "
            "(SELECT string_agg(convert_from(body, 'UTF8'), ' ') FROM kernel.replies)"
        )
    )
    assert "risk@bank.example" not in text
    assert "stf_" in text
