"""What a file may hold, and every way in which it may be wrong."""

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from huitong.cli import app
from huitong.kernel import limits
from huitong.kernel.money import Money
from huitong.ledger import make_account_number, show_account
from huitong.payments import bulk

ACCOUNT = show_account(make_account_number(1_000_000_001))
TITLES = "reference,account,name,amount,currency,note"


def make(*lines: str, count: int | None = None, total: str = "10.50") -> str:
    shown = len(lines) if count is None else count
    return "\n".join([f"huitong-bulk,1,payroll,CNY,{shown},{total}", TITLES, *lines, ""])


def line(**fields: str) -> str:
    values = {
        "reference": "A1",
        "account": ACCOUNT,
        "name": "李雷",
        "amount": "10.50",
        "currency": "CNY",
        "note": "十一月",
    }
    return ",".join((values | fields).values())


def check(content: bytes, charset: bulk.Charset = bulk.Charset.UTF_8) -> bulk.Checked:
    head, rows = bulk.find_reader(content, charset).read(content)
    return bulk.check_lines(head, rows)


def check_whole(content: bytes) -> bulk.Checked:
    bulk.identify(content)
    return check(content)


def problems(text: str | bytes) -> list[tuple[int, str, str]]:
    content = text.encode() if isinstance(text, str) else text
    return [(each.number, each.code.value, each.field) for each in check(content).problems]


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        (make(line()).encode(), bulk.Charset.UTF_8),
        (make(line()).encode("utf-8-sig"), bulk.Charset.UTF_8),
        (make(line()).replace("\n", "\r\n").encode(), bulk.Charset.UTF_8),
        (make(line()).encode("gb18030"), bulk.Charset.GB18030),
        (make(line(name='"李雷"')).encode(), bulk.Charset.UTF_8),
    ],
)
def test_a_sound_file_is_read_in_each_encoding(content: bytes, charset: bulk.Charset) -> None:
    checked = check(content, charset)
    assert checked.problems == []
    (found,) = checked.lines
    assert (found.reference, found.name, found.amount, found.note) == ("A1", "李雷", 1050, "十一月")
    assert show_account(found.account_id) == ACCOUNT
    assert checked.head.total == Money.parse("10.50", "CNY")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"amount": "10.500"}, "amount_decimals", "amount"),
        ({"amount": "0"}, "amount_not_positive", "amount"),
        ({"amount": "0.00"}, "amount_not_positive", "amount"),
        ({"amount": "-10.50"}, "amount_not_positive", "amount"),
        ({"amount": "1e3"}, "amount_malformed", "amount"),
        ({"amount": "１０"}, "amount_malformed", "amount"),
        ({"amount": "NaN"}, "amount_malformed", "amount"),
        ({"amount": "9" * 20}, "amount_too_large", "amount"),
        ({"amount": "=1+1"}, "formula", "amount"),
        ({"name": "=cmd|' /C calc'!A0"}, "formula", "name"),
        ({"note": "@SUM(1)"}, "formula", "note"),
        ({"reference": "=1"}, "formula", "reference"),
        ({"account": "+1"}, "formula", "account"),
        ({"currency": "-CNY"}, "formula", "currency"),
        ({"reference": "李"}, "reference_malformed", "reference"),
        ({"reference": ""}, "field_empty", "reference"),
        ({"name": ""}, "field_empty", "name"),
        ({"name": "x" * 129}, "field_too_long", "name"),
        ({"note": "x" * 61}, "field_too_long", "note"),
        ({"reference": "x" * 36}, "field_too_long", "reference"),
        ({"account": ACCOUNT[:-1] + "1"}, "account_unknown", "account"),
        ({"currency": "USD"}, "currency_wrong", "currency"),
        ({"note": "a\0b"}, "control_character", "line"),
        ({"note": "a\rb"}, "control_character", "line"),
        ({"note": '"x'}, "quotes_wrong", "line"),
        ({"note": "a,b"}, "fields_wrong", "line"),
        ({"note": "x" * limits.BULK_LINE_CHARACTERS_MAX}, "line_too_long", "line"),
        ({"note": "x" * 5_000_000}, "line_too_long", "line"),
    ],
)
def test_a_bad_line_is_named_with_its_reason(fields: dict[str, str], code: str, field: str) -> None:
    good = line(reference="B1")
    assert (2, code, field) in problems(make(good, line(**fields), total="21.00"))


def test_every_bad_line_is_told_with_all_its_reasons() -> None:
    text = make(line(amount="0", currency="USD"), line(reference="A1", name=""), line())
    assert problems(text) == [
        (1, "amount_not_positive", "amount"),
        (1, "currency_wrong", "currency"),
        (2, "field_empty", "name"),
        (2, "reference_duplicate", "reference"),
        (3, "reference_duplicate", "reference"),
    ]


def test_control_totals_must_meet_the_lines() -> None:
    assert problems(make(line(), count=2)) == [(0, "count_differs", "lines")]
    assert problems(make(line(), total="10.51")) == [(0, "total_differs", "total")]


