"""What staff see of people over HTTP, and what becomes of those who look at too much."""

import base64
import uuid
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest

from huitong import customers, privacy
from huitong.demo.specimens import Specimen, make_specimen
from huitong.identity import AccessPolicy
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.rulebook import Rulebook

SEARCH = "/v1/staff/customers/search"
APPLICATIONS = "/v1/onboarding/applications"
CALL = {"purpose": "customer_service", "reason": "客户来电核对手机号"}
CHECK = {"purpose": "identity_check", "reason": "证件照复核"}


def once(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Idempotency-Key": uuid.uuid4().hex}


def picture(kind: str) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + kind.encode() * 9_000


def mobile_of(seed: int) -> str:
    return f"1360000{seed:04d}"


def specimen(seed: int) -> Specimen:
    return make_specimen(seed, today=date(2026, 11, 23))


async def apply(post: Any, seed: int) -> str:
    """Hand in the application of a seed, and return its id."""
    person = specimen(seed)
    started = await post(APPLICATIONS, {"requested_class": 3, "consent": "consent-1"})
    path = f"{APPLICATIONS}/{started.json()['id']}"
    until = person.valid_until_on
    body = {
        "name": person.name,
        "sex": "male" if person.sex == "男" else "female",
        "nationality": "CHN",
        "occupation": "教师",
        "address": person.address,
        "mobile": mobile_of(seed),
        "id_number": person.number,
        "valid_from": person.valid_from_on.isoformat(),
        "valid_until": None if until is None else until.isoformat(),
    }
    assert (await post(f"{path}/person", body)).status_code == 200
    for kind in ("id_front", "id_back", "selfie"):
        content = base64.b64encode(picture(kind)).decode()
        await post(f"{path}/pictures", {"kind": kind, "content": content})
    assert (await post(f"{path}/submission", {})).status_code == 200
    application: str = started.json()["id"]
    return application


@pytest.fixture
async def waiting(api: Any, post: Any, server_vault: privacy.Vault) -> Any:
    """Return the id of an application that waits for staff, because nobody outside answers."""

    async def make(seed: int) -> str:
        application = await apply(post, seed)
        async with (
            customers.PictureDesk() as desk,
            Database(api.owner_url, role="huitong_app") as database,
        ):
            await customers.check_applications(
                database,
                server_vault,
                customers.EvidenceDesk(
                    registries=None, reader=desk, faces=customers.SimulatedFaceComparison()
                ),
                rulebook=Rulebook.load(),
                clock=SystemClock(),
            )
        return application

    return make


async def open_customers(post: Any, first: int, count: int) -> list[str]:
    opened = []
    for seed in range(first, first + count):
        body = {"name": "李雷", "mobile": mobile_of(seed), "account_class": 1, "currency": "CNY"}
        answer = await post("/v1/customers", body)
        assert answer.status_code == 201, answer.text
        opened.append(answer.json()["id"])
    return opened


async def scan(api: Any) -> list[tuple[str, str]]:
    """Do what the worker does each minute; return rule and viewer of the alerts."""
    raised = await api.run(lambda uow: privacy.scan_access(uow, now=SystemClock().now()))
    return [(alert.rule, alert.viewer) for alert in raised]


async def looks(api: Any, viewer: str) -> list[tuple[str, bool, bool]]:
    """Return kind, whether somebody was found, and whether there was work on them."""

    async def read(uow: Any) -> list[tuple[str, bool, bool]]:
        rows = await uow.execute(
            "SELECT kind, subject_id, is_related FROM privacy.lookups WHERE viewer = :viewer "
            "ORDER BY id",
            viewer=viewer,
        )
        return [(row.kind, row.subject_id is not None, row.is_related) for row in rows]

    found: list[tuple[str, bool, bool]] = await api.run(read)
    return found


async def test_a_search_shows_masks_and_leaves_no_number_behind(
    api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    (customer,) = await open_customers(post, 1, 1)
    who = await staff.person("risk", "risk")
    session = await staff.sign_in(who)
    found = await anonymous.post(SEARCH, json={"mobile": mobile_of(1)}, headers=session)
    assert found.status_code == 200, found.text
    (record,) = found.json()["data"]
    assert record["customer"]["id"] == customer
    assert (record["customer"]["name"], record["customer"]["mobile"]) == ("李*", "136****0001")
    assert record["identity"] is None
    nobody = await anonymous.post(SEARCH, json={"mobile": "13600009999"}, headers=session)
    assert (nobody.status_code, nobody.json()) == (200, {"data": []})
    assert await looks(api, who.id) == [("search", True, False), ("search", False, False)]
    stored = await api.run(
        lambda uow: uow.fetch_value(
            "SELECT string_agg(CAST(l AS text), ' ') FROM privacy.lookups l"
        )
    )
    assert mobile_of(1) not in stored


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"mobile": "13600000001", "id_number": "110101199003070011"}, "body"),
        ({"mobile": "1360000"}, "mobile"),
        ({"id_number": "110101199003070012"}, "id_number"),
        ({"id_number": "小明"}, "id_number"),
    ],
)
async def test_a_search_that_is_none_names_the_field_and_records_nothing(
    api: Any, anonymous: httpx.AsyncClient, staff: Any, body: dict[str, str], field: str
) -> None:
    who = await staff.person("credit", "credit")
    if "credit" not in sessions:
        sessions["credit"] = await staff.sign_in(who)
    answer = await anonymous.post(SEARCH, json=body, headers=sessions["credit"])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    assert answer.json().get("field", "body") == field
    assert await looks(api, who.id) == []


