"""The routes of onboarding over a real server: steps, masks, permissions, decisions."""

import base64
import uuid
from datetime import date
from typing import Any

import httpx
import pytest

from huitong import customers
from huitong.demo.specimens import make_specimen
from huitong.kernel.clock import SystemClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 64).decode()
APPLICATIONS = "/v1/onboarding/applications"


def body_of(seed: int, **changed: Any) -> dict[str, Any]:
    """Return the person of a seed as a body."""
    person = make_specimen(seed, today=date(2026, 11, 23))
    until = person.valid_until_on
    return {
        "name": person.name,
        "sex": "male" if person.sex == "男" else "female",
        "nationality": "CHN",
        "occupation": "教师",
        "address": person.address,
        "mobile": f"1370000{seed:04d}",
        "id_number": person.number,
        "valid_from": person.valid_from_on.isoformat(),
        "valid_until": None if until is None else until.isoformat(),
    } | changed


async def draft(post: Any, seed: int, **changed: Any) -> str:
    """Start an application, save its evidence and return its address."""
    started = await post(APPLICATIONS, {"requested_class": 2, "consent": "consent-1"})
    assert started.status_code == 201, started.text
    path = f"{APPLICATIONS}/{started.json()['id']}"
    saved = await post(f"{path}/person", body_of(seed, **changed))
    assert saved.status_code == 200, saved.text
    for kind in ("id_front", "id_back", "selfie"):
        picture = await post(f"{path}/pictures", {"kind": kind, "content": PNG})
        assert picture.status_code == 200, picture.text
    return path


async def check_without_registries(api: Any, settings_for: Any) -> None:
    """Do what the worker does where nobody outside answers and faces are simulated."""
    settings = settings_for(api.owner_url)
    async with customers.PictureDesk() as desk, Database(api.owner_url, role="huitong_app") as base:
        await customers.check_applications(
            base,
            Vault(load_key_ring(settings.home)),
            customers.EvidenceDesk(
                registries=None, reader=desk, faces=customers.SimulatedFaceComparison()
            ),
            rulebook=Rulebook.load(),
            clock=SystemClock(),
        )


async def test_an_application_goes_from_draft_to_a_customer(
    api: Any, client: httpx.AsyncClient, post: Any, settings_for: Any
) -> None:
    path = await draft(post, 1)
    early = await post(f"{path}/approval", {"in_person": True, "reason": "at the counter"})
    submitted = await post(f"{path}/submission", {})
    assert (early.status_code, early.json()["code"]) == (409, "application_not_pending")
    assert submitted.json()["state"] == "checking"
    late = await post(f"{path}/person", body_of(2))
    assert (late.status_code, late.json()["code"]) == (409, "application_not_draft")
    await check_without_registries(api, settings_for)
    found = (await client.get(path)).json()
    waiting = (await client.get(f"{APPLICATIONS}?state=pending_review")).json()["data"]
    assert found["state"] == "pending_review"
    assert "picture_damaged" in {remark["code"] for remark in found["remarks"]}
    assert [each["id"] for each in waiting] == [found["id"]]
    weak = await post(f"{path}/approval", {"in_person": False, "reason": "he looked honest"})
    assert (weak.status_code, weak.json()["code"]) == (422, "evidence_too_weak")
    approved = await post(f"{path}/approval", {"in_person": True, "reason": "at the counter"})
    shown = approved.json()
    assert (approved.status_code, shown["state"]) == (200, "approved")
    customer = (await client.get(f"/v1/customers/{shown['customer']}")).json()
    body = body_of(1)
    assert (customer["account_class"], customer["mobile"]) == (2, "137****0001")
    assert customer["name"] == shown["applicant"]["name"] != body["name"]
    for text in (approved.text, found, submitted.text, waiting):
        for secret in (body["name"], body["mobile"], body["id_number"], body["address"]):
            assert secret not in str(text)
    again = await post(f"{path}/refusal", {"reason": "too late"})
    assert (again.status_code, again.json()["code"]) == (409, "application_not_pending")


async def test_staff_refuse_an_application(
    api: Any, client: httpx.AsyncClient, post: Any, settings_for: Any
) -> None:
    path = await draft(post, 3)
    await post(f"{path}/submission", {})
    await check_without_registries(api, settings_for)
    refused = await post(f"{path}/refusal", {"reason": "another face"})
    assert (refused.status_code, refused.json()["state"]) == (200, "refused")
    assert refused.json()["customer"] is None
    assert (await client.get(path)).json()["reason"] == "another face"


