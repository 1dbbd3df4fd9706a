"""Files of payments as ISO 20022 over HTTP: pain.001 in, pain.002 back; hostile ones refused."""

import io
from typing import Any

import httpx
import pytest
from tests.api.bulk_office import Office, open_office
from tests.payments.bulk.test_pain001 import LAUGHS, line, write

from huitong.kernel.clock import SystemClock, business_day
from huitong.payments import iso20022

XML = "application/xml"
TODAY = business_day(SystemClock().now()).isoformat()


@pytest.fixture
async def office(
    api: Any, anonymous: httpx.AsyncClient, post: Any, customer_headers: Any
) -> Office:
    return await open_office(api, anonymous, post, customer_headers)


def make(office: Office, *amounts: str, total: str, **changed: Any) -> bytes:
    lines = [
        line(at, amount, account=office.staff[at], name=f"员工{at}")
        for at, amount in enumerate(amounts)
    ]
    return write(*lines, total=total, payer=office.account, day=TODAY, **changed)


async def read_report(office: Office, file: dict[str, Any]) -> iso20022.InitiationReport:
    answer = await office.get(f"/{file['id']}/report", office.maker)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == XML
    return iso20022.read_message(io.BytesIO(answer.content)).body


async def test_a_message_is_submitted_approved_paid_and_answered(office: Office) -> None:
    content = make(office, "10.00", "20.50", total="30.50")
    submitted = await office.submit(content, content_type=XML)
    assert submitted.status_code == 201, submitted.text
    file = submitted.json()
    assert (file["state"], file["lines"], file["total"]["amount"]) == ("submitted", 2, "30.50")
    approved = await office.decide(file, step_up=await office.prove(file))
    assert approved.status_code == 200, approved.text
    await office.pay_all()
    assert [await office.balance(each) for each in office.staff] == ["10.00", "20.50"]
    told = await read_report(office, file)
    assert told.group.status == "ACSC"
    assert [each.status for each in told.batches[0].instructions] == ["ACSC", "ACSC"]
    strange = await office.get(f"/{file['id']}/report", office.stranger)
    assert (strange.status_code, strange.json()["code"]) == (404, "bulk_file_not_found")


async def test_a_bad_line_is_told_on_every_way(office: Office) -> None:
    submitted = await office.submit(
        make(office, "10.005", "20.00", total="30.005"), content_type=XML
    )
    assert submitted.status_code == 422, submitted.text
    submitted = await office.submit(
        make(office, "10.005", "20.00", total="30.00"), content_type=XML
    )
    file = submitted.json()
    assert (submitted.status_code, file["state"]) == (201, "invalid")
    (problem,) = (await office.get(f"/{file['id']}/problems", office.maker)).json()["data"]
    assert (problem["line"], problem["code"]) == (1, "amount_decimals")
    told = await read_report(office, file)
    assert told.batches[0].instructions[0].reasons[0].proprietary == "amount_decimals"


HOSTILE = {
    "billion laughs": write(line(1), head=LAUGHS),
    "external entity": write(line(1), head='<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
    "another charset": write(line(1)).decode().encode("gb18030"),
    "UTF-16": write(line(1)).decode().encode("utf-16"),
    "one line without an end": b"<Document " + b"x" * 30_000_000,
    "text without an end": write(line(1, note="茶" * 9_000_000)),
    "deep": b"<a>" * 1_000_000,
    "cut off": write(line(1))[:-40],
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_hostile_messages_are_refused_and_not_kept(office: Office, case: str) -> None:
    before = await office.api.count()
    refused = await office.submit(HOSTILE[case], content_type=XML)
    assert (refused.status_code, refused.json()["code"]) == (422, "bulk_file_unreadable")
    assert "passwd" not in refused.text
    after = await office.api.count()
    assert {**after, "kernel.replies": 0} == {**before, "kernel.replies": 0}
    listed = await office.http.get(
        "/v1/bulk-files", params={"merchant": office.merchant}, headers=office.maker
    )
    assert listed.json()["data"] == []
