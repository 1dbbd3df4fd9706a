"""Statements in three formats: they agree to the cent, however long they are."""

import csv
import io
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from tests.payments.documents.papers import read_pages

from huitong import ledger
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.ledger import Side, Span, StatementLine
from huitong.payments import documents, iso20022
from huitong.payments.documents.statements import Row

SPACE = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}


def read_csv(content: bytes, codec: str = "utf-8-sig") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(codec), newline="")))


def validate(content: bytes, shared_data: Path, name: str) -> None:
    schema = xmlschema.XMLSchema(str(shared_data / f"8-standards/xsd/{name}.xsd"))
    schema.validate(io.BytesIO(content))


@pytest.fixture
async def shop(town: Any) -> Any:
    """A tea house that was paid 100.00 and 50.50, with a fee of 0.6 %, and gave 20.00 back."""
    merchant = await town.add_merchant("青云茶馆")
    guest = await town.add_customer("王小芳", "1000.00")
    await town.buy(guest, merchant, "100.00")
    await town.buy(guest, merchant, "50.50")
    return merchant, guest


async def test_the_three_formats_agree_to_the_cent(
    books: Any, shop: Any, shared_data: Path
) -> None:
    merchant, _ = shop
    statement = await books.open(merchant.account_id)
    rows = read_csv(await books.write(statement, documents.write_csv))
    _, opening, *lines, closing = rows
    debits = sum(Decimal(row[6]) for row in lines if row[6])
    credits_ = sum(Decimal(row[7]) for row in lines if row[7])
    assert (opening[8], closing[8]) == ("0.00", "149.60")
    assert credits_ - debits == Decimal("149.60")
    assert closing[6:8] == [str(debits), str(credits_)]
    assert lines[-1][8] == closing[8]

    message = await books.write(statement, documents.write_cash_message)
    validate(message, shared_data, "camt.053.001.08")
    tree = ET.fromstring(message)
    entries = [
        Decimal(entry.findtext("c:Amt", None, SPACE) or "")
        * (1 if entry.findtext("c:CdtDbtInd", None, SPACE) == "CRDT" else -1)
        for entry in tree.iterfind(".//c:Ntry", SPACE)
    ]
    assert entries == [Decimal(row[7] or "0") - Decimal(row[6] or "0") for row in lines]
    assert [each.text for each in tree.iterfind(".//c:Bal/c:Amt", SPACE)] == ["0.00", "149.60"]
    read = iso20022.read_message(io.BytesIO(message)).body
    assert len(read.statements[0].entries) == len(lines)

    (page,) = read_pages(await books.write(statement, documents.write_pdf))
    for part in ("149.60", str(credits_), "青云茶馆", "第 1 页 共 1 页", "Page 1 of 1", "王*芳"):
        assert part in page, part
    for row in lines:
        assert row[8] in page


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (documents.CashMessage.REPORT, "camt.052.001.08"),
        (documents.CashMessage.NOTIFICATION, "camt.054.001.08"),
    ],
)
async def test_reports_and_notifications_are_what_the_schema_says(
    books: Any, shop: Any, shared_data: Path, message: Any, name: str
) -> None:
    statement = await books.open(shop[0].account_id)
    content = await books.write(statement, documents.write_cash_message, message)
    validate(content, shared_data, name)
    body = iso20022.read_message(io.BytesIO(content)).body
    assert sum(entry.amount.minor for entry in body.statements[0].entries) > 0


async def test_lines_are_in_order_and_carry_the_balance(books: Any, town: Any, now: Any) -> None:
    guest = await town.add_customer("王小芳", "1000.00")
    await town.buy(guest, await town.add_merchant("茶馆"), "10.00")
    statement = await books.open(guest.account_id, days=3)
    rows = read_csv(await books.write(statement, documents.write_csv))
    assert [row[8] for row in rows[1:]] == ["0.00", "1000.00", "990.00", "990.00"]
    assert [row[0] for row in rows[2:-1]] == ["1", "2"]


async def test_a_period_begins_with_what_was_there_before(books: Any, shop: Any) -> None:
    later = replace(await books.open(shop[0].account_id), reader_id=None)
    async with books.town.database.reading() as uow:
        tomorrow = later.last_on + timedelta(days=1)
        span = await ledger.find_span(
            uow, later.account.id, ledger.Period.of_days(tomorrow, tomorrow)
        )
    assert (span.count, span.opening.format(), span.closing.format()) == (0, "149.60", "149.60")


async def test_an_account_without_movements_has_a_statement(
    books: Any, town: Any, shared_data: Path
) -> None:
    guest = await town.add_customer("王小芳")
    statement = await books.open(guest.account_id)
    rows = read_csv(await books.write(statement, documents.write_csv))
    assert [row[8] for row in rows[1:]] == ["0.00", "0.00"]
    validate(
        await books.write(statement, documents.write_cash_message), shared_data, "camt.053.001.08"
    )
    (page,) = read_pages(await books.write(statement, documents.write_pdf))
    assert "本期无交易" in page


