"""What a message is, and which bytes, structures and values are refused."""

import io
import json
import tracemalloc
from pathlib import Path

import pytest
from msgspec import structs
from tests.payments.iso20022.messages import HEADER, TRANSFER, document, transfers
from typer.testing import CliRunner

from huitong.cli import app
from huitong.kernel.money import Money
from huitong.payments.iso20022 import (
    Checked,
    InvalidMessage,
    check_message,
    read_message,
    write_message,
)
from huitong.payments.iso20022.types import CustomerTransfers

ROOT = "FIToFICstmrCdtTrf"


def check(data: bytes) -> Checked:
    return check_message(io.BytesIO(data))


def read_transfers(data: bytes) -> CustomerTransfers:
    body = read_message(io.BytesIO(data)).body
    assert isinstance(body, CustomerTransfers)
    return body


def test_a_message_is_read_into_its_values() -> None:
    body = read_transfers(transfers())

    (transfer,) = body.transfers
    assert (body.header.message_id, body.header.count, body.header.method) == ("M1", 1, "CLRG")
    assert transfer.amount == Money(1050, "CNY")
    assert transfer.debtor.name == "张三"
    assert transfer.creditor.name == "Li & Co"
    assert transfer.creditor_agent.member == "102100099996"
    assert transfer.creditor_account is not None
    assert transfer.creditor_account.iban == "GB82WEST12345698765432"


def test_what_is_passed_over_is_named() -> None:
    extra = "</CdtrAcct><InstrForNxtAgt><InstrInf>x</InstrInf></InstrForNxtAgt>"
    data = transfers(body=TRANSFER.replace("</CdtrAcct>", extra))
    path = f"{ROOT}/CdtTrfTxInf/InstrForNxtAgt"
    assert check(data) == Checked("pacs.008.001.12", 2, (path,))


@pytest.mark.parametrize("version", ["01", "03", "99"])
def test_a_version_that_we_do_not_read_is_named(version: str) -> None:
    with pytest.raises(InvalidMessage, match=f"camt.053.001.{version} is not"):
        check(document("", f"camt.053.001.{version}"))