async def test_what_is_wrong_is_told_at_once_without_repeating_it(post: Any) -> None:
    started = await post(APPLICATIONS, {"requested_class": 1, "consent": "consent-1"})
    path = f"{APPLICATIONS}/{started.json()['id']}"
    saved = await post(f"{path}/person", body_of(4, id_number="110105194912310021"))
    assert {"code": "check_digit_wrong", "field": "id_number", "weight": "refuse"} in saved.json()[
        "remarks"
    ]
    assert "110105194912310021" not in saved.text
    incomplete = await post(f"{path}/submission", {})
    assert (incomplete.status_code, incomplete.json()["code"]) == (422, "application_incomplete")
    assert incomplete.json()["context"] == {"missing": ["id_front", "id_back", "selfie"]}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"sex": "x"}, "sex"),
        ({"nationality": "China"}, "nationality"),
        ({"valid_from": "2026-02-30"}, "valid_from"),
        ({"valid_from": 20260101}, "valid_from"),
        ({"valid_from": "20260101"}, "valid_from"),
        ({"bank_cards": ["1"] * 6}, "bank_cards"),
        ({"guardian": "cus_1"}, "guardian"),
        ({"mobile": "12"}, "mobile"),
    ],
)
async def test_a_malformed_item_is_refused_by_name(
    post: Any, changed: dict[str, Any], field: str
) -> None:
    started = await post(APPLICATIONS, {"requested_class": 1, "consent": "consent-1"})
    path = f"{APPLICATIONS}/{started.json()['id']}"
    refused = await post(f"{path}/person", body_of(5, **changed))
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_field")
    assert refused.json()["field"] == field


@pytest.mark.parametrize("content", ["AAAA", "iVBORw0KGg", "====", "iVBORw0KGgo*"])
async def test_what_is_no_picture_is_refused(post: Any, content: str) -> None:
    started = await post(APPLICATIONS, {"requested_class": 1, "consent": "consent-1"})
    path = f"{APPLICATIONS}/{started.json()['id']}"
    refused = await post(f"{path}/pictures", {"kind": "selfie", "content": content})
    assert (refused.status_code, refused.json()["field"]) == (422, "content")


async def test_applying_and_deciding_are_different_rights(
    api: Any, anonymous: httpx.AsyncClient, post: Any
) -> None:
    path = await draft(post, 6)
    secret = await api.make_key("onboarding:write", "onboarding:read")
    response = await anonymous.post(
        f"{path}/approval",
        json={"in_person": True, "reason": "myself"},
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": uuid.uuid4().hex},
    )
    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")


async def test_one_key_saves_once_and_answers_the_same(post: Any) -> None:
    body = {"requested_class": 1, "consent": "consent-1"}
    key = uuid.uuid4().hex
    first = await post(APPLICATIONS, body, key=key)
    again = await post(APPLICATIONS, body, key=key)
    assert first.content == again.content
    missing = await post(f"{APPLICATIONS}/app_{uuid.uuid4().hex}/submission", {})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_a_passport_and_a_guardian_travel(
    api: Any, client: httpx.AsyncClient, post: Any, settings_for: Any
) -> None:
    guardian_path = await draft(post, 41)
    await post(f"{guardian_path}/submission", {})
    await check_without_registries(api, settings_for)
    opened = await post(f"{guardian_path}/approval", {"in_person": True, "reason": "seen"})
    guardian = opened.json()["customer"]
    started = await post(APPLICATIONS, {"requested_class": 1, "consent": "consent-1"})
    path = f"{APPLICATIONS}/{started.json()['id']}"
    child = body_of(
        42,
        document="passport",
        id_number="AA1234567",
        issuer="SWE",
        nationality="SWE",
        name_latin="ERIKSSON ANNA",
        birth="2020-06-01",
        valid_from="2024-01-01",
        valid_until="2029-01-01",
        guardian=guardian,
    )
    saved = await post(f"{path}/person", child)
    assert saved.status_code == 200, saved.text
    assert "AA1234567" not in saved.text
    consent = {"guardian": guardian, "relation": "parent", "version": 1, "channel": "counter"}
    given = await post(f"{path}/guardian-consent", consent)
    assert given.status_code == 200, given.text
    assert (given.json()["guardian"], given.json()["relation"]) == (guardian, "parent")
    outdated = await post(f"{path}/guardian-consent", consent | {"version": 7})
    assert outdated.json()["code"] == "consent_text_outdated"
    nobody = await post(
        f"{path}/guardian-consent", consent | {"guardian": f"cus_{uuid.uuid4().hex}"}
    )
    assert (nobody.status_code, nobody.json()["code"]) == (409, "guardian_unfit")
    for kind in ("passport", "selfie"):
        assert (await post(f"{path}/pictures", {"kind": kind, "content": PNG})).status_code == 200
    assert (await post(f"{path}/submission", {})).json()["state"] == "checking"
    await check_without_registries(api, settings_for)
    found = (await client.get(path)).json()
    assert found["state"] == "pending_review", found
    approved = await post(f"{path}/approval", {"in_person": True, "reason": "papers seen"})
    customer = approved.json()["customer"]
    closed = await post(f"/v1/customers/{guardian}/close", {"reason": "asked for"})
    assert closed.status_code == 200, closed.text
    held = (await client.get(f"/v1/customers/{customer}/restrictions")).json()["restrictions"]
    assert [each["kind"] for each in held] == ["guardian"]
    again = await post(f"/v1/customers/{customer}/guardian", {"guardian": guardian, "reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "guardian_unfit")
    due = (await client.get("/v1/customer-reviews")).json()["data"]
    assert {each["customer"]: each["reason"] for each in due}[customer] == "guardian_lost"
