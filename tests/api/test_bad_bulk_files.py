"""Bad files of payments over HTTP: refused, or every bad line told, and nothing half-done."""

import asyncio
import io
import tracemalloc
import uuid
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from openpyxl import Workbook
from tests.api.bulk_office import TITLES, Office, open_office

from huitong.kernel import limits
from huitong.payments.bulk.limits import FILES_AN_HOUR_MAX, UPLOADS_OF_BUSINESS_MAX

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEAD = "huitong-bulk,1,payroll,CNY"
MEBIBYTE = 1_048_576


@pytest.fixture
async def office(
    api: Any, anonymous: httpx.AsyncClient, post: Any, customer_headers: Any
) -> AsyncIterator[Office]:
    office = await open_office(api, anonymous, post, customer_headers)
    yield office
    assert await office.balance(office.account) == "1000.00"


def workbook(*rows: list[Any], part: str = "", instead: bytes = b"") -> bytes:
    book, raw = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(raw)
    if not part:
        return raw.getvalue()
    source, target = zipfile.ZipFile(raw), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in source.infolist():
            is_changed = each.filename == part
            archive.writestr(each, instead if is_changed else source.read(each))
        if part not in archive.namelist():
            archive.writestr(part, instead)
    return target.getvalue()


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
SHEET = "xl/worksheets/sheet1.xml"
#: What is wrong with the whole of a file, and the code that says so.
UNREADABLE = {
    "empty": (b"", "bulk_file_unreadable"),
    "zeros": (bytes(10), "bulk_file_unreadable"),
    "no workbook": (b"PK\x03\x04 no workbook", "bulk_file_unreadable"),
    "no head": (TITLES.encode(), "bulk_file_unreadable"),
    "another version": (b"huitong-bulk,2,payroll,CNY,1,1.00", "bulk_file_unreadable"),
    "three decimals in all": (f"{HEAD},1,1.001\n{TITLES}\n".encode(), "bulk_file_unreadable"),
    "no such currency": (b"huitong-bulk,1,payroll,XXX,1,1.00", "bulk_file_unreadable"),
    "too many lines": (f"{HEAD},100001,1.00\n{TITLES}\n".encode(), "bulk_file_too_large"),
    "one line without an end": (b"x" * (31 * MEBIBYTE), "bulk_file_unreadable"),
    "UTF-16": (f"{HEAD},1,1.00\n{TITLES}\n".encode("utf-16"), "bulk_file_unreadable"),
    "billion laughs": (workbook(["a"], part=SHEET, instead=LAUGHS), "bulk_file_unreadable"),
    "an external entity": (workbook(["a"], part=SHEET, instead=OUTSIDE), "bulk_file_unreadable"),
    "a zip bomb": (
        workbook(["a"], part="xl/bomb.xml", instead=bytes(limits.BULK_UNPACKED_BYTES_MAX)),
        "bulk_file_too_large",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_what_is_no_file_of_payments_is_refused_and_not_kept(
    office: Office, case: str
) -> None:
    content, code = UNREADABLE[case]
    before = await office.api.count()
    refused = await office.submit(
        content, content_type=XLSX if content[:2] == b"PK" else "text/csv"
    )
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    after = await office.api.count()
    # The answer is kept for the same Idempotency-Key, and nothing else.
    del before["kernel.replies"], after["kernel.replies"]
    assert after == before


#: One wrong cell each: the title, what stands there, and the reason that is told.
BAD_CELLS = [
    ("reference", "=1+1", "formula"),
    ("reference", "a b", "reference_malformed"),
    ("reference", "", "field_empty"),
    ("account", "@SUM(A1)", "formula"),
    ("account", "acct_999999999999", "account_unknown"),
    ("name", "\u002bcmd|' /C calc'!A0", "formula"),
    ("name", "别人", "name_differs"),
    ("name", "x" * 129, "field_too_long"),
    ("amount", "1.001", "amount_decimals"),
    ("amount", "10.000", "amount_decimals"),
    ("amount", "-1.00", "amount_not_positive"),
    ("amount", "0", "amount_not_positive"),
    ("amount", "1e3", "amount_malformed"),
    ("amount", "１０", "amount_malformed"),
    ("amount", "9" * 30, "amount_too_large"),
    ("currency", "USD", "currency_wrong"),
    ("note", "=HYPERLINK(1)", "formula"),
    ("note", "－1", "formula"),
    ("note", "x" * 61, "field_too_long"),
    ("note", "\x07", "control_character"),
    ("note", "x" * 1_001, "line_too_long"),
    ("note", '"open', "quotes_wrong"),
    ("note", "a,b", "fields_wrong"),
]


async def test_every_bad_line_is_told_with_its_reason_and_nothing_can_be_approved(
    office: Office,
) -> None:
    titles = TITLES.split(",")
    rows = []
    for at, (title, text, _) in enumerate(BAD_CELLS):
        row = {
            "reference": f"R{at}",
            "account": office.staff[0],
            "name": "员工0",
            "amount": "1.00",
            "currency": "CNY",
            "note": "",
        }
        rows.append(",".join({**row, title: text}[each] for each in titles).encode())
    rows.append(f"Latin,{office.staff[0]},J\u00e9r\u00f4me,1.00,CNY,".encode("latin-1"))
    content = b"\n".join([f"{HEAD},{len(rows)},1.00\n{TITLES}".encode(), *rows])
    submitted = await office.submit(content)
    file = submitted.json()
    assert (submitted.status_code, file["state"]) == (201, "invalid"), file
    told = (await office.get(f"/{file['id']}/problems?limit=200")).json()["data"]
    expected = [(at, code) for at, (_, _, code) in enumerate(BAD_CELLS, 1)]
    assert [(each["line"], each["code"]) for each in told] == [
        *expected,
        (len(rows), "charset_wrong"),
    ]
    assert all(each["zh"] and each["en"] for each in told)
    refused = await office.decide(file, step_up=await office.prove(file))
    assert (refused.status_code, refused.json()["code"]) == (409, "bulk_file_not_waiting")


async def test_control_totals_that_do_not_meet_the_lines_are_told(office: Office) -> None:
    content = office.write("1.00", "2.00").replace(b"CNY,2,3.00", b"CNY,3,4.00")
    file = (await office.submit(content)).json()
    told = (await office.get(f"/{file['id']}/problems")).json()["data"]
    assert [(each["line"], each["code"]) for each in told] == [
        (0, "count_differs"),
        (0, "total_differs"),
    ]


async def test_a_line_of_a_gigabyte_is_refused_within_bounded_memory(office: Office) -> None:
    part = b"x" * MEBIBYTE

    async def pour() -> AsyncIterator[bytes]:
        yield office.write("1.00") + b"\n"
        for _ in range(1_024):
            yield part

    tracemalloc.start()
    try:
        refused = await office.submit(pour())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    # The server is in this process: what it kept of the body is in the sum.
    assert peak < 3 * limits.BULK_FILE_BYTES_MAX


async def test_the_same_file_twice_at_one_moment_is_one_file(office: Office) -> None:
    content = office.write("10.00")
    answers = await asyncio.gather(office.submit(content), office.submit(content))
    assert sorted(each.status_code for each in answers) == [201, 409]
    again = await office.submit(content)
    assert (again.status_code, again.json()["code"]) == (409, "bulk_file_repeated")


async def test_a_file_changed_after_approval_is_another_file_and_pays_nothing(
    office: Office,
) -> None:
    file = (await office.submit(office.write("10.00", "20.00"))).json()
    changed = (await office.submit(office.write("20.00", "10.00"))).json()
    proof = await office.prove(file)
    mixed = await office.decide({**file, "sha256": changed["sha256"]}, step_up=proof)
    assert (mixed.status_code, mixed.json()["code"]) == (409, "bulk_file_changed")
    other = await office.decide(changed, step_up=proof)
    assert (other.status_code, other.json()["code"]) == (422, "step_up_refused")
    approved = await office.decide(file, step_up=proof)
    assert approved.status_code == 200, approved.text
    await office.api.run_as_owner("UPDATE payments.bulk_lines SET amount = 1500")
    await office.pay_all()
    stopped = (await office.get(f"/{file['id']}")).json()
    assert (stopped["state"], stopped["paid"]["lines"]) == ("stopped", 0)
    assert [await office.balance(each) for each in office.staff] == ["0.00", "0.00"]


async def begin(office: Office, content: bytes) -> tuple[asyncio.StreamReader, Any]:
    """Send all of a request but its last byte."""
    url = httpx.URL(office.api.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    headers = {
        **office.maker,
        "Host": url.host,
        "Content-Type": "text/csv",
        "Content-Length": str(len(content)),
        "Idempotency-Key": uuid.uuid4().hex,
        "Connection": "close",
    }
    lines = [f"POST /v1/bulk-files?merchant={office.merchant} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + content[:-1])
    await writer.drain()
    return reader, writer


async def test_a_business_has_so_many_files_on_their_way_and_each_gives_its_place_back(
    office: Office,
) -> None:
    contents = [office.write(f"{at + 1}.00") for at in range(UPLOADS_OF_BUSINESS_MAX + 3)]
    begun = [await begin(office, each) for each in contents]
    answers = {asyncio.create_task(each.read()): at for at, (each, _) in enumerate(begun)}
    # Those that have no place are answered at once, whatever else of them is on its way.
    refused: set[asyncio.Task[bytes]] = set()
    async with asyncio.timeout(20):
        while len(refused) < 3:
            refused, waiting = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0.05)
    for each in refused:
        head, _, body = each.result().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 429")
        assert b"too_many_uploads" in body
        assert int(head.lower().partition(b"retry-after: ")[2].split(b"\r\n")[0]) > 0
    for each in waiting:
        begun[answers[each]][1].write(contents[answers[each]][-1:])
    assert [(await each).split(b" ")[1] for each in waiting] == [b"201"] * UPLOADS_OF_BUSINESS_MAX
    for _, writer in begun:
        writer.close()
        await writer.wait_closed()
    # A place is given back whatever became of the file.
    for _ in range(UPLOADS_OF_BUSINESS_MAX + 1):
        assert (await office.submit(b"nothing")).status_code == 422
    assert (await office.submit(office.write("99.00"))).status_code == 201


async def test_a_business_hands_in_so_many_files_an_hour(office: Office) -> None:
    for _ in range(FILES_AN_HOUR_MAX):
        bad = f"{HEAD},1,1.00\n{TITLES}\n{uuid.uuid4().hex}".encode()
        assert (await office.submit(bad)).status_code == 201
    refused = await office.submit(office.write("1.00"))
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_uploads")
    assert 3_500 < int(refused.headers["retry-after"]) <= 3_601
    await office.api.run_as_owner(
        "UPDATE payments.bulk_files SET submitted_at = submitted_at - interval '1 hour'"
    )
    assert (await office.submit(office.write("1.00"))).status_code == 201
