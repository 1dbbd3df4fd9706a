"""The paper of a receipt: what it shows, that it is always the same, and that changes are seen."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.payments.documents.papers import make_receipt, read_pages

from huitong.payments.documents import (
    PaperChanged,
    PaperUnreadable,
    ReceiptKeys,
    ReceiptKeysUnreadable,
    check_paper,
    draw_receipt,
    load_receipt_keys,
)


@pytest.fixture
def keys(tmp_path: Path) -> ReceiptKeys:
    return load_receipt_keys(tmp_path)


@pytest.fixture
def paper(keys: ReceiptKeys) -> bytes:
    return draw_receipt(keys, make_receipt(keys))


def test_the_paper_shows_everything_in_both_languages(keys: ReceiptKeys) -> None:
    receipt = make_receipt(keys)
    (text,) = read_pages(draw_receipt(keys, receipt))
    for part in (
        "电子回单",
        "ELECTRONIC RECEIPT",
        "王芳",
        "青云茶馆（杭州）有限公司",
        "1000****0190",
        "¥107,000.53",
        "人民币壹拾万柒仟元零伍角叁分",
        "消费 Payment",
        "2026-11-26 12:05:06 (UTC+8)",
        "tr_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
        "十一月货款",
        receipt.code,
        "20261126 1234 5678 9012 90",
    ):
        assert part in text, part


def test_the_same_receipt_is_the_same_bytes(keys: ReceiptKeys) -> None:
    receipt = make_receipt(keys)
    assert draw_receipt(keys, receipt) == draw_receipt(keys, receipt)


def test_threads_that_draw_at_once_draw_the_same(keys: ReceiptKeys) -> None:
    # Glyphs that no test before has drawn are read from the font by all of them.
    receipt = make_receipt(keys, purpose="鼎盛麒麟龘靐齉爨癵驫灪龖厵滟爩麤")
    with ThreadPoolExecutor(8) as pool:
        papers = set(pool.map(lambda _: draw_receipt(keys, receipt), range(16)))
    assert len(papers) == 1


def test_another_currency_has_no_capitals(keys: ReceiptKeys) -> None:
    (text,) = read_pages(draw_receipt(keys, make_receipt(keys, currency="USD", amount="12.30")))
    assert "USD 12.30" in text
    assert "人民币" not in text


def test_a_genuine_paper_is_recognised(keys: ReceiptKeys) -> None:
    receipt = make_receipt(keys)
    assert check_paper(keys, draw_receipt(keys, receipt)) == receipt


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_other_byte_is_found_out(keys: ReceiptKeys, paper: bytes, data: st.DataObject) -> None:
    # As often at the end, where the seal is, as anywhere else.
    place = data.draw(
        st.one_of(st.integers(0, len(paper) - 1), st.integers(len(paper) - 900, len(paper) - 1))
    )
    other = data.draw(st.integers(1, 255))
    changed = bytearray(paper)
    changed[place] ^= other
    with pytest.raises((PaperChanged, PaperUnreadable)):
        check_paper(keys, bytes(changed))


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7\n%%EOF\n", b"\0" * 3_000_000], ids=["nothing", "other", "large"]
)
def test_what_is_no_receipt_is_refused(keys: ReceiptKeys, content: bytes) -> None:
    with pytest.raises(PaperUnreadable):
        check_paper(keys, content)


def test_a_paper_of_another_home_is_not_ours(keys: ReceiptKeys, tmp_path: Path) -> None:
    other = load_receipt_keys(tmp_path / "other")
    with pytest.raises(PaperChanged):
        check_paper(keys, draw_receipt(other, make_receipt(other)))


def test_papers_stay_genuine_when_the_key_is_rotated(keys: ReceiptKeys, tmp_path: Path) -> None:
    receipt = make_receipt(keys)
    paper = draw_receipt(keys, receipt)
    assert load_receipt_keys(tmp_path).add_key() == 2
    assert keys.newest == 2
    assert check_paper(keys, paper) == receipt
    assert make_receipt(keys).code != receipt.code
    assert draw_receipt(keys, receipt) == paper


def test_facts_that_differ_have_codes_that_differ(keys: ReceiptKeys) -> None:
    codes = {make_receipt(keys, **{name: value}).code for name, value in (
        ("amount", "107000.53"), ("amount", "107000.54"), ("purpose", None), ("is_debit", False),
    )}  # fmt: skip
    assert len(codes) == 4


def test_processes_that_begin_together_have_one_key(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from huitong.payments.documents import load_receipt_keys; "
        "print(load_receipt_keys(pathlib.Path(sys.argv[1])).make_code(1, b'same'))"
    )
    begun = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    codes = {each.communicate(timeout=60)[0] for each in begun}
    assert len(codes) == 1
    assert len(codes.pop().strip()) == 23
    assert (tmp_path / "keys" / "receipts.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1, "keys": {}}', '{"format": 2}'])
def test_keys_that_cannot_be_read_stop_everything(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "receipts.json").write_text(content)
    with pytest.raises(ReceiptKeysUnreadable):
        load_receipt_keys(tmp_path)
