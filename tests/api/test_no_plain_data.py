"""After everything that people do over HTTP, no table holds their data as plain text."""

import base64
from datetime import date
from typing import Any

import httpx

from huitong import customers
from huitong.demo.specimens import make_specimen
from huitong.kernel.clock import SystemClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 64).decode()
CARD = "6222021000000000017"
CODE = "91350100M000100Y43"
WRONG_NUMBER = "110105194912310021"
TODAY = date(2026, 11, 23)


def person_of(seed: int) -> dict[str, Any]:
    specimen = make_specimen(seed, today=TODAY)
    until = specimen.valid_until_on
    return {
        "name": specimen.name,
        "sex": "male" if specimen.sex == "男" else "female",
        "nationality": "CHN",
        "occupation": "会计师与茶商",
        "address": specimen.address,
        "mobile": f"1350000{seed:04d}",
        "id_number": specimen.number,
        "valid_from": specimen.valid_from_on.isoformat(),
        "valid_until": None if until is None else until.isoformat(),
        "bank_cards": [CARD],
    }


async def apply(post: Any, body: dict[str, Any]) -> str:
    started = await post(
        "/v1/onboarding/applications", {"requested_class": 2, "consent": "consent-1"}
    )
    path = f"/v1/onboarding/applications/{started.json()['id']}"
    await post(f"{path}/person", body)
    for kind in ("id_front", "id_back", "selfie"):
        await post(f"{path}/pictures", {"kind": kind, "content": PNG})
    submitted = await post(f"{path}/submission", {})
    assert submitted.json()["state"] == "checking"
    return path


async def test_no_table_holds_numbers_names_or_addresses_as_plain_text(
    api: Any,
    client: httpx.AsyncClient,
    post: Any,
    settings_for: Any,
    dump_database: Any,
) -> None:
    # Open, refuse, pay by number, apply with sound and with wrong evidence, approve, register.
    opened = {"name": "尉迟敬德", "mobile": "13511112222", "account_class": 3}
    payer = (await post("/v1/customers", opened)).json()
    assert (await post("/v1/customers", opened)).json()["code"] == "mobile_taken"
    people = [person_of(31), person_of(32) | {"id_number": WRONG_NUMBER}]
    paths = [await apply(post, person) for person in people]
    desk = customers.PictureDesk()
    async with desk, Database(api.owner_url, role="huitong_app") as database:
        await customers.check_applications(
            database,
            Vault(load_key_ring(settings_for(api.owner_url).home)),
            customers.EvidenceDesk(
                registries=None, reader=desk, faces=customers.SimulatedFaceComparison()
            ),
            rulebook=Rulebook.load(),
            clock=SystemClock(),
        )
    approved = await post(f"{paths[0]}/approval", {"in_person": True, "reason": "at the counter"})
    assert approved.json()["state"] == "approved"
    assert (await client.get(paths[1])).json()["state"] == "refused"
    payment = {
        "payer": payer["account"],
        "payee_mobile": people[0]["mobile"],
        "amount": {"amount": "1.00", "currency": "CNY"},
    }
    assert (await post("/v1/payments", payment)).json()["code"] == "insufficient_funds"
    unknown = payment | {"payee_mobile": "13599998888"}
    assert (await post("/v1/payments", unknown)).json()["code"] == "account_not_found"
    business = {
        "name": "三味书屋",
        "name_latin": "SANWEI BOOKS",
        "city_latin": "SHAOXING",
        "category_code": "5942",
        "fee_rate": "0.006",
        "credit_code": CODE,
        "legal_representative": "boss",
        "people": [{"key": "boss", "name": "长孙无忌", "id_number": person_of(33)["id_number"]}],
        "senior_managers": ["boss"],
        "documents": [{"kind": "business_licence", "reference": "licence-1"}],
    }
    assert (await post("/v1/onboarding/businesses", business)).status_code == 201
    found = await client.get("/v1/customers", params={"mobile": people[0]["mobile"]})
    assert found.json()["data"][0]["id"] == approved.json()["customer"]

    dump = await dump_database(api.owner_url)

    assert "customers.BusinessVerified.v1" in dump.text
    secrets = [opened["name"], opened["mobile"], "13599998888", CARD, CODE, "长孙无忌"]
    secrets += [str(business["people"][0]["id_number"]), WRONG_NUMBER]
    for person in people:
        secrets += [person[key] for key in ("name", "mobile", "id_number", "address", "occupation")]
    assert dump.find(secrets) == []