#: Sessions of members who are asked for in several cases of one test.
sessions: dict[str, dict[str, str]] = {}


async def test_the_record_of_an_applicant_is_seen_masked_then_whole_then_in_pictures(
    api: Any, anonymous: httpx.AsyncClient, waiting: Any, staff: Any
) -> None:
    application, person = await waiting(20), specimen(20)
    who = await staff.person("reviewer", "operations")
    session = await staff.sign_in(who)
    path = f"/v1/staff/applications/{application}"

    shown = await anonymous.post(f"{path}/disclosures", json=CHECK, headers=session)
    assert shown.status_code == 200, shown.text
    assert {each["field"]: each["value"] for each in shown.json()["data"]} == {
        "name": person.name,
        "mobile": mobile_of(20),
        "id_number": person.number,
        "address": person.address,
    }
    assert all(each["whole"] for each in shown.json()["data"])
    front = await anonymous.post(
        f"{path}/pictures", json={**CHECK, "kind": "id_front"}, headers=session
    )
    assert base64.b64decode(front.json()["content"]) == picture("id_front")
    assert front.headers["cache-control"] == "no-store"
    # Somebody waits for a decision, so looking at them is work.
    assert await looks(api, who.id) == [("view", True, True), ("view", True, True)]
    recorded = await api.run(lambda uow: privacy.list_disclosures(uow, viewer=who.id))
    assert [each.fields for each in recorded] == [
        ("customers.picture_parts.id_front",),
        tuple(
            f"customers.applications.person.{member}"
            for member in ("address", "id_number", "mobile", "name")
        ),
    ]
    assert {each.reason for each in recorded} == {CHECK["reason"]}
    assert {each.role for each in recorded} == {"operations"}


async def test_a_customer_who_came_in_person_is_opened_by_two_and_found_by_number(
    anonymous: httpx.AsyncClient, post: Any, waiting: Any, staff: Any
) -> None:
    application, person = await waiting(21), specimen(21)
    maker = await staff.sign_in(await staff.person("counter", "operations"))
    checker = await staff.sign_in(await staff.person("compliance", "compliance"))
    asked = await anonymous.post(
        f"{APPLICATIONS}/{application}/approval",
        json={"in_person": True, "reason": "at the counter"},
        headers=once(maker),
    )
    assert asked.status_code == 202, asked.text
    own = await staff.decide(asked, maker)
    assert (own.status_code, own.json()["code"]) == (403, "own_request")
    decided = await staff.decide(asked, checker)
    assert decided.json()["approval"]["outcome"] == {
        "application": application,
        "state": "approved",
    }
    found = await anonymous.post(SEARCH, json={"id_number": person.number}, headers=checker)
    (record,) = found.json()["data"]
    assert record["customer"]["account_class"] == 3
    assert record["identity"]["in_person"] is True
    assert person.number not in found.text
    assert person.address not in found.text
    customer = record["customer"]["id"]
    again = await anonymous.get(f"/v1/staff/customers/{customer}", headers=maker)
    assert again.json() == record
    whole = await anonymous.post(
        f"/v1/staff/customers/{customer}/disclosures",
        json={"purpose": "aml_investigation", "reason": "可疑交易"},
        headers=checker,
    )
    values = {each["field"]: each["value"] for each in whole.json()["data"]}
    assert values == {
        "name": person.name,
        "mobile": mobile_of(21),
        "id_number": person.number,
        "address": person.address,
    }
    selfie = await anonymous.post(
        f"/v1/staff/customers/{customer}/pictures",
        json={"kind": "selfie", "purpose": "aml_investigation", "reason": "可疑交易"},
        headers=checker,
    )
    assert base64.b64decode(selfie.json()["content"]) == picture("selfie")

    # Once the relationship has ended, the numbers lead to nobody; the record stays.
    closed = await post(f"/v1/customers/{customer}/close", {"reason": "asked for"})
    assert closed.status_code == 200, closed.text
    for number in ({"id_number": person.number}, {"mobile": mobile_of(21)}):
        ended = await anonymous.post(SEARCH, json=number, headers=checker)
        assert ended.json() == {"data": []}
    kept = await anonymous.get(f"/v1/staff/customers/{customer}", headers=maker)
    assert kept.json()["identity"] is None