def test_a_line_in_another_charset_is_one_bad_line() -> None:
    content = make(line(), total="21.00", count=2).encode() + line(reference="B").encode("gb18030")
    assert problems(content) == [(2, "charset_wrong", "line")]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "file"),
        (b"\n", "head"),
        (b"\0\0\0\0", "head"),
        (b"a,b", "head"),
        (b"huitong-bulk,1,bonus,CNY,1,1.00", "head.purpose"),
        (b"huitong-bulk,1,payroll,XYZ,1,1.00", "currency"),
        (b"huitong-bulk,1,payroll,CNY,x,1.00", "head.lines"),
        (b"huitong-bulk,1,payroll,CNY,1,1.001", "head.total"),
        (b"huitong-bulk,1,payroll,CNY,1,1.00\nname", "titles"),
        (b"PK\x03\x04 nothing else", "file"),
    ],
)
def test_what_is_no_file_of_payments_is_refused_by_name(content: bytes, field: str) -> None:
    with pytest.raises(bulk.BulkFileUnreadable) as refused:
        check_whole(content)
    assert refused.value.field == field


def test_too_many_bytes_and_too_many_lines_are_refused() -> None:
    with pytest.raises(bulk.BulkFileTooLarge):
        bulk.identify(bytes(limits.BULK_FILE_BYTES_MAX + 1))
    head = f"huitong-bulk,1,payroll,CNY,1,1.00\n{TITLES}\n".encode()
    with pytest.raises(bulk.BulkFileTooLarge):
        check(head + b"x\n" * (limits.BULK_LINES_MAX + 1))


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in [["huitong-bulk", 1, "payroll", "CNY", len(rows), 10.5], TITLES.split(","), *rows]:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_a_workbook_is_read_like_a_csv_with_numbers_as_they_are_shown() -> None:
    checked = check(workbook([7, ACCOUNT, "李雷", 10.5, "CNY", None]))
    assert checked.problems == []
    assert [(each.reference, each.amount) for each in checked.lines] == [("7", 1050)]


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (10.505, "amount_decimals"),
        (1234567890123.4567, "amount_decimals"),
        (-1, "amount_not_positive"),
        ("=1+1", "formula"),
        (True, "amount_malformed"),
    ],
)
def test_bad_cells_of_a_workbook_are_told(amount: Any, code: str) -> None:
    content = workbook(["A1", ACCOUNT, "李雷", amount, "CNY", ""])
    assert problems(content) == [(1, code, "amount")]


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    target = io.BytesIO(workbook())
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/bomb.xml", bytes(limits.BULK_UNPACKED_BYTES_MAX))
    with pytest.raises(bulk.BulkFileTooLarge):
        check(target.getvalue())


def test_entities_in_a_workbook_are_refused() -> None:
    source = zipfile.ZipFile(io.BytesIO(workbook(["A1", ACCOUNT, "李雷", 10.5, "CNY", ""])))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in source.infolist():
            body = source.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                body = b'<!DOCTYPE x [<!ENTITY e "10.50">]>' + body.split(b"?>")[-1]
            archive.writestr(part, body)
    with pytest.raises(bulk.BulkFileUnreadable):
        check(target.getvalue())


@given(st.binary(max_size=300), st.sampled_from(list(bulk.Charset)))
def test_whatever_the_bytes_are_lines_are_told_and_nothing_else_happens(
    tail: bytes, charset: bulk.Charset
) -> None:
    head = f"huitong-bulk,1,payroll,CNY,1,1.00\n{TITLES}\n".encode()
    checked = check(head + tail, charset)
    assert checked.problems
    assert all(each.code.zh and each.code.en for each in checked.problems)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=20))
def test_the_sum_of_what_is_read_is_the_total_that_was_written(amounts: list[int]) -> None:
    lines = [
        line(reference=f"R{at}", amount=Money(amount, "CNY").format())
        for at, amount in enumerate(amounts)
    ]
    checked = check(make(*lines, total=Money(sum(amounts), "CNY").format()).encode())
    assert checked.problems == []
    assert [each.amount for each in checked.lines] == amounts


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_cells_that_look_like_formulas_are_escaped(text: str) -> None:
    assert bulk.escape_cell(text) == f"'{text}"
    assert bulk.escape_cell("x" + text) == "x" + text


def test_the_command_tells_each_bad_line_in_both_languages(tmp_path: Path) -> None:
    file = tmp_path / "payroll.csv"
    file.write_text(make(line(amount="0")), encoding="utf-8")
    told = CliRunner().invoke(app, ["bulk", "check", str(file)])
    assert told.exit_code == 1
    assert "1: amount: 金额必须大于零 The amount is not above zero" in told.output
    file.write_text(make(line()), encoding="utf-8")
    told = CliRunner().invoke(app, ["bulk", "check", str(file)])
    assert told.exit_code == 0
    assert "payroll: 1 lines, 10.50 CNY" in told.output
