"""Files of payments as pain.001: the same lines and the same reasons as any other file has."""

import io
from typing import Any

import pytest

from huitong.kernel.database.unit_of_work import Caller
from huitong.ledger import AccountState
from huitong.payments import bulk, iso20022
from huitong.payments.bulk import ProblemCode, Purpose

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
PAYER = "acct_100000000190"


def line(number: int, amount: str = "10.00", **changed: str) -> str:
    account = changed.get("account", "acct_100000000287")
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>{changed.get('reference', f'R-{number}')}</EndToEndId>"
        f'</PmtId><Amt><InstdAmt Ccy="{changed.get("currency", "CNY")}">{amount}</InstdAmt></Amt>'
        f"<Cdtr><Nm>{changed.get('name', '李雷')}</Nm></Cdtr>"
        f"<CdtrAcct><Id><Othr><Id>{account}</Id></Othr></Id></CdtrAcct>"
        f"<RmtInf><Ustrd>{changed.get('note', '十一月')}</Ustrd></RmtInf></CdtTrfTxInf>"
    )


def write(
    *lines: str,
    total: str = "10.00",
    count: int | None = None,
    payer: str = PAYER,
    day: str = "2026-11-23",
    kind: str = "<PmtTpInf><CtgyPurp><Cd>SALA</Cd></CtgyPurp></PmtTpInf>",
    head: str = "",
) -> bytes:
    batch = (
        f"<PmtInf><PmtInfId>B-1</PmtInfId><PmtMtd>TRF</PmtMtd>{kind}"
        f"<ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt><Dbtr><Nm>茶馆</Nm></Dbtr>"
        f"<DbtrAcct><Id><Othr><Id>{payer}</Id></Othr></Id></DbtrAcct>"
        f"<DbtrAgt><FinInstnId><Nm>Huitong</Nm></FinInstnId></DbtrAgt>{''.join(lines)}</PmtInf>"
    )
    return (
        f'{head}<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn><GrpHdr><MsgId>M-1</MsgId>'
        f"<CreDtTm>2026-11-23T09:00:00+08:00</CreDtTm><NbOfTxs>{count or len(lines)}</NbOfTxs>"
        f"<CtrlSum>{total}</CtrlSum><InitgPty><Nm>茶馆</Nm></InitgPty></GrpHdr>"
        f"{batch}</CstmrCdtTrfInitn></Document>"
    ).encode()


def check(content: bytes) -> bulk.Checked:
    return bulk.check_lines(*bulk.find_reader(content).read(content))


def test_a_message_is_read_line_by_line() -> None:
    checked = check(write(line(1), line(2, "20.50", account="100000000384"), total="30.50"))
    assert checked.problems == []
    head = checked.head
    assert (head.purpose, head.currency, head.total.format()) == (Purpose.PAYROLL, "CNY", "30.50")
    assert (head.message_id, head.batch_id, head.payer) == ("M-1", "B-1", PAYER)
    assert [(each.reference, each.account_id, each.amount) for each in checked.lines] == [
        ("R-1", 100000000287, 1000),
        ("R-2", 100000000384, 2050),
    ]
    assert checked.lines[0].name == "李雷"
    assert checked.lines[0].note == "十一月"


def test_without_the_purpose_of_salaries_it_pays_suppliers() -> None:
    assert check(write(line(1), kind="")).head.purpose is Purpose.SUPPLIERS


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (line(2, "10.005"), ProblemCode.AMOUNT_DECIMALS),
        (line(2, "ten"), ProblemCode.AMOUNT_MALFORMED),
        (line(2, "-5.00"), ProblemCode.AMOUNT_NOT_POSITIVE),
        (line(2, "0.00"), ProblemCode.AMOUNT_NOT_POSITIVE),
        (line(2, "5.00", currency="USD"), ProblemCode.CURRENCY_WRONG),
        (line(2, "5.00", currency="XXQ"), ProblemCode.CURRENCY_WRONG),
        (line(2, reference="R-1"), ProblemCode.REFERENCE_DUPLICATE),
        (line(2, reference="R" * 36), ProblemCode.ELEMENT_WRONG),
        (line(2, name="=1+1"), ProblemCode.FORMULA),
        (line(2, note="@SUM(A1)"), ProblemCode.FORMULA),
        (line(2, account="nowhere"), ProblemCode.ACCOUNT_UNKNOWN),
    ],
)
def test_a_bad_line_has_its_reason_and_hides_no_other(bad: str, code: ProblemCode) -> None:
    worse = line(4, "1.2345")
    checked = check(write(line(1), bad, line(3, "2.00"), worse, total="99.00"))
    told = [(each.number, each.code) for each in checked.problems if each.number]
    assert told == [(2, code), (4, ProblemCode.AMOUNT_DECIMALS)]
    assert {each.number for each in checked.lines} == {1, 3}


