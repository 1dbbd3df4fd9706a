"""Credit reports over a real socket: signed, measured, and trouble of every kind endured."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn

from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import uuid7
from huitong.lending import bureau
from huitong.lending.bureau.simulator import make_up

NUMBER = "110105199003077833"
QUESTION = bureau.Question(name="李小满", id_number=NUMBER, consent="cst_1")
TODAY = date(2026, 10, 1)


@pytest.fixture(scope="module")
def simulator() -> bureau.BureauSimulator:
    return bureau.BureauSimulator(clock=SystemClock())


@pytest.fixture(scope="module")
def url(simulator: bureau.BureauSimulator) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(simulator.application(), lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()


@contextlib.asynccontextmanager
async def client(url: str, **changes: Any) -> Any:
    values = {"secret": bureau.SIMULATED_SECRET, "clock": SystemClock()} | changes
    async with bureau.HttpBureau(url, **values) as made:
        yield made


def report(**changes: Any) -> bureau.Report:
    account = bureau.Account(
        lender="BANK_A",
        kind=bureau.AccountKind.CONSUMER_LOAN,
        opened_on=date(2024, 10, 1),
        amount=1_000_000,
        balance=400_000,
        repayment=50_000,
        months="NN2NN",
    )
    values: dict[str, Any] = {
        "number": "R-1",
        "made_on": TODAY,
        "summary": bureau.Summary(fund_base=900_000),
        "accounts": (account,),
    }
    return bureau.Report(**(values | changes))


async def test_what_was_told_comes_back_and_counts_as_one_enquiry(
    url: str, simulator: bureau.BureauSimulator
) -> None:
    async with httpx.AsyncClient(base_url=url) as operator:
        told = await operator.put(f"/people/{NUMBER}", content=msgspec.json.encode(report()))
        assert told.status_code == 200
    before, request_id = simulator.enquiries, uuid7()
    async with client(url) as asked:
        first = await asked.ask(QUESTION, request_id=request_id)
        again = await asked.ask(QUESTION, request_id=request_id)
        later = await asked.ask(QUESTION, request_id=uuid7())
    assert first.verdict is bureau.Verdict.FOUND
    assert (first.report.accounts, first.report.inquiries) == (report().accounts, ())
    assert again == first
    assert [each.by for each in later.report.inquiries] == [bureau.OWN_LENDER]
    assert simulator.enquiries == before + 2


@pytest.mark.parametrize(
    ("kind", "trouble", "attempts"),
    [
        ("error", bureau.Trouble.BROKEN, 2),
        ("lost_answer", bureau.Trouble.BROKEN, 2),
        ("refuse", bureau.Trouble.REFUSED, 1),
        ("wrong_request", bureau.Trouble.OTHER_REQUEST, 2),
        ("forged", bureau.Trouble.NOT_AUTHENTIC, 2),
        ("garbage", bureau.Trouble.MEANINGLESS, 2),
        ("flood", bureau.Trouble.MEANINGLESS, 2),
        ("late", bureau.Trouble.TIMED_OUT, 2),
    ],
)
async def test_trouble_is_an_answer_and_once_is_overcome(
    url: str, kind: str, trouble: bureau.Trouble, attempts: int
) -> None:
    async with httpx.AsyncClient(base_url=url) as operator, client(url, timeout_seconds=0.5) as me:
        await operator.post("/faults", json={"kind": kind, "times": 2, "seconds": 0.7})
        found = await me.ask(QUESTION, request_id=uuid7())
        assert (found.verdict, found.trouble) == (bureau.Verdict.UNAVAILABLE, trouble)
        assert (found.attempts, found.report) == (attempts, None)
        await operator.delete("/faults")
        if attempts == 2:
            await operator.post("/faults", json={"kind": kind, "seconds": 0.7})
            found = await me.ask(QUESTION, request_id=uuid7())
            assert (found.verdict, found.attempts) == (bureau.Verdict.FOUND, 2)


async def test_nobody_there_and_a_wrong_secret(url: str) -> None:
    async with client("http://127.0.0.1:9") as asked:
        found = await asked.ask(QUESTION, request_id=uuid7())
    assert found.trouble is bureau.Trouble.UNREACHABLE
    async with client(url, secret=b"another") as asked:
        found = await asked.ask(QUESTION, request_id=uuid7())
    assert found.trouble is bureau.Trouble.REFUSED


async def test_a_report_that_is_too_long_to_be_kept_is_none(
    url: str, simulator: bureau.BureauSimulator
) -> None:
    account = msgspec.structs.replace(report().accounts[0], months="N" * 60)
    simulator.people["1"] = report(accounts=(account,) * 400)
    question = bureau.Question(name="李小满", id_number="1", consent="cst_1")
    async with client(url) as asked:
        found = await asked.ask(question, request_id=uuid7())
    assert (found.trouble, found.report) == (bureau.Trouble.MEANINGLESS, None)


def test_made_up_reports_are_always_the_same() -> None:
    many = [make_up(f"{number:018d}", TODAY) for number in range(300)]
    assert many == [make_up(f"{number:018d}", TODAY) for number in range(300)]
    assert 10 < sum(each is None for each in many) < 60


def test_a_report_comes_to_debts_delays_and_enquiries() -> None:
    asked = [
        bureau.Inquiry(by="BANK_C", on=date(2026, 9, 15), reason=bureau.InquiryReason.LOAN),
        bureau.Inquiry(by="BANK_C", on=date(2026, 8, 15), reason=bureau.InquiryReason.LOAN),
        bureau.Inquiry(by="BANK_C", on=date(2026, 9, 15), reason=bureau.InquiryReason.OWN),
        bureau.Inquiry(by="HUITONG", on=date(2026, 9, 15), reason=bureau.InquiryReason.LOAN),
    ]
    card = bureau.Account(
        lender="BANK_B",
        kind=bureau.AccountKind.CREDIT_CARD,
        opened_on=date(2016, 10, 1),
        amount=1_000_000,
        balance=250_000,
        repayment=10_000,
        overdue=5_000,
        months="7" + "N" * 30 + "1",
    )
    own = msgspec.structs.replace(report().accounts[0], lender="HUITONG")
    found = bureau.measure_report(
        report(accounts=(*report().accounts, card, own), inquiries=tuple(asked)), on=TODAY
    )
    assert (found.debts, found.monthly_repayments, found.exposure) == (650_000, 60_000, 650_000)
    assert (found.overdue_days, found.overdue_days_24m, found.inquiries_30d) == (30, 60, 1)
    assert (found.history_months, found.card_utilisation) == (120, 0.25)
    assert (found.lenders, found.fund_base) == ({"BANK_A", "BANK_B"}, 900_000)


def test_a_report_out_of_shape_is_none() -> None:
    text = msgspec.json.encode(report()).replace(b"NN2NN", b"NN9NN")
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=bureau.Report)