async def test_a_role_sees_whole_what_its_purpose_needs_and_no_pictures_for_service(
    api: Any, anonymous: httpx.AsyncClient, waiting: Any, staff: Any
) -> None:
    application, person = await waiting(22), specimen(22)
    who = await staff.person("service", "service")
    session = await staff.sign_in(who)
    path = f"/v1/staff/applications/{application}"
    shown = await anonymous.post(f"{path}/disclosures", json=CALL, headers=session)
    values = {each["field"]: (each["value"], each["whole"]) for each in shown.json()["data"]}
    assert values["name"] == (person.name, True)
    assert values["id_number"][1] is False
    assert person.number not in shown.text
    other = {"purpose": "aml_investigation", "reason": "curious"}
    masked = await anonymous.post(f"{path}/disclosures", json=other, headers=session)
    assert not any(each["whole"] for each in masked.json()["data"])
    before = len(await api.run(lambda uow: privacy.list_disclosures(uow, viewer=who.id)))
    refused = await anonymous.post(
        f"{path}/pictures", json={**CALL, "kind": "selfie"}, headers=session
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "not_shown_whole")
    assert len(await api.run(lambda uow: privacy.list_disclosures(uow, viewer=who.id))) == before
    for body, field in (
        ({**CALL, "purpose": "gossip"}, "purpose"),
        ({**CALL, "reason": "  "}, "reason"),
        ({"purpose": "customer_service"}, "reason"),
    ):
        bad = await anonymous.post(f"{path}/disclosures", json=body, headers=session)
        assert (bad.status_code, bad.json()["field"]) == (422, field)


async def test_nobody_looks_at_their_own_record_and_the_search_is_recorded_all_the_same(
    api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    (mine,) = await open_customers(post, 30, 1)
    who = await staff.person("insider", "service", customer=mine)
    session = await staff.sign_in(who)
    answers = [
        await anonymous.post(SEARCH, json={"mobile": mobile_of(30)}, headers=session),
        await anonymous.get(f"/v1/staff/customers/{mine}", headers=session),
        await anonymous.post(f"/v1/staff/customers/{mine}/disclosures", json=CALL, headers=session),
    ]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (403, "own_record")
    ] * 3
    assert await looks(api, who.id) == [("search", True, False)]


