"""Who acts for a business: named and ended by two members of staff."""

import uuid
from typing import Any

import httpx
import pytest

PATH = "/v1/business-users"


@pytest.fixture
async def merchant(post: Any) -> str:
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
    return str(opened.json()["id"])


@pytest.fixture
async def person(post: Any) -> str:
    body = {"name": "李雷", "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    opened = await post("/v1/customers", body)
    assert opened.status_code == 201, opened.text
    return str(opened.json()["id"])


@pytest.fixture
async def maker(staff: Any) -> dict[str, str]:
    headers: dict[str, str] = await staff.headers("operations")
    return headers


async def sign_in_second(staff: Any) -> Any:
    return await staff.sign_in(await staff.person("second", "operations"))


def name(merchant: str, person: str, amount: str = "800.00", **more: Any) -> dict[str, Any]:
    money = {"amount": amount, "currency": more.pop("currency", "CNY")}
    return {**end(merchant, person), "amount_max": money, **more}


def end(merchant: str, person: str) -> dict[str, Any]:
    return {"merchant": merchant, "customer": person, "role": "submitter", "reason": "ticket 4711"}


async def ask(
    http: httpx.AsyncClient, headers: dict[str, str], body: dict[str, Any], path: str = ""
) -> httpx.Response:
    given = {**headers, "Idempotency-Key": uuid.uuid4().hex}
    return await http.post(f"{PATH}{path}", json=body, headers=given)


async def listed(http: httpx.AsyncClient, headers: dict[str, str], merchant: str) -> Any:
    answer = await http.get(PATH, params={"merchant": merchant}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_user_is_named_changed_and_ended_by_two(
    anonymous: httpx.AsyncClient,
    staff: Any,
    merchant: str,
    person: str,
    maker: dict[str, str],
) -> None:
    checker = await sign_in_second(staff)
    asked = await ask(anonymous, maker, name(merchant, person))
    assert await listed(anonymous, maker, merchant) == []
    alone = await staff.decide(asked, maker)
    assert alone.status_code == 403
    assert (await staff.decide(asked, checker)).status_code == 200
    named = {"merchant": merchant, "customer": person, "role": "submitter"}
    limit = {"amount": "800.00", "currency": "CNY"}
    assert await listed(anonymous, maker, merchant) == [{**named, "amount_max": limit}]
    more = await ask(anonymous, checker, name(merchant, person, "900.00"))
    assert (await staff.decide(more, maker)).status_code == 200
    limit["amount"] = "900.00"
    assert await listed(anonymous, maker, merchant) == [{**named, "amount_max": limit}]
    ending = await ask(anonymous, maker, end(merchant, person), "/end")
    assert (await staff.decide(ending, checker)).status_code == 200
    assert await listed(anonymous, maker, merchant) == []
    again = await ask(anonymous, maker, end(merchant, person), "/end")
    assert (again.status_code, again.json()["code"]) == (404, "business_user_not_found")


async def test_bad_requests_are_refused_before_somebody_decides(
    anonymous: httpx.AsyncClient, merchant: str, person: str, maker: dict[str, str]
) -> None:
    nobody = f"cus_{uuid.uuid4().hex}"
    bad: list[tuple[dict[str, Any], int, str | None]] = [
        (name(merchant, nobody), 404, None),
        (name(f"mer_{uuid.uuid4().hex}", person), 404, None),
        (name(merchant, person, "0.00"), 422, "amount_max"),
        (name(merchant, person, "-1.00"), 422, "amount_max"),
        (name(merchant, person, "1.001"), 422, "amount_max"),
        (name(merchant, person, "1.00", currency="USD"), 422, "amount_max"),
        (name(merchant, person, role="owner"), 422, "role"),
        (name(merchant, person, reason=""), 422, "reason"),
    ]
    for body, status, field in bad:
        answer = await ask(anonymous, maker, body)
        assert answer.status_code == status, (body, answer.text)
        assert field is None or field in answer.text
    assert await listed(anonymous, maker, merchant) == []
    cursor = await anonymous.get(
        PATH, params={"merchant": merchant, "cursor": "AAAA"}, headers=maker
    )
    assert (cursor.status_code, cursor.json()["field"]) == (422, "cursor")


async def test_nobody_names_themselves(
    anonymous: httpx.AsyncClient,
    staff: Any,
    merchant: str,
    person: str,
    maker: dict[str, str],
) -> None:
    insider = await staff.person("insider", "operations", customer=person)
    own = await staff.sign_in(insider)
    assert (await ask(anonymous, own, name(merchant, person))).status_code == 403
    asked = await ask(anonymous, maker, name(merchant, person))
    assert (await staff.decide(asked, own)).status_code == 403
    assert await listed(anonymous, maker, merchant) == []


async def test_a_list_goes_on_where_its_page_ended(
    anonymous: httpx.AsyncClient,
    staff: Any,
    merchant: str,
    person: str,
    maker: dict[str, str],
) -> None:
    checker = await sign_in_second(staff)
    for role in ("submitter", "approver"):
        each = await ask(anonymous, maker, name(merchant, person, role=role))
        assert (await staff.decide(each, checker)).status_code == 200
    roles, cursor = [], None
    for _ in range(2):
        params = {"merchant": merchant, "limit": "1", **({"cursor": cursor} if cursor else {})}
        page = (await anonymous.get(PATH, params=params, headers=maker)).json()
        roles += [each["role"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert (roles, cursor) == (["approver", "submitter"], None)
