"""A loan over HTTP with a credit bureau behind it: decided at once, read, signed, on the account.

Where the bureau gives nothing that can be used, people decide.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from tests.api.conftest import Api, run_server
from tests.api.test_loan_application_routes import OFFER, PATH, Applicant, Office, yuan
from tests.lending.loans.conftest import Bank
from tests.lending.loans.deciding import ID_NUMBER, DecidingBank, clean_report, earn
from tests.payments.documents.papers import read_pages

from huitong import ledger
from huitong.api import create_app
from huitong.identity import SmsGatewaySimulator
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import CUSTOMER, read_id
from huitong.lending import bureau

_ROLE = "huitong_app"
#: Shorter than the platform's, so that a bureau that is slow is so in a moment.
_PATIENCE = 0.3


@pytest.fixture(scope="module")
def simulator() -> bureau.BureauSimulator:
    return bureau.BureauSimulator(clock=SystemClock())


@pytest.fixture(scope="module")
def api(
    server: Any, template: str, settings_for: Any, server_vault: Any, simulator: Any
) -> Iterator[Api]:
    """A server with rules and tables that are live, and a bureau that answers."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    owner_url = server.database_url(name)
    asyncio.run(_go_live(owner_url, server_vault))
    sms = SmsGatewaySimulator()
    with run_server(sms.application()) as sms_url, run_server(simulator.application()) as told_url:
        settings = replace(settings_for(owner_url), sms_gateway_url=sms_url, bureau_url=told_url)
        asked = bureau.HttpBureau(
            told_url,
            secret=bureau.SIMULATED_SECRET,
            clock=SystemClock(),
            timeout_seconds=_PATIENCE,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("huitong.wiring.application.make_bureau", lambda _settings: asked)
            with run_server(create_app(settings)) as url:
                yield Api(url, owner_url, sms)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


async def _go_live(owner_url: str, vault: Any) -> None:
    async with Database(owner_url, role=_ROLE, size=2) as database:
        bank = Bank(database, vault, now=datetime.now(UTC))
        async with database.unit_of_work() as uow:
            await ledger.add_partitions(uow, now=bank.now)
        await DecidingBank.open(bank)


@pytest.fixture
async def applicant(
    api: Api, anonymous: httpx.AsyncClient, post: Any, staff: Any, server_vault: Any
) -> Applicant:
    """Somebody who is identified, known for a year, and earned 12,000.00 in each of 3 months."""
    office = Office(api, anonymous, post, staff, server_vault)
    await office.sell()
    made = Applicant(office)
    await made.log_in()
    customer_id = read_id(CUSTOMER, made.customer["id"], field="id")
    account_id = ledger.read_account(made.customer["account"], field="account")
    async with Database(api.owner_url, role=_ROLE, size=2) as database:
        bank = Bank(database, server_vault, now=datetime.now(UTC))
        await bank.run(DecidingBank.verify, server_vault, customer_id, ID_NUMBER)
        first = business_day(bank.now).replace(day=1)
        for _ in range(3):
            first = (first - timedelta(days=1)).replace(day=1)
            await bank.run(earn, account_id, 12_000_00, first)
    await api.run_as_owner(
        "UPDATE customers.customers SET opened_at = opened_at - interval '400 days' "
        f"WHERE id = '{customer_id}'"
    )
    return made


@contextlib.asynccontextmanager
async def operating(simulator: bureau.BureauSimulator) -> AsyncIterator[httpx.AsyncClient]:
    """Yield what the operator of the bureau calls it with."""
    transport = httpx.ASGITransport(simulator.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://bureau") as operator:
        yield operator


async def tell(simulator: bureau.BureauSimulator, report: bureau.Report | None) -> None:
    async with operating(simulator) as operator:
        content = msgspec.json.encode(report)
        told = await operator.put(f"/people/{ID_NUMBER}", content=content)
    assert told.status_code == 200


async def test_from_the_route_to_the_money_without_people(
    applicant: Applicant, simulator: bureau.BureauSimulator
) -> None:
    await tell(simulator, clean_report())
    handed_in = (await applicant.apply()).json()
    assert (handed_in["stage"], handed_in["is_decided_by_person"]) == ("offered", False), handed_in
    assert handed_in["offer"]["amount"] == yuan("12000.00")
    statement = await applicant.read_cost()
    assert statement["principal"] == yuan("12000.00")
    contract = await applicant.read("/contract")
    step_up = await applicant.prove(contract["sha256"])
    signed = await applicant.do("signature", {"sha256": contract["sha256"], "step_up": step_up})
    assert (signed.status_code, signed.json()["stage"]) == (200, "lent"), signed.text
    balance = await applicant.office.client.get(
        f"/v1/accounts/{applicant.customer['account']}/balance", headers=applicant.headers
    )
    assert balance.json()["balance"] == yuan("48000.00")


async def test_a_guarantor_is_asked_about_with_their_own_consent_and_once(
    applicant: Applicant, simulator: bureau.BureauSimulator, server_vault: Any
) -> None:
    await tell(simulator, clean_report())
    guarantor = Applicant(applicant.office)
    await guarantor.log_in()
    customer_id = read_id(CUSTOMER, guarantor.customer["id"], field="id")
    async with Database(applicant.office.api.owner_url, role=_ROLE, size=2) as database:
        bank = Bank(database, server_vault, now=datetime.now(UTC))
        await bank.run(DecidingBank.verify, server_vault, customer_id, ID_NUMBER)
    before = simulator.enquiries
    await applicant.begin("6000.00")
    named = {"customer": guarantor.customer["id"], "role": "guarantor"}
    assert (await applicant.do("parties", named)).status_code == 200
    alone = await applicant.do("submission")
    assert (alone.status_code, alone.json()["code"]) == (403, "consent_missing"), alone.text
    assert simulator.enquiries == before
    await guarantor.consent()
    handed_in = (await applicant.do("submission")).json()
    assert (handed_in["stage"], simulator.enquiries) == ("offered", before + 2), handed_in
    owner_url = applicant.office.api.owner_url
    async with Database(owner_url, size=1) as database, database.reading() as uow:
        asked = await uow.execute(
            "SELECT subject_id, consent_id FROM lending.report_queries "
            "ORDER BY asked_at DESC LIMIT 2"
        )
    assert len({row.consent_id for row in asked}) == 2
    assert customer_id in {row.subject_id for row in asked}


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        (bureau.FaultKind.LOST_ANSWER, "broken"),
        (bureau.FaultKind.FORGED, "not_authentic"),
        (bureau.FaultKind.LATE, "timed_out"),
    ],
)
async def test_a_bureau_that_gives_nothing_leaves_it_to_people(
    applicant: Applicant,
    simulator: bureau.BureauSimulator,
    kind: bureau.FaultKind,
    trouble: str,
) -> None:
    await tell(simulator, clean_report())
    office = applicant.office
    async with operating(simulator) as operator:
        fault = {"kind": kind.value, "times": 2, "seconds": 2 * _PATIENCE}
        await operator.post("/faults", json=fault)
        handed_in = (await applicant.apply()).json()
        await operator.delete("/faults")
    assert handed_in["stage"] == "review"
    assert "no_report" in [each["code"] for each in handed_in["reasons"]]
    async with Database(office.api.owner_url, size=1) as database, database.reading() as uow:
        found = await uow.fetch_value(
            "SELECT trouble FROM lending.report_queries ORDER BY asked_at DESC LIMIT 1"
        )
    assert found == trouble
    offered = await office.ask("credit", f"{PATH}/{applicant.application}/offer", OFFER)
    assert (offered.status_code, offered.json()["is_decided_by_person"]) == (200, True)


