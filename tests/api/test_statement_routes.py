"""Statements as files over a real server."""

import csv
import io
import uuid
from typing import Any

import httpx
import pytest
from tests.payments.documents.papers import read_pages

from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.money import Money
from huitong.payments import iso20022

TODAY = business_day(SystemClock().now()).isoformat()


@pytest.fixture
async def guest(api: Any, post: Any) -> dict[str, Any]:
    body = {"name": "王小芳", "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
    made = (await post("/v1/customers", body)).json()
    await api.fund(made["account"], 100_00)
    await api.fund(made["account"], 23_45)
    return made


async def download(
    http: httpx.AsyncClient, account: str, headers: dict[str, str] | None = None, **query: str
) -> httpx.Response:
    params = {"from": TODAY, "to": TODAY, **query}
    return await http.get(f"/v1/accounts/{account}/statement-file", params=params, headers=headers)


async def test_a_customer_downloads_the_same_balance_in_every_format(
    anonymous: httpx.AsyncClient, guest: dict[str, Any], customer_headers: Any
) -> None:
    own = await customer_headers(guest["id"])
    pdf = await download(anonymous, guest["account"], own)
    assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
    (page,) = read_pages(pdf.content)
    assert "王小芳" in page
    assert "123.45" in page

    table = await download(anonymous, guest["account"], own, format="csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"].endswith('.csv"')
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert [row[8] for row in rows[1:]] == ["0.00", "100.00", "123.45", "123.45"]

    for kind in ("camt.052", "camt.053", "camt.054"):
        message = await download(anonymous, guest["account"], own, format=kind)
        assert message.headers["content-type"] == "application/xml"
        (statement,) = iso20022.read_message(io.BytesIO(message.content)).body.statements
        assert [entry.amount for entry in statement.entries] == [
            Money(100_00, "CNY"),
            Money(23_45, "CNY"),
        ]
        assert statement.account.owner.name == "王小芳"


async def test_somebody_else_learns_nothing(
    anonymous: httpx.AsyncClient, guest: dict[str, Any], customer_headers: Any
) -> None:
    stranger = await customer_headers()
    answer = await download(anonymous, guest["account"], stranger)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await download(anonymous, guest["account"])).status_code == 401


async def test_staff_and_programs_see_people_masked(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, guest: dict[str, Any], staff: Any
) -> None:
    by_key = await download(client, guest["account"])
    by_staff = await download(anonymous, guest["account"], await staff.headers("service"))
    for answer in (by_key, by_staff):
        assert answer.status_code == 200
        (page,) = read_pages(answer.content)
        assert "王*芳" in page
        assert "王小芳" not in page


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-26", "to": "2026-11-25"}, "to"),
        ({"to": "2999-01-01"}, "to"),
        ({"from": "1900-01-01"}, "from"),
        ({"from": "2020-01-01"}, "last_on"),
        ({"format": "docx"}, "format"),
        ({"charset": "latin-1"}, "charset"),
        ({"from": "yesterday"}, "from"),
    ],
)
async def test_a_bad_request_names_the_field(
    client: httpx.AsyncClient, guest: dict[str, Any], query: dict[str, str], field: str
) -> None:
    answer = await download(client, guest["account"], **query)
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field


async def test_a_spreadsheet_of_another_charset(
    client: httpx.AsyncClient, guest: dict[str, Any]
) -> None:
    answer = await download(client, guest["account"], format="csv", charset="gb18030")
    assert answer.headers["content-type"] == "text/csv; charset=gb18030"
    assert answer.content.decode("gb18030").startswith("序号 No.")
