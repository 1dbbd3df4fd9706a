"""Files of payments over a real server: one user of a business submits, another one approves."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.api.bulk_office import CSV, Office, open_office

from huitong.kernel import limits
from huitong.kernel.ids import uuid7


@pytest.fixture
async def office(
    api: Any, anonymous: httpx.AsyncClient, post: Any, customer_headers: Any
) -> Office:
    return await open_office(api, anonymous, post, customer_headers)


async def test_a_payroll_is_submitted_approved_and_paid(office: Office) -> None:
    content = office.write("10.00", "20.50")
    submitted = await office.submit(content)
    assert submitted.status_code == 201, submitted.text
    file = submitted.json()
    assert (file["state"], file["lines"], file["total"]["amount"]) == ("submitted", 2, "30.50")
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    listed = await office.http.get(
        "/v1/bulk-files", params={"merchant": office.merchant}, headers=office.checker
    )
    assert [each["id"] for each in listed.json()["data"]] == [file["id"]]
    approved = await office.decide(file, step_up=await office.prove(file))
    assert approved.status_code == 200, approved.text
    assert approved.json()["state"] == "approved"
    await office.pay_all()
    done = (await office.get(f"/{file['id']}", office.maker)).json()
    assert (done["state"], done["paid"]) == (
        "done",
        {"lines": 2, "amount": {"amount": "30.50", "currency": "CNY"}},
    )
    assert [await office.balance(each) for each in office.staff] == ["10.00", "20.50"]
    assert await office.balance(office.account) == "969.50"


async def test_an_approval_needs_a_proof_for_exactly_this_content(office: Office) -> None:
    first = (await office.submit(office.write("10.00"))).json()
    second = (await office.submit(office.write("10.00", note="bonus"))).json()
    asked = await office.decide(first, key="k-approve")
    assert (asked.status_code, asked.json()["code"]) == (403, "step_up_required")
    assert asked.json()["context"]["factors"] == ["pin", "passkey"]
    of_other = await office.prove(second)
    refused = await office.decide(first, step_up=of_other)
    assert (refused.status_code, refused.json()["code"]) == (422, "step_up_refused")
    assert (await office.get(f"/{first['id']}")).json()["state"] == "submitted"
    proof = await office.prove(first)
    approved = await office.decide(first, key="k-approve", step_up=proof)
    assert approved.status_code == 200, approved.text
    # Used once: it approves nothing else.
    again = await office.decide(second, step_up=proof)
    assert again.json()["code"] == "step_up_refused"
    assert (await office.decide(second, step_up=of_other)).status_code == 200


async def test_what_was_seen_is_what_is_approved_or_rejected(office: Office) -> None:
    file = (await office.submit(office.write("10.00"))).json()
    other = file | {"sha256": "0" * 64}
    for verb, more in (("approve", {"step_up": await office.prove(file)}), ("reject", {})):
        refused = await office.decide(other, verb=verb, **more)
        assert (refused.status_code, refused.json()["code"]) == (409, "bulk_file_changed")
    rejected = await office.decide(file, verb="reject")
    assert (rejected.status_code, rejected.json()["state"]) == (200, "rejected")
    late = await office.decide(file, step_up=await office.prove(file))
    assert (late.status_code, late.json()["code"]) == (409, "bulk_file_not_waiting")


async def test_only_the_businesss_own_users_see_and_act(office: Office) -> None:
    content = office.write("10.00")
    for headers in (office.stranger, office.checker):
        refused = await office.submit(content, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "bulk_not_allowed")
    file = (await office.submit(content)).json()
    for path in ("", "/problems", "/problems.csv", "/failed-lines"):
        hidden = await office.get(f"/{file['id']}{path}", office.stranger)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "bulk_file_not_found")
    listed = await office.http.get(
        "/v1/bulk-files", params={"merchant": office.merchant}, headers=office.stranger
    )
    assert listed.status_code == 403
    own = await office.decide(file, verb="reject", headers=office.maker)
    assert (own.status_code, own.json()["code"]) == (403, "bulk_not_allowed")
    key = {"Authorization": f"Bearer {await office.api.make_key()}"}
    by_key = await office.submit(content, headers=key)
    assert (by_key.status_code, by_key.json()["code"]) == (403, "not_permitted")


async def test_bad_lines_come_by_page_and_as_csv(office: Office) -> None:
    content = office.write("10.00", "20.00").decode()
    bad = content.replace("10.00,CNY", "10.001,CNY").replace("员工1", '"=cmd|1"')
    submitted = await office.submit(bad.encode())
    assert (submitted.status_code, submitted.json()["state"]) == (201, "invalid")
    path = f"/{submitted.json()['id']}/problems"
    first = (await office.get(f"{path}?limit=1")).json()
    assert [(each["line"], each["code"]) for each in first["data"]] == [(1, "amount_decimals")]
    rest = (await office.get(f"{path}?cursor={first['next_cursor']}")).json()
    assert [(each["line"], each["code"]) for each in rest["data"]] == [(2, "formula")]
    assert (rest["data"][0]["zh"], rest["next_cursor"]) == ("疑似公式注入", None)
    sheet = await office.get(f"{path}.csv")
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert sheet.headers["content-disposition"].startswith("attachment")
    rows = sheet.content.decode("utf-8-sig").split("\r\n")
    assert rows[0] == "line,field,code,zh,en"
    assert rows[1].startswith("1,amount,amount_decimals,金额小数位过多")
    assert len(rows) == 4
    wrong = await office.get(f"{path}?cursor=MTIzNDU2Nzg")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "cursor")


async def test_the_same_bytes_are_refused_and_the_same_key_answers_again(office: Office) -> None:
    content = office.write("10.00")
    first = await office.submit(content, key="k-submit")
    again = await office.submit(content, key="k-submit")
    assert (again.status_code, again.content) == (201, first.content)
    repeated = await office.submit(content)
    assert (repeated.status_code, repeated.json()["code"]) == (409, "bulk_file_repeated")
    assert repeated.json()["context"]["first"] == first.json()["id"]
    meant = await office.submit(content, repeat_reason="二次发放奖金")
    assert meant.status_code == 201, meant.text


async def test_a_declared_charset_is_read(office: Office) -> None:
    content = office.write("10.00").decode().encode("gb18030")
    undeclared = await office.submit(content, content_type=CSV)
    assert (undeclared.status_code, undeclared.json()["state"]) == (201, "invalid")
    declared = await office.submit(content, content_type="text/csv; charset=gb18030")
    assert (declared.status_code, declared.json()["state"]) == (201, "submitted")
    unknown = await office.submit(content, content_type="text/csv; charset=utf-7")
    assert (unknown.status_code, unknown.json()["field"]) == (422, "Content-Type")
    as_json = await office.submit(content, content_type="application/json")
    assert (as_json.status_code, as_json.json()["code"]) == (415, "unsupported_media_type")


async def test_a_body_without_an_end_is_refused_while_it_is_read(office: Office) -> None:
    async def pour() -> AsyncIterator[bytes]:
        for _ in range(2 * limits.BULK_FILE_BYTES_MAX // limits.REQUEST_BODY_BYTES_MAX):
            yield b"x" * limits.REQUEST_BODY_BYTES_MAX

    refused = await office.submit(pour())
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


async def test_a_file_larger_than_other_bodies_is_read(office: Office) -> None:
    content = office.write("10.00") + b"\n" * (limits.REQUEST_BODY_BYTES_MAX + 1)
    assert (await office.submit(content)).status_code == 201
    elsewhere = await office.http.post(
        f"/v1/bulk-files/blk_{uuid7().hex}/approve",
        content=bytes(limits.REQUEST_BODY_BYTES_MAX + 1),
        headers={**office.checker, "Content-Type": "application/json", "Idempotency-Key": "k"},
    )
    assert elsewhere.status_code == 413


async def test_what_is_no_file_of_payments_is_refused(office: Office) -> None:
    for content in (b"", b"\x00" * 10, b"PK\x03\x04 no workbook", b"a,b\n"):
        refused = await office.submit(content)
        assert (refused.status_code, refused.json()["code"]) == (422, "bulk_file_unreadable")