async def test_people_are_masked_for_whoever_is_not_the_owner(books: Any, shop: Any) -> None:
    _, guest = shop
    own = await books.write(await books.open(guest.account_id), documents.write_pdf)
    assert "王小芳" in read_pages(own)[0]
    seen = await books.write(await books.open(guest.account_id, is_own=False), documents.write_pdf)
    assert "王小芳" not in read_pages(seen)[0]
    assert "王*芳" in read_pages(seen)[0]


@pytest.mark.parametrize("charset", list(documents.StatementCharset))
async def test_csv_comes_in_the_charset_that_is_asked_for(
    books: Any, shop: Any, charset: documents.StatementCharset
) -> None:
    content = await books.write(await books.open(shop[0].account_id), _with(charset))
    codec = "utf-8-sig" if charset is documents.StatementCharset.UTF_8_BOM else charset.codec
    assert content.startswith(b"\xef\xbb\xbf") == (codec == "utf-8-sig")
    assert read_csv(content, codec)[0][0] == "序号 No."


def _with(charset: documents.StatementCharset) -> Any:
    return lambda statement, pieces: documents.write_csv(statement, pieces, charset=charset)


async def test_no_text_of_people_is_a_formula(books: Any, shop: Any) -> None:
    statement = await books.open(shop[0].account_id)
    note = '=HYPERLINK("http://evil.example","x")'
    content = b"".join(
        [piece async for piece in documents.write_csv(statement, _noted(statement, books, note))]
    )
    assert {row[9] for row in read_csv(content)[2:-1]} == {f"'{note}"}


async def _noted(statement: Any, books: Any, note: str) -> AsyncIterator[Sequence[Row]]:
    from tests.payments.documents.conftest import CALLER

    async for piece in documents.read_rows(
        books.town.database, CALLER, books.town.vault, statement
    ):
        yield [replace(row, note=note) for row in piece]


async def test_a_statement_that_does_not_add_up_is_not_finished(books: Any, shop: Any) -> None:
    statement = await books.open(shop[0].account_id)
    wrong = replace(
        statement, span=replace(statement.span, closing=statement.span.closing + Money(1, "CNY"))
    )
    for write in (documents.write_csv, documents.write_pdf, documents.write_cash_message):
        with pytest.raises(AssertionError, match="add up"):
            await books.write(wrong, write)


def make_rows(statement: Any, first: int, last: int) -> list[Row]:
    other = documents.Named(name="李*雷", account="1000****0190", is_person=True)
    return [
        Row(
            StatementLine(
                line=at,
                transfer_id=uuid7(),
                side=Side.CREDIT,
                amount=Money(100, "CNY"),
                balance_after=Money(100 * at, "CNY"),
                other_account_id=1,
                code=301,
                effective_on=date(2026, 11, 23),
                recorded_at=statement.made_at,
            ),
            other,
            "龙井",
        )
        for at in range(first, last + 1)
    ]


async def make_long(statement: Any, count: int) -> AsyncIterator[Sequence[Row]]:
    for first in range(1, count + 1, 1_000):
        yield make_rows(statement, first, min(first + 999, count))


def lengthen(statement: Any, count: int) -> Any:
    span = Span(
        account_id=statement.account.id,
        first=1,
        last=count,
        opening=Money(0, "CNY"),
        closing=Money(100 * count, "CNY"),
        normal_side=Side.CREDIT,
    )
    return replace(statement, span=span)


async def test_each_page_carries_the_balance_on(books: Any, town: Any) -> None:
    guest = await town.add_customer("王小芳")
    statement = lengthen(await books.open(guest.account_id), 70)
    pieces = documents.write_pdf(statement, make_long(statement, 70))
    pages = read_pages(b"".join([piece async for piece in pieces]))
    assert len(pages) == 3
    balances = (
        ("期初余额", "过次页余额"),
        ("承前页余额", "过次页余额"),
        ("承前页余额", "期末余额"),
    )
    for page, (opening, closing) in zip(pages, balances, strict=True):
        assert opening in page
        assert closing in page
    assert "第 2 页 共 3 页" in pages[1]
    assert "30.00" in pages[1]
    assert "借方合计" in pages[2]
    assert "借方合计" not in pages[1]


@pytest.mark.parametrize("write", [documents.write_csv, documents.write_pdf])
async def test_memory_does_not_grow_with_the_lines(books: Any, town: Any, write: Any) -> None:
    guest = await town.add_customer("王小芳")
    peaks = []
    for count in (1_000, 8_000):
        statement = lengthen(await books.open(guest.account_id), count)
        tracemalloc.start()
        size = 0
        async for piece in write(statement, make_long(statement, count)):
            size += len(piece)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert size > 10 * count
    # A few bytes for each page that stands in the table of places, and no more.
    assert peaks[1] < peaks[0] * 1.5 + 500_000