@pytest.mark.parametrize(
    ("old", "new", "path", "reason"),
    [
        ('Ccy="CNY">10.50</Intr', 'Ccy="CNY">1.005</Intr', "IntrBkSttlmAmt", "the 2 decimals"),
        ('Ccy="CNY">10.50</Intr', 'Ccy="JPY">1.5</Intr', "IntrBkSttlmAmt", "the 0 decimals"),
        ('Ccy="CNY">10.50</Intr', 'Ccy="XQQ">1</Intr', "IntrBkSttlmAmt", "ISO 4217"),
        ('Ccy="CNY">10.50</Intr', 'Ccy="CNY">-1</Intr', "IntrBkSttlmAmt", "not an amount"),
        ('Ccy="CNY">10.50</Intr', ">1</Intr", "IntrBkSttlmAmt", "no currency"),
        ('Ccy="CNY">10.50</Intr', 'Ccy="CNY" a="">1</Intr', "IntrBkSttlmAmt", "attribute"),
        ("GB82WEST", "GB83WEST", "CdtrAcct/Id/IBAN", "IBAN"),
        ("GB82WEST", "GB82 WEST", "CdtrAcct/Id/IBAN", "IBAN"),
        ("-48ba-", "-18ba-", "PmtId/UETR", "UETR"),
        (
            "102100099996</MmbId></ClrSysMmbId></FinInstnId></DbtrAgt>",
            "102100099997</MmbId></ClrSysMmbId></FinInstnId></DbtrAgt>",
            "DbtrAgt/FinInstnId/ClrSysMmbId/MmbId",
            "CNAPS",
        ),
        ("SLEV", "FREE", "ChrgBr", "one of CRED, DEBT, SHAR, SLEV"),
        ("E1", "E" * 36, "PmtId/EndToEndId", "1 to 35"),
        ("E1", "", "PmtId/EndToEndId", "1 to 35"),
        ("张三", "a\x7fb", "Dbtr/Nm", "character"),
        ("<EndToEndId>E1</EndToEndId>", "", "PmtId", "lacks EndToEndId before UETR"),
        ("<ChrgBr>SLEV</ChrgBr>", "", "", "lacks ChrgBr before Dbtr"),
        ("<ChrgBr>", "<Unknown/><ChrgBr>", "Unknown", "not known"),
        ("<ChrgBr>", "<PmtTpInf/><ChrgBr>", "PmtTpInf", "out of order"),
        ("<ChrgBr>", "<ChrgBr>SLEV</ChrgBr><ChrgBr>", "ChrgBr", "twice"),
        ("</IBAN>", "</IBAN><Othr/>", "CdtrAcct/Id/Othr", "beside its alternative"),
        ("<Cdtr>", "text<Cdtr>", "", "text where elements"),
        ("<Cdtr>", '<Cdtr xmlns="urn:other">', "urn:other Cdtr", "not known"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(old: str, new: str, path: str, reason: str) -> None:
    assert old in TRANSFER
    with pytest.raises(InvalidMessage, match=reason) as refused:
        check(transfers(body=TRANSFER + TRANSFER.replace(old, new, 1)))
    assert refused.value.field == f"{ROOT}/CdtTrfTxInf[2]" + (f"/{path}" if path else "")


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("<NbOfTxs>1", "<NbOfTxs>2", "NbOfTxs"),
        ("</NbOfTxs>", "</NbOfTxs><CtrlSum>10.51</CtrlSum>", "CtrlSum"),
        ('"CNY">10.50', '"CNY">10.51', "TtlIntrBkSttlmAmt"),
        ('"CNY">10.50', '"USD">10.50', "TtlIntrBkSttlmAmt"),
    ],
)
def test_a_header_that_says_something_else_is_refused(old: str, new: str, path: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        check(transfers(header=HEADER.replace(old, new)))
    assert refused.value.field == f"{ROOT}/GrpHdr/{path}"


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + transfers(),
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + transfers(),
        transfers(body=TRANSFER.replace("E1", "&b;")),
        transfers().decode().encode("utf-16"),
        b'<?xml version="1.0" encoding="GBK"?>' + transfers(),
        transfers().replace("张三".encode(), b"\xe9"),
        transfers().replace("张三".encode(), b"\0"),
        transfers()[:-4],
        transfers(body=TRANSFER + "<SplmtryData>" + "<A>" * 100 + "</A>" * 100 + "</SplmtryData>"),
        transfers(body=TRANSFER.replace("E1", "x" * 100_001)),
        transfers(body=f"{TRANSFER}<SplmtryData>{'x' * 100_001}</SplmtryData>"),
        b"",
        transfers()[:-11] + b"<A b='" + b"x" * 2_000_000,
        transfers()[:-11] + b"<!--" + b"x" * 2_000_000,
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        check(data)


def test_memory_does_not_grow_with_the_number_of_transfers() -> None:
    def peak(count: int) -> int:
        header = HEADER.replace("<NbOfTxs>1", f"<NbOfTxs>{count}").replace(
            '<TtlIntrBkSttlmAmt Ccy="CNY">10.50</TtlIntrBkSttlmAmt>', ""
        )
        passed = TRANSFER.replace("</CdtTrfTxInf>", "<SplmtryData/></CdtTrfTxInf>")
        data = io.BytesIO(transfers(header=header, body=passed * count))
        tracemalloc.start()
        try:
            assert check_message(data).parts == count + 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(3_000) < 1.5 * peak(300)


def test_a_value_that_cannot_be_written_is_refused_with_its_path() -> None:
    body = read_transfers(transfers())
    wrong = structs.replace(body.transfers[0], charge_bearer="FREE")
    with pytest.raises(InvalidMessage, match="must be one of") as refused:
        write_message(structs.replace(body, transfers=(wrong,)))
    assert refused.value.field == f"{ROOT}/CdtTrfTxInf[1]/ChrgBr"


def test_two_alternatives_are_not_written_side_by_side() -> None:
    body = read_transfers(transfers())
    agent = structs.replace(body.transfers[0].debtor_agent, proprietary_system="X")
    wrong = structs.replace(body.transfers[0], debtor_agent=agent)
    with pytest.raises(InvalidMessage, match="alternative"):
        write_message(structs.replace(body, transfers=(wrong,)))


def test_a_field_that_the_message_has_no_element_for_is_refused() -> None:
    body = read_transfers(transfers())
    account = structs.replace(body.transfers[0].creditor_account, owner=body.transfers[0].debtor)
    wrong = structs.replace(body.transfers[0], creditor_account=account)
    with pytest.raises(InvalidMessage, match="no element for owner") as refused:
        write_message(structs.replace(body, transfers=(wrong,)))
    assert refused.value.field == f"{ROOT}/CdtTrfTxInf[1]/CdtrAcct"


def test_the_command_says_what_is_wrong_and_where(tmp_path: Path) -> None:
    file = tmp_path / "message.xml"
    file.write_bytes(transfers(body=TRANSFER.replace("GB82", "GB83")))

    answer = CliRunner().invoke(app, ["iso20022", "check", str(file), "--json"])

    assert answer.exit_code == 1
    told = json.loads(answer.stdout)
    assert (told["valid"], told["path"]) == (False, f"{ROOT}/CdtTrfTxInf[1]/CdtrAcct/Id/IBAN")


def test_the_command_names_a_message(tmp_path: Path) -> None:
    file = tmp_path / "message.xml"
    file.write_bytes(transfers())

    answer = CliRunner().invoke(app, ["iso20022", "check", str(file), "--json"])

    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == {
        "valid": True,
        "message": "pacs.008.001.12",
        "parts": 2,
        "passed_over": [],
    }
