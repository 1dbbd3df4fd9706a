"""The fault run: its plan is repeatable, its accounting finds what is wrong, and we survive it."""

from typing import Any

import msgspec
import pytest

from huitong.bench import chaos
from huitong.bench.chaos import accounting
from huitong.bench.chaos.accounting import Findings
from huitong.bench.chaos.clients import Attempted, find_mistakes, is_definite, money
from huitong.bench.chaos.plan import FIRST_STRIKE_SECONDS, Victim, make_plan
from huitong.bench.types import Options
from huitong.kernel.ids import PAYMENT, show_id, uuid7
from huitong.ledger import TransferCode

PAYER = "acct_100000000190"
PAYEE = "acct_100000000287"
PAYER_ID, PAYEE_ID, FEE_ID = 100000000190, 100000000287, 100000000384


def acknowledged(amount: int = 250, fee: int = 0) -> Attempted:
    answer = {
        "id": show_id(PAYMENT, uuid7()),
        "status": "succeeded",
        "payer": PAYER,
        "payee": PAYEE,
        "amount": money(amount),
        "fee": money(fee),
    }
    return Attempted(
        key="chaos-1-0-1",
        payer=PAYER,
        payee=PAYEE,
        amount=amount,
        status=201,
        body=msgspec.json.encode(answer),
    )


def test_same_seed_makes_the_same_plan() -> None:
    assert make_plan(7, 60) == make_plan(7, 60)
    assert make_plan(7, 60) != make_plan(8, 60)


def test_shorter_run_is_the_beginning_of_a_longer_one() -> None:
    longer = make_plan(7, 120)
    shorter = make_plan(7, 40)
    assert longer[: len(shorter)] == shorter


def test_plan_of_twenty_seconds_meets_every_ordinary_victim() -> None:
    for seed in range(50):
        victims = {strike.victim for strike in make_plan(seed, 20)}
        assert victims >= {Victim.API, Victim.WORKER, Victim.BACKEND, Victim.POSTMASTER}


def test_strikes_are_in_order_and_within_the_run() -> None:
    times = [strike.at_seconds for strike in make_plan(3, 45)]
    assert times == sorted(times)
    assert times[0] == FIRST_STRIKE_SECONDS
    assert times[-1] <= 44


@pytest.mark.parametrize(
    ("status", "is_known"),
    [(201, True), (409, True), (422, True), (408, False), (429, False), (500, False), (503, False)],
)
def test_only_a_yes_or_a_no_is_definite(status: int, is_known: bool) -> None:
    assert is_definite(status) is is_known


def test_client_notices_an_answer_about_another_amount() -> None:
    payment = acknowledged(250)
    payment.amount = 251
    (mistake,) = find_mistakes(payment)
    assert mistake == (
        "chaos-1-0-1: amount is {'amount': '2.50', 'currency': 'CNY'}, "
        "not {'amount': '2.51', 'currency': 'CNY'}"
    )


def test_balances_follow_from_acknowledged_payments_only() -> None:
    refused = Attempted(key="k", payer=PAYER, payee=PAYEE, amount=999, status=409, body=b"{}")
    unknown = Attempted(key="k", payer=PAYER, payee=PAYEE, amount=999)
    found = accounting.expect_balances(
        {PAYER: 1_000, PAYEE: 0}, [acknowledged(250, fee=13), refused, unknown]
    )
    assert found == {PAYER: 750, PAYEE: 237}


def test_two_keys_with_one_payment_are_found() -> None:
    findings = Findings()
    payment = acknowledged()
    accounting.count_answers([payment, payment], findings)
    assert dict(findings.counts) == {"no two keys share a payment": 1}


def order_row(amount: int, fee: int) -> dict[str, Any]:
    return {
        "payer_account_id": PAYER_ID,
        "payee_account_id": PAYEE_ID,
        "amount": amount,
        "fee": fee,
    }


def journal_row(entry: object, code: TransferCode, debit: int, amount: int) -> dict[str, Any]:
    return {"entry": entry, "code": code, "debit_account_id": debit, "amount": amount}


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ([(TransferCode.PAYMENT, PAYER_ID, 500), (TransferCode.FEE, PAYEE_ID, 3)], []),
        (
            [(TransferCode.PAYMENT, PAYER_ID, 500)],
            ["no payment is there twice or half"],
        ),
        (
            [
                (TransferCode.PAYMENT, PAYER_ID, 500),
                (TransferCode.PAYMENT, PAYER_ID, 500),
                (TransferCode.FEE, PAYEE_ID, 3),
            ],
            ["no payment is there twice or half"],
        ),
        ([], ["no payment is there twice or half"]),
    ],
)
def test_payment_that_is_twice_or_half_in_the_journal_is_found(
    rows: list[tuple[TransferCode, int, int]], wrong: list[str]
) -> None:
    identifier = uuid7()
    findings = Findings()
    accounting._compare_journal(
        {identifier: order_row(500, 3)}, [journal_row(identifier, *row) for row in rows], findings
    )
    assert list(findings.counts) == wrong


def test_money_that_moved_without_a_payment_is_found() -> None:
    findings = Findings()
    accounting._compare_journal(
        {}, [journal_row(uuid7(), TransferCode.TRANSFER, PAYER_ID, 1)], findings
    )
    assert list(findings.counts) == ["no money moved without a payment"]


def test_keeps_every_promise_while_its_processes_are_killed() -> None:
    said: list[str] = []
    result = chaos.run_chaos(Options(seconds=20.0, seed=1823, say=said.append))
    figures = result.figures()
    assert figures["findings"] == {}
    assert result.is_clean
    assert figures["unresolved"] == 0
    assert figures["acknowledged"] > 0
    assert {struck.strike for struck in result.struck if struck.pid is not None} == set(
        make_plan(1823, 20.0)
    )