def test_control_totals_are_compared() -> None:
    wrong_sum = check(write(line(1), total="10.01"))
    assert [each.code for each in wrong_sum.problems] == [ProblemCode.TOTAL_DIFFERS]
    wrong_count = check(write(line(1), count=2))
    assert [each.code for each in wrong_count.problems] == [ProblemCode.COUNT_DIFFERS]


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (write(line(1), head=LAUGHS), "document type"),
        (write(line(1), head='<!DOCTYPE x SYSTEM "file:///etc/passwd">'), "document type"),
        (write(line(1), head='<?xml version="1.0" encoding="GB18030"?>'), "UTF-8"),
        (write(line(1)).decode().encode("gb18030"), "UTF-8"),
        (b"<" + b"x" * 3_000_000, "markup"),
        (write(line(1))[:-20], "well-formed"),
        (write(line(1)).replace(b"pain.001.001.09", b"pacs.008.001.08"), "known"),
        (write(line(1)).replace(b"TRF", b"CHK"), "method"),
        (write(line(1)).replace(b"<CtrlSum>10.00</CtrlSum>", b""), "control sum"),
        (write(line(1)).replace(b"</PmtInf>", b"</PmtInf>" + b"<PmtInf/>"), "lacks"),
    ],
    ids=[
        "billion laughs", "external entity", "declares another charset", "is another charset",
        "endless tag", "cut off", "other message", "cheques", "no control sum", "second batch",
    ],
)  # fmt: skip
def test_what_is_no_file_of_payments_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(bulk.BulkFileUnreadable, match=told):
        check(content)


def test_two_batches_are_refused() -> None:
    content = write(line(1)).decode()
    batch = content[content.index("<PmtInf>") : content.index("</CstmrCdtTrfInitn>")]
    with pytest.raises(bulk.BulkFileUnreadable, match="one batch"):
        check(content.replace(batch, batch * 2).encode())


async def test_the_payer_must_be_the_business_and_the_day_must_have_come(office: Any) -> None:
    payer = f"acct_{office.merchant.account_id}"
    staff = office.staff[0]
    good = line(1, account=f"acct_{staff.account_id}", name="员工0")
    for given, expected in (
        ({"payer": payer}, []),
        ({"payer": PAYER}, [ProblemCode.PAYER_WRONG]),
        ({"payer": payer, "day": "2026-11-24"}, [ProblemCode.EXECUTION_LATER]),
    ):
        file = await office.submit(write(good, **given))
        problems = await office.town.read(bulk.list_problems, file)
        assert [each.code for each in problems.items] == expected


async def report(office: Any, file: bulk.BulkFile) -> iso20022.InitiationReport:
    pieces = bulk.write_report(office.town.database, Caller(actor="test"), file, now=office.now)
    content = b"".join([piece async for piece in pieces])
    message = iso20022.read_message(io.BytesIO(content))
    assert message.name == "pain.002.001.10"
    return message.body


def of_staff(office: Any, *amounts: str, **changed: str) -> list[str]:
    return [
        line(at, amount, account=f"acct_{office.staff[at].account_id}", name=f"员工{at}")
        for at, amount in enumerate(amounts)
    ]


async def test_the_answer_follows_the_file_to_its_end(office: Any) -> None:
    payer = f"acct_{office.merchant.account_id}"
    content = write(*of_staff(office, "10.00", "20.00", "30.00"), total="60.00", payer=payer)
    file = await office.submit(content)
    waiting = await report(office, file)
    assert (waiting.group.message_id, waiting.group.message_name) == ("M-1", "pain.001.001.09")
    assert waiting.group.status == "PDNG"
    assert (waiting.group.count, f"{waiting.group.control_sum}") == (3, "60.00")
    (batch,) = waiting.batches
    assert batch.id == "B-1"
    assert [(each.end_to_end_id, each.status) for each in batch.instructions] == [
        ("R-0", "PDNG"), ("R-1", "PDNG"), ("R-2", "PDNG"),
    ]  # fmt: skip
    await office.approve(file)
    assert (await report(office, await office.get(file))).group.status == "ACCP"
    await office.freeze(office.staff[1].account_id, AccountState.FROZEN)
    await office.pay_all()
    done = await report(office, await office.get(file))
    assert done.group.status == "PART"
    assert [each.status for each in done.batches[0].instructions] == ["ACSC", "RJCT", "ACSC"]
    (reason,) = done.batches[0].instructions[1].reasons
    assert reason.proprietary == "account_frozen"


async def test_the_answer_to_a_bad_file_names_every_line(office: Any) -> None:
    bad = write(line(1, "1.234"), line(2, account="nowhere"), total="2.23")
    file = await office.submit(bad)
    told = await report(office, file)
    assert told.group.status == "RJCT"
    assert [
        (each.status_id, each.status, each.reasons[0].proprietary)
        for each in told.batches[0].instructions
        if each.status_id != "0"
    ] == [("1", "RJCT", "amount_decimals"), ("2", "RJCT", "account_unknown")]


async def test_a_file_of_another_format_has_an_answer_too(office: Any) -> None:
    file = await office.submit(office.write((0, "10.00")))
    told = await report(office, file)
    assert (told.group.message_id, told.group.message_name) == (file.id.hex, "huitong-bulk")
    assert told.batches[0].id == "NOTPROVIDED"
