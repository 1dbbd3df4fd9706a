"""Businesses over a real server."""

from dataclasses import replace
from datetime import date
from typing import Any

import httpx

from huitong.api import create_app
from huitong.customers import CompanyRecord, RegistrySimulator, Shareholder
from huitong.demo.specimens import make_specimen
from huitong.kernel.clock import SystemClock
from huitong.kernel.serving import serve_inside

CODE = "91350100M000100Y43"
OTHER_CODE = "91310000MA1K00015N"
THIRD_CODE = "91310000345678917E"
TODAY = date(2026, 11, 23)


def body_of(**changed: Any) -> dict[str, Any]:
    first, second = make_specimen(21, today=TODAY), make_specimen(22, today=TODAY)
    return {
        "name": "三味书屋",
        "name_latin": "SANWEI BOOKS",
        "city_latin": "SHAOXING",
        "category_code": "5942",
        "fee_rate": "0.006",
        "credit_code": CODE,
        "legal_representative": "first",
        "people": [
            {"key": "first", "name": first.name, "id_number": first.number},
            {"key": "second", "name": second.name, "id_number": second.number},
        ],
        "stakes": [
            {"owner": "first", "owned": "甲公司", "share": "1"},
            {"owner": "甲公司", "owned": CODE, "share": "0.75"},
            {"owner": "second", "owned": CODE, "share": "0.25"},
        ],
        "documents": [
            {"kind": "business_licence", "reference": "licence-1", "valid_until": "2040-12-31"}
        ],
    } | changed


async def test_a_business_becomes_a_merchant_whose_owners_are_known(
    client: httpx.AsyncClient, post: Any
) -> None:
    opened = await post("/v1/onboarding/businesses", body_of())
    assert opened.status_code == 201, opened.text
    merchant = opened.json()["merchant"]
    read = (await client.get(f"/v1/onboarding/businesses/{merchant['id']}")).json()
    assert read == opened.json()["business"]
    assert [owner["share"] for owner in read["beneficial_owners"]] == ["0.75", "0.25"]
    # Nobody outside was asked, so staff look at it.
    assert (read["documents_until"], read["review_reason"]) == ("2040-12-31", "registry")
    listed = (await client.get("/v1/onboarding/businesses/reviews")).json()["data"]
    assert (listed[0]["merchant"], listed[0]["reason"]) == (merchant["id"], "registry")
    for person in body_of()["people"]:
        assert person["name"] not in opened.text
        assert person["id_number"] not in opened.text
    assert CODE not in opened.text
    second = await post("/v1/onboarding/businesses", body_of())
    assert (second.status_code, second.json()["code"]) == (409, "business_exists")


async def test_findings_say_what_is_missing(client: httpx.AsyncClient, post: Any) -> None:
    refused = await post("/v1/onboarding/businesses", body_of(documents=[], stakes=[]))
    assert (refused.status_code, refused.json()["code"]) == (422, "business_refused")
    assert refused.json()["context"]["findings"] == [
        {"code": "missing", "field": "documents.business_licence"},
        {"code": "beneficial_owner_unknown", "field": "people"},
    ]
    unknown = await post("/v1/onboarding/businesses", body_of(legal_representative="third"))
    assert (unknown.status_code, unknown.json()["field"]) == (422, "legal_representative")
    missing = await client.get(f"/v1/onboarding/businesses/mer_{'0' * 32}")
    assert missing.status_code == 404


async def test_a_review_is_recorded_and_due_ones_are_listed(
    client: httpx.AsyncClient, post: Any
) -> None:
    opened = await post(
        "/v1/onboarding/businesses",
        body_of(
            credit_code=OTHER_CODE,
            stakes=[
                {"owner": "first", "owned": OTHER_CODE, "share": "1"},
            ],
        ),
    )
    assert opened.status_code == 201, opened.text
    path = f"/v1/onboarding/businesses/{opened.json()['merchant']['id']}/review"
    expired = await post(path, {"documents_until": "2020-01-01", "reason": "seen"})
    assert (expired.status_code, expired.json()["code"]) == (422, "document_expired")
    reviewed = await post(path, {"documents_until": "2041-12-31", "reason": "new licence seen"})
    assert (reviewed.status_code, reviewed.json()["documents_until"]) == (200, "2041-12-31")
    due = await client.get("/v1/onboarding/businesses/reviews")
    assert opened.json()["merchant"]["id"] not in [each["merchant"] for each in due.json()["data"]]
    unknown = path.replace(opened.json()["merchant"]["id"], "mer_00000000000000000000000000000000")
    assert (await post(unknown, {"reason": "seen"})).status_code in (404, 422)


async def test_the_business_register_is_asked_before_anything_is_opened(
    api: Any, full_key: str, serve: Any, settings_for: Any
) -> None:
    simulator = RegistrySimulator(clock=SystemClock())
    first = body_of()["people"][0]["name"]
    simulator.companies[THIRD_CODE] = CompanyRecord(
        name="三味书屋",
        legal_representative=first,
        shareholders=(Shareholder(name=first, share="1"),),
    )
    body = body_of(
        credit_code=THIRD_CODE,
        people=body_of()["people"][:1],
        stakes=[{"owner": "first", "owned": THIRD_CODE, "share": "1"}],
    )
    headers = {"Authorization": f"Bearer {full_key}"}
    async with serve_inside(simulator.application()) as url:
        settings = replace(settings_for(api.owner_url), registry_url=url)
        with serve(create_app(settings)) as own_url:
            async with httpx.AsyncClient(base_url=own_url, headers=headers, timeout=20) as client:
                path = "/v1/onboarding/businesses"
                refused = await client.post(
                    path, json=body | {"name": "别家"}, headers={"Idempotency-Key": "key-1"}
                )
                opened = await client.post(path, json=body, headers={"Idempotency-Key": "key-2"})
                again = await client.post(path, json=body, headers={"Idempotency-Key": "key-2"})
    assert (refused.status_code, refused.json()["code"]) == (422, "business_refused")
    findings = refused.json()["context"]["findings"]
    assert findings == [{"code": "registry_inconsistent", "field": "business"}]
    assert opened.status_code == 201, opened.text
    assert opened.json()["business"]["remarks"] == []
    assert opened.json()["business"]["review_reason"] is None
    assert again.content == opened.content
    # The same key asked the same question, which is charged once.
    assert simulator.billed == 2
