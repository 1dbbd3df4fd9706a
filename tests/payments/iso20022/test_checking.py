"""What a message is, and which bytes and values are refused."""

import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from huitong.cli import app
from huitong.payments.iso20022 import Checked, InvalidMessage, check_message

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"


def document(body: str, message: str = "pacs.008.001.12") -> bytes:
    return f'<Document xmlns="{NAMESPACE}{message}">{body}</Document>'.encode()


def check(data: bytes) -> Checked:
    return check_message(io.BytesIO(data))


def test_a_message_is_named_and_counted() -> None:
    body = '<A><Amt Ccy="CNY">10.50</Amt><IBAN>GB82WEST12345698765432</IBAN></A>'
    assert check(document(body)) == Checked("pacs.008.001.12", 4)


@pytest.mark.parametrize("version", ["01", "03"])
def test_a_version_that_we_do_not_read_is_named(version: str) -> None:
    with pytest.raises(InvalidMessage, match=f"camt.053.001.{version} is not"):
        check(document("", f"camt.053.001.{version}"))


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ('<Amt Ccy="CNY">1.005</Amt>', "more than the 2 decimals"),
        ('<Amt Ccy="JPY">1.5</Amt>', "more than the 0 decimals"),
        ('<Amt Ccy="XQQ">1</Amt>', "ISO 4217"),
        ('<Amt Ccy="CNY">-1</Amt>', "not an amount"),
        ("<IBAN>GB83WEST12345698765432</IBAN>", "IBAN"),
        ("<IBAN>GB82 WEST12345698765432</IBAN>", "IBAN"),
        ("<LEI>1</LEI>", "LEI"),
        ("<BICFI>NOTABIC</BICFI>", "BIC"),
        ("<LEI>00000000000000000000</LEI>", "LEI"),
        ("<UETR>8a562c67-ca16-18ba-b074-65581be6f001</UETR>", "UETR"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(element: str, reason: str) -> None:
    name = element[1:].partition(">")[0].partition(" ")[0]
    body = f"<FI><Tx/><Tx>{element}</Tx></FI>"
    with pytest.raises(InvalidMessage, match=reason) as refused:
        check(document(body))
    assert refused.value.field == f"FI/Tx[2]/{name}"


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + document("<A>&b;</A>"),
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + document(""),
        document("").decode().encode("utf-16"),
        b'<?xml version="1.0" encoding="GBK"?>' + document(""),
        document("<A>\xe9</A>").decode().encode("latin-1"),
        document("<A>\x00</A>"),
        document("<A/>")[:-4],
        document("<A>" * 100 + "</A>" * 100),
        document("<A>" + "x" * 100_001 + "</A>"),
        b"",
        document("")[:-11] + b"<A b='" + b"x" * 2_000_000,
        document("")[:-11] + b"<!--" + b"x" * 2_000_000,
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        check(data)


def test_the_command_says_what_is_wrong_and_where(tmp_path: Path) -> None:
    file = tmp_path / "message.xml"
    file.write_bytes(document("<A><LEI>1</LEI></A>"))

    answer = CliRunner().invoke(app, ["iso20022", "check", str(file), "--json"])

    assert answer.exit_code == 1
    told = json.loads(answer.stdout)
    assert (told["valid"], told["path"]) == (False, "A/LEI")


def test_the_command_names_a_message(tmp_path: Path) -> None:
    file = tmp_path / "message.xml"
    file.write_bytes(document("<A/>"))

    answer = CliRunner().invoke(app, ["iso20022", "check", str(file), "--json"])

    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == {"valid": True, "message": "pacs.008.001.12", "elements": 2}