async def test_the_contract_is_a_paper_for_borrower_and_staff(
    applicant: Applicant, simulator: bureau.BureauSimulator, customer_headers: Any
) -> None:
    await tell(simulator, clean_report())
    await applicant.apply()
    office, path = applicant.office, f"{PATH}/{applicant.application}/signed-contract"
    early = await office.client.get(path, headers=applicant.headers)
    assert (early.status_code, early.json()["code"]) == (404, "loan_contract_not_found")
    await applicant.read_cost()
    sha256 = (await applicant.read("/contract"))["sha256"]
    step_up = await applicant.prove(sha256)
    signed = await applicant.do("signature", {"sha256": sha256, "step_up": step_up})
    assert signed.status_code == 200, signed.text
    own = await office.client.get(path, headers=applicant.headers)
    assert own.headers["content-type"] == "application/pdf"
    pages = read_pages(own.content)
    for words in ("贷款合同", "LOAN CONTRACT", sha256, "12,000.00", step_up, "李雷"):
        assert words in pages[0], words
    assert "还款计划" in pages[1]
    again = await office.client.get(path, headers=applicant.headers)
    assert again.content == own.content
    seen = await office.client.get(path, headers=await office.headers("credit"))
    assert "李雷" not in read_pages(seen.content)[0]
    stranger = await office.client.get(path, headers=await customer_headers())
    assert (stranger.status_code, stranger.json()["code"]) == (404, "loan_application_not_found")
