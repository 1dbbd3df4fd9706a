"""The paper of a signed contract: what it shows, that it stays the same, that changes are seen."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.lending.loans.conftest import TERMS
from tests.payments.documents.papers import read_pages
from typer.testing import CliRunner

from huitong.cli import app
from huitong.lending import LoanTerms, Method, Product, contracts, costs
from huitong.lending.applications import digest_contract
from huitong.lending.loans import write_loan_terms
from huitong.payments.documents import ReceiptKeys, load_receipt_keys

BORROWER = uuid.UUID(int=7)


def make_signed(count: int = 12) -> contracts.SignedContract:
    terms = LoanTerms(
        principal=12_000_00, rate=120_000, count=count, method=Method.LEVEL_PAYMENT, use="household"
    )
    product = Product(
        id=1,
        code="cash",
        name_zh="现金贷",
        name_en="Cash loan",
        currency="CNY",
        version=1,
        effective_from=date(2026, 10, 1),
        terms=replace(TERMS, count_max=480),
        approval_id=uuid.UUID(int=1),
        agreed_at=datetime(2026, 10, 1, tzinfo=UTC),
    )
    statement = costs.make_statement(terms, product, on=date(2026, 10, 1))
    content: dict[str, Any] = {
        "application": "lap_01",
        "borrower": str(BORROWER),
        "parties": [[str(uuid.UUID(int=8)), "guarantor"]],
        "collateral": [["vehicle", "货车", 80_000_00]],
        "terms": write_loan_terms(terms),
        "cost_statement": costs.write_statement(statement),
    }
    return contracts.SignedContract(
        application_id=uuid.UUID(int=9),
        customer_id=BORROWER,
        loan_id=uuid.UUID(int=10),
        content=content,
        digest=digest_contract(content),
        signed_at=datetime(2026, 10, 1, 4, 5, 6, tzinfo=UTC),
        proof="stp_1",
    )


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> ReceiptKeys:
    return load_receipt_keys(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def paper(keys: ReceiptKeys) -> bytes:
    return contracts.draw_contract(keys, make_signed(), borrower="李雷")


def test_the_paper_shows_terms_costs_signature_and_schedule(paper: bytes) -> None:
    first, second = read_pages(paper)
    for words in (
        "贷款合同",
        "LOAN CONTRACT",
        "李雷",
        "保证人 Guarantor",
        "vehicle 货车 CNY 80,000.00",
        "CNY 12,000.00",
        "12.00 %",
        "等额本息 Level payments",
        "逾期罚息 Penalty interest, if late",
        # 794.23 of interest; 12 % nominal is 12.68 % effective.
        "CNY 794.23",
        "12.68 %",
        make_signed().digest.hex(),
        "2026-10-01 12:05:06 (UTC+8)",
        "stp_1",
        "Nothing is charged beside the costs listed above.",
    ):
        assert words in first, words
    for words in ("还款计划 Payments", "2026-11-01", "946.19", "1,066.19"):
        assert words in second, words


def test_a_long_loan_has_all_its_payments(keys: ReceiptKeys) -> None:
    pages = read_pages(contracts.draw_contract(keys, make_signed(120), borrower="李雷"))
    assert len(pages) == 5
    assert "2036-10-01" in pages[-1]
    assert all(f"第 {place} 页 共 5 页" in page for place, page in enumerate(pages, start=1))


def test_all_parties_and_all_collateral_are_shown_however_many(keys: ReceiptKeys) -> None:
    signed = make_signed()
    things = [["other", f"{place}号{'长' * 197}", place] for place in range(16)]
    people = [[str(uuid.UUID(int=place)), "co_borrower"] for place in range(8)]
    many = replace(signed, content={**signed.content, "collateral": things, "parties": people})
    pages = read_pages(contracts.draw_contract(keys, many, borrower="李雷"))
    text = "".join("".join(pages).split())
    assert text.count("共同借款人Co-borrower") == 8
    assert text.count("长") == 16 * 197
    assert all(f"CNY0.{place:02d}" in text for place in range(16))
    assert "Nothingischarged" in text


def test_the_same_contract_is_the_same_bytes_and_proves_itself(
    keys: ReceiptKeys, paper: bytes
) -> None:
    signed = make_signed()
    assert contracts.draw_contract(keys, signed, borrower="李雷") == paper
    assert contracts.check_contract(keys, paper) == (signed.content, signed.digest)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 2**31), other=st.integers(1, 255))
def test_a_changed_byte_is_seen(keys: ReceiptKeys, paper: bytes, place: int, other: int) -> None:
    changed = bytearray(paper)
    changed[place % len(paper)] ^= other
    with pytest.raises((contracts.ContractChanged, contracts.ContractUnreadable)):
        contracts.check_contract(keys, bytes(changed))


def test_other_files_and_other_homes_are_refused(
    keys: ReceiptKeys, paper: bytes, tmp_path: Path
) -> None:
    for other in (b"", b"%PDF-1.7", paper + b"\n", paper[:-1]):
        with pytest.raises(contracts.ContractUnreadable):
            contracts.check_contract(keys, other)
    with pytest.raises(contracts.ContractChanged):
        contracts.check_contract(load_receipt_keys(tmp_path), paper)


def test_the_command_tells_a_genuine_paper_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path))
    paper = contracts.draw_contract(load_receipt_keys(tmp_path), make_signed(), borrower="李雷")
    file = tmp_path / "contract.pdf"
    file.write_bytes(paper)
    command = ["lending", "verify-contract", str(file)]
    told = CliRunner().invoke(app, [*command, "--json"])
    assert json.loads(told.output)["sha256"] == make_signed().digest.hex()
    assert "核验通过 / genuine" in CliRunner().invoke(app, command).output
    file.write_bytes(paper.replace(b"/Creator (Huitong)", b"/Creator (huitong)"))
    told = CliRunner().invoke(app, [*command, "--json"])
    assert (told.exit_code, json.loads(told.output)["reason"]) == (1, "loan_contract_changed")