async def test_who_goes_through_numbers_is_cut_and_sees_nobody_until_another_one_lifts_it(
    api: Any, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    (customer,) = await open_customers(post, 40, 1)
    account = (await client.get(f"/v1/customers/{customer}")).json()["account"]
    who = await staff.person("enumerator", "service")
    session = await staff.sign_in(who)
    for seed in range(40, 46):
        answer = await anonymous.post(SEARCH, json={"mobile": mobile_of(seed)}, headers=session)
        assert answer.status_code == 200
    assert ("sequence", who.id) in await scan(api)

    closed = [
        await anonymous.post(SEARCH, json={"mobile": mobile_of(40)}, headers=session),
        await anonymous.get(f"/v1/staff/customers/{customer}", headers=session),
        await anonymous.post(
            f"/v1/staff/customers/{customer}/disclosures", json=CALL, headers=session
        ),
        await anonymous.get("/v1/customers", headers=session),
        await anonymous.get("/v1/customers", params={"mobile": mobile_of(40)}, headers=session),
        await anonymous.get(f"/v1/customers/{customer}", headers=session),
        await anonymous.get(f"/v1/customers/{customer}/limits", headers=session),
        await anonymous.get(f"/v1/accounts/{account}", headers=session),
        await anonymous.get(f"/v1/accounts/{account}/balance", headers=session),
        await anonymous.get(f"/v1/accounts/{account}/statement", headers=session),
        await anonymous.get(f"{APPLICATIONS}?limit=1", headers=session),
    ]
    assert [(each.status_code, each.json()["code"]) for each in closed] == [
        (403, "viewer_cut")
    ] * len(closed)
    assert all("136****0040" not in each.text for each in closed)
    # What shows nobody goes on, and so do colleagues.
    assert (await anonymous.get("/v1/staff/me", headers=session)).status_code == 200
    colleague = await staff.sign_in(await staff.person("colleague", "service"))
    seen = await anonymous.get(f"/v1/staff/customers/{customer}", headers=colleague)
    assert seen.status_code == 200

    async with Database(api.owner_url, role="huitong_app", size=1) as database:
        await database.run(
            lambda uow: privacy.lift_cut(
                uow, viewer=who.id, reason="a training list", now=SystemClock().now()
            ),
            Caller(actor="cli:wang"),
        )
    lifted = await anonymous.get(f"/v1/staff/customers/{customer}", headers=session)
    assert lifted.status_code == 200


async def test_who_reads_many_people_whole_without_work_on_them_is_cut(
    api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    people = await open_customers(post, 60, 10)
    who = await staff.person("reader", "service")
    session = await staff.sign_in(who)
    for customer in people[:9]:
        answer = await anonymous.post(
            f"/v1/staff/customers/{customer}/disclosures", json=CALL, headers=session
        )
        assert answer.status_code == 200
    assert ("unrelated", who.id) not in await scan(api)
    path = f"/v1/staff/customers/{people[9]}/disclosures"
    assert (await anonymous.post(path, json=CALL, headers=session)).status_code == 200
    assert ("unrelated", who.id) in await scan(api)
    refused = await anonymous.post(path, json=CALL, headers=session)
    assert (refused.status_code, refused.json()["code"]) == (403, "viewer_cut")


async def test_reading_those_who_ask_about_their_data_is_work(
    api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    people = await open_customers(post, 80, 2)
    who = await staff.person("helper", "service")
    session = await staff.sign_in(who)
    asked = await post(f"/v1/privacy/customers/{people[0]}/requests", {"kind": "delete"})
    assert asked.status_code == 201, asked.text
    for customer in people:
        await anonymous.get(f"/v1/staff/customers/{customer}", headers=session)
    assert await looks(api, who.id) == [("view", True, True), ("view", True, False)]


async def test_staff_who_ask_for_something_themselves_make_nobody_their_work(
    api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    (customer,) = await open_customers(post, 90, 1)
    maker, checker = (
        await staff.person("asker", "operations"),
        await staff.person("decider", "operations"),
    )
    sessions = [await staff.sign_in(each) for each in (maker, checker)]
    asked = await anonymous.post(
        f"/v1/customers/{customer}/freeze",
        json={"scope": "debits", "reason": "court order"},
        headers=once(sessions[0]),
    )
    assert asked.status_code == 202, asked.text
    for session in sessions:
        await anonymous.get(f"/v1/customers/{customer}", headers=session)
    assert await looks(api, maker.id) == [("view", True, False)]
    assert await looks(api, checker.id) == [("view", True, True)]


async def test_looking_at_somebodys_money_or_consents_is_looking_at_them(
    api: Any, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    (customer,) = await open_customers(post, 93, 1)
    account = (await client.get(f"/v1/customers/{customer}")).json()["account"]
    who = await staff.person("auditor", "auditor")
    session = await staff.sign_in(who)
    paths = [
        f"/v1/accounts/{account}",
        f"/v1/accounts/{account}/balance",
        f"/v1/accounts/{account}/statement",
        f"/v1/customers/{customer}/limits",
        f"/v1/privacy/customers/{customer}/consents",
        f"/v1/privacy/customers/{customer}/requests",
        f"/v1/privacy/customers/{customer}/disclosures",
    ]
    for path in paths:
        answer = await anonymous.get(path, headers=session)
        assert answer.status_code == 200, answer.text
    assert await looks(api, who.id) == [("view", True, False)] * len(paths)


async def test_a_page_of_customers_is_a_look_at_each_of_them(
    api: Any, anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    await open_customers(post, 95, 3)
    who = await staff.person("browser", "service")
    session = await staff.sign_in(who)
    page = await anonymous.get("/v1/customers?limit=3", headers=session)
    assert len(page.json()["data"]) == 3
    assert await looks(api, who.id) == [("view", True, False)] * 3


async def test_partners_keys_search_and_see_without_being_watched_as_staff(
    api: Any, client: httpx.AsyncClient, post: Any
) -> None:
    (customer,) = await open_customers(post, 99, 1)
    before = await api.run(lambda uow: uow.fetch_value("SELECT count(*) FROM privacy.lookups"))
    assert (await client.get(f"/v1/customers/{customer}")).status_code == 200
    after = await api.run(lambda uow: uow.fetch_value("SELECT count(*) FROM privacy.lookups"))
    assert before == after
    refused = await client.get(f"/v1/staff/customers/{customer}")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")


@pytest.mark.parametrize("bound", ["own_branch", "own_cases"])
async def test_a_role_that_is_bound_to_its_own_sees_nobody(  # noqa: PLR0917 - fixtures
    api: Any,
    anonymous: httpx.AsyncClient,
    post: Any,
    staff: Any,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
) -> None:
    (customer,) = await open_customers(post, 110 if bound == "own_branch" else 111, 1)
    mobile = mobile_of(110 if bound == "own_branch" else 111)
    who = await staff.person(bound, "service")
    session = await staff.sign_in(who)
    policy = AccessPolicy.load()
    service = replace(policy.roles["service"], **{bound: frozenset({"people:read"})})
    bounded = replace(policy, roles={**policy.roles, "service": service})
    monkeypatch.setattr("huitong.identity.access._load", lambda: bounded)
    answers = [
        await anonymous.get(f"/v1/staff/customers/{customer}", headers=session),
        await anonymous.post(SEARCH, json={"mobile": mobile}, headers=session),
        await anonymous.post(SEARCH, json={"mobile": "13600009998"}, headers=session),
    ]
    code = {"own_branch": "not_own_branch", "own_cases": "not_own_case"}[bound]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(403, code)] * 3
    assert await looks(api, who.id) == [("search", True, False), ("search", False, False)]


async def test_who_was_suspended_sees_nobody(
    anonymous: httpx.AsyncClient, post: Any, staff: Any
) -> None:
    (customer,) = await open_customers(post, 100, 1)
    maker, _ = await staff.administrators()
    who = await staff.person("leaver", "service")
    session = await staff.sign_in(who)
    await anonymous.post(
        f"/v1/staff/members/{who.id}/suspend", json={"reason": "lost laptop"}, headers=maker
    )
    answer = await anonymous.get(f"/v1/staff/customers/{customer}", headers=session)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("act", "body", "state"),
    [
        ("freeze", {"scope": "all", "reason": "court order"}, "frozen"),
        ("freeze", {"scope": "debits", "reason": "court order"}, "debits_frozen"),
        ("close", {"reason": "asked for by the customer"}, "closed"),
    ],
)
async def test_what_staff_do_to_a_customers_money_takes_two(  # noqa: PLR0917 - fixtures
    client: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    post: Any,
    staff: Any,
    act: str,
    body: dict[str, str],
    state: str,
) -> None:
    answer = await post(
        "/v1/customers",
        {"name": "李雷", "mobile": f"135{uuid.uuid4().int % 10**8:08d}", "account_class": 1},
    )
    customer, account = answer.json()["id"], answer.json()["account"]
    for name, role in (("maker", "operations"), ("checker", "compliance")):
        if name not in sessions:
            sessions[name] = await staff.sign_in(await staff.person(name, role))
    path = f"/v1/customers/{customer}/{act}"
    asked = await anonymous.post(path, json=body, headers=once(sessions["maker"]))
    assert asked.status_code == 202, asked.text
    assert (await client.get(f"/v1/accounts/{account}")).json()["state"] == "open"
    own = await staff.decide(asked, sessions["maker"])
    assert (own.status_code, own.json()["code"]) == (403, "own_request")
    decided = await staff.decide(asked, sessions["checker"])
    assert decided.json()["approval"]["outcome"] == {"customer": customer}, decided.text
    assert (await client.get(f"/v1/accounts/{account}")).json()["state"] == state
    if act == "freeze":
        lift = await anonymous.post(
            f"/v1/customers/{customer}/unfreeze",
            json={"reason": "lifted"},
            headers=once(sessions["checker"]),
        )
        assert (await staff.decide(lift, sessions["maker"])).status_code == 200
        assert (await client.get(f"/v1/accounts/{account}")).json()["state"] == "open"


async def test_a_clerk_opens_nobody_past_the_evidence(
    anonymous: httpx.AsyncClient, staff: Any
) -> None:
    session = await staff.sign_in(await staff.person("opener", "operations"))
    body = {"name": "李雷", "mobile": "13500000000", "account_class": 3}
    answer = await anonymous.post("/v1/customers", json=body, headers=once(session))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
