"""Counting after a fault run: what clients were told against what is in the books.

Three witnesses are compared: the clients' answers, the database's rows, the API's balances.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import asyncpg
import httpx
import msgspec

from huitong.bench.chaos.clients import Attempted, ask
from huitong.kernel.ids import PAYMENT, read_id
from huitong.kernel.money import Money
from huitong.ledger import TransferCode, read_account

_ASKED_AGAIN_MAX: Final = 300
_EXAMPLES_MAX: Final = 5

_ORDERS: Final = """
SELECT id, status, amount, fee, payer_account_id, payee_account_id
  FROM payments.orders WHERE kind NOT IN ('top_up', 'withdrawal')
"""
_JOURNAL: Final = """
SELECT coalesce(entry_id, id) AS entry, debit_account_id, credit_account_id, amount, code
  FROM ledger.transfers WHERE code = ANY($1::smallint[])
"""
_EVENTS: Final = """
SELECT payload->>'order_id' AS order_id, count(*) AS times
  FROM kernel.outbox
 WHERE topic = 'payments.PaymentSucceeded.v1'
   AND payload->>'kind' NOT IN ('top_up', 'withdrawal')
 GROUP BY 1
"""
_CODES: Final = (TransferCode.TRANSFER, TransferCode.PAYMENT, TransferCode.FEE)

Row: TypeAlias = Any


class Findings:
    """What did not come out right, by question; empty when the platform kept its promises."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}

    def add(self, question: str, example: str) -> None:
        """Note one thing that is wrong."""
        self.counts[question] += 1
        some = self.examples.setdefault(question, [])
        if len(some) < _EXAMPLES_MAX:
            some.append(example)

    def to_json(self) -> dict[str, Any]:
        """Return every question that was answered wrongly, with its count and examples."""
        return {
            question: {"count": count, "examples": self.examples[question]}
            for question, count in self.counts.items()
        }


def count_answers(payments: Sequence[Attempted], findings: Findings) -> None:
    """Check what clients saw: each payment resolved, one answer to each key, no id twice."""
    for payment in payments:
        for complaint in payment.complaints:
            findings.add("clients get one definite, right answer", f"{payment.key}: {complaint}")
    ids = Counter(payment.answer["id"] for payment in payments if payment.is_acknowledged)
    for identifier, times in ids.items():
        if times > 1:
            findings.add("no two keys share a payment", f"{identifier} was given {times} times")


async def count_rows(url: str, payments: Sequence[Attempted], findings: Findings) -> None:
    """Compare orders, journal and events in the database at `url` to what was acknowledged."""
    connection = await asyncpg.connect(url)
    try:
        orders = await connection.fetch(_ORDERS)
        journal = await connection.fetch(_JOURNAL, [int(code) for code in _CODES])
        events = await connection.fetch(_EVENTS)
    finally:
        await connection.close()
    acknowledged = {
        read_id(PAYMENT, payment.answer["id"], field="id"): payment
        for payment in payments
        if payment.is_acknowledged
    }
    found = {order["id"]: order for order in orders}
    for identifier in acknowledged.keys() - found.keys():
        findings.add("no acknowledged payment is lost", str(identifier))
    for identifier in found.keys() - acknowledged.keys():
        findings.add("no payment stands that nobody was told of", str(found[identifier]))
    for identifier in acknowledged.keys() & found.keys():
        _compare_order(acknowledged[identifier], found[identifier], findings)
    _compare_journal(found, journal, findings)
    times = {event["order_id"]: event["times"] for event in events}
    for identifier in found:
        if times.pop(str(identifier), 0) != 1:
            findings.add("each payment has one event", str(identifier))
    for stranger in times:
        findings.add("each event has its payment", str(stranger))


def _compare_order(payment: Attempted, order: Row, findings: Findings) -> None:
    expected = (
        "succeeded",
        payment.amount,
        read_account(payment.payer, field="payer"),
        read_account(payment.payee, field="payee"),
    )
    actual = (
        order["status"],
        order["amount"],
        order["payer_account_id"],
        order["payee_account_id"],
    )
    if actual != expected:
        findings.add("each order is what was asked for", f"{payment.key}: {actual}, not {expected}")


def _compare_journal(orders: dict[Any, Row], journal: Sequence[Row], findings: Findings) -> None:
    """Each order has exactly its transfers: the payment, and the fee if there is one."""
    entries: dict[Any, list[Row]] = {}
    for row in journal:
        entries.setdefault(row["entry"], []).append(row)
    for identifier, order in orders.items():
        moved = sorted(
            (row["code"] == TransferCode.FEE, row["debit_account_id"], row["amount"])
            for row in entries.pop(identifier, [])
        )
        expected = [(False, order["payer_account_id"], order["amount"])]
        if order["fee"]:
            expected.append((True, order["payee_account_id"], order["fee"]))
        if moved != expected:
            findings.add("no payment is there twice or half", f"{identifier}: {moved}")
    for stranger in entries:
        findings.add("no money moved without a payment", str(stranger))


def expect_balances(opening: dict[str, int], payments: Sequence[Attempted]) -> dict[str, int]:
    """Return each account's balance in minor units as it follows from the answers alone."""
    balances = dict(opening)
    for payment in payments:
        if payment.is_acknowledged:
            fee = Money.parse(payment.answer["fee"]["amount"], "CNY").minor
            balances[payment.payer] -= payment.amount
            balances[payment.payee] += payment.amount - fee
    return balances


async def compare_balances(
    http: httpx.AsyncClient, expected: dict[str, int], findings: Findings
) -> None:
    """Ask the API for every balance and compare."""
    for account, minor in expected.items():
        answer = (await http.get(f"/v1/accounts/{account}/balance")).raise_for_status().json()
        found = Money.parse(answer["balance"]["amount"], "CNY").minor
        if found != minor:
            findings.add("balances follow from the answers", f"{account}: {found}, not {minor}")


async def ask_again(
    http: httpx.AsyncClient, payments: Sequence[Attempted], seed: int, findings: Findings
) -> int:
    """Send some of the requests once more; each must get its first answer. Returns how many."""
    chance = random.Random(f"chaos again {seed}")  # noqa: S311 - it is to be repeatable
    definite = [payment for payment in payments if payment.status is not None]
    some = chance.sample(definite, min(len(definite), _ASKED_AGAIN_MAX))
    for payment in some:
        again = await ask(http, payment)
        if again != (payment.status, payment.body):
            findings.add(
                "the same key gets the same answer", f"{payment.key}: {again}, not {payment.body!r}"
            )
    return len(some)


async def wait_for_events(url: str, seconds_max: float) -> bool:
    """Wait until the worker has told every event; False if some are still waiting."""
    connection = await asyncpg.connect(url)
    try:
        for _ in range(max(1, round(seconds_max / 0.2))):
            waiting = await connection.fetchval(
                "SELECT count(*) FROM kernel.outbox WHERE delivered_at IS NULL"
            )
            if waiting == 0:
                return True
            await asyncio.sleep(0.2)
    finally:
        await connection.close()
    return False


def read_problem_code(payment: Attempted) -> str:
    """Return the code of the problem that a refused payment was answered with."""
    try:
        return str(payment.answer.get("code"))
    except msgspec.DecodeError:
        return "not a problem document"
