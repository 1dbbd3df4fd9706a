"""A bank that delays, loses answers and calls twice; and one whose no was not final."""

import time
from datetime import date, timedelta
from typing import Any, Final

from huitong.demo.cast import customer_body
from huitong.demo.client import Client
from huitong.demo.day import CURRENCY, Person, StoryBroken, minor, money, yuan
from huitong.demo.settlement_day.office import Office
from huitong.wiring.simulators import find_simulator

_RATES: Final = {
    "submit:lost_answer": 0.25,
    "submit:lost_request": 0.15,
    "submit:duplicate": 0.25,
    "query:delay": 0.15,
    "query:nonsense": 0.1,
    "callback:duplicate": 0.4,
    "callback:delay": 0.3,
    "callback:lost_answer": 0.1,
}
_WITHDRAWALS: Final = 8
_WAIT_SECONDS_MAX: Final = 60.0
_POLL_SECONDS: Final = 0.2


def play(office: Office) -> None:
    """Withdrawals over a channel that is trouble end once each; a late success is cured by two."""
    office.day.stage.scene("不可靠的通道", "A channel that cannot be relied on")
    at = find_simulator(office.operator.trial.home, "bank")
    if at is None:
        raise StoryBroken("no simulated bank runs on this platform")
    with Client(at, None) as bank:
        person = _fund(office)
        _withdraw_through_trouble(office, bank, person)
        _cure_late_success(office, bank, person)


def _fund(office: Office) -> Person:
    """Bring money in from a bank, a card and a wallet."""
    day = office.day
    mobile = f"194{int(day.run, 16) % 10**8:08d}"
    name = "温如玉"
    made = day.do("/v1/customers", customer_body(name, mobile, 3))
    person = Person(name, made["id"], made["account"], mobile)
    day.people.append(person)
    day.stage.tell("银行、银行卡、钱包各充值一笔。", "Money from a bank, a card and a wallet.")
    for way in ({}, {"card_token": "tok_4711"}, {"wallet_code": "134567890123456789"}):
        amount = day.some(100_000, 120_000)
        asked = {"account": person.account, "amount": money(amount), **way}
        order = day.wait_for_payment(day.do("/v1/top-ups", asked)["id"])
        day.check(f"+{yuan(amount)} {next(iter(way), 'bank')}", order["status"], "succeeded")
        person.posted += amount
    day.tie()
    return person


def _withdraw_through_trouble(office: Office, bank: Client, person: Person) -> None:
    day = office.day
    before = _read_file(bank, office.now().date())
    day.stage.tell(
        "银行延迟、丢失、重复应答，回调重复、乱序。",
        "The bank delays and loses answers; callbacks come twice and late.",
    )
    _expect(bank.put("/faults/rates", {"rates": _RATES, "seconds": 2.0}))
    amounts = [day.some(5_000, 9_000) for _ in range(_WITHDRAWALS)]
    orders = [
        day.do("/v1/withdrawals", {"account": person.account, "amount": money(amount)})
        for amount in amounts
    ]
    for amount, order in zip(amounts, orders, strict=True):
        ended = day.wait_for_payment(order["id"])
        day.check(f"-{yuan(amount)}", ended["status"], "succeeded")
        person.posted -= amount
    _expect(bank.put("/faults/rates", {"rates": {}}))
    after = _read_file(bank, office.now().date())
    day.check("银行记账笔数 lines in the bank's file", after[0] - before[0], len(amounts))
    day.check("银行记账金额 sum in the bank's file", after[1] - before[1], sum(amounts))
    day.tie()


def _cure_late_success(office: Office, bank: Client, person: Person) -> None:
    day, amount = office.day, office.day.some(20_000, 30_000)
    day.stage.tell(
        "银行先说失败，后来却付了款：挂账、停用通道、两人处理。",
        "The bank says no and pays after all: suspense, the channel is off, two people cure it.",
    )
    late = {"kind": "late_success", "on": "submit", "times": 1, "seconds": 60.0}
    _expect(bank.post("/faults", late))
    asked = {"account": person.account, "amount": money(amount)}
    order = day.do("/v1/withdrawals", asked)
    day.check("先失败 no at first", day.wait_for_payment(order["id"])["status"], "failed")
    office.wait_until(office.now() + timedelta(hours=1, minutes=5))
    found = _wait_for_break(office, order["id"])
    day.check("差错金额 amount of the break", found["amount"], money(amount))
    channel = _find_channel(office, "bank")
    day.check("通道已停用 the channel is switched off", channel["is_enabled"], False)
    day.refused("/v1/withdrawals", asked, code="no_channel")
    cure = {
        "attempt": found["attempt"],
        "kind": found["kind"],
        "cure": "book",
        "reason": "the bank showed that it paid",
    }
    office.checker.approve(office.maker.do("/v1/channel-breaks/cures", cure))
    person.posted -= amount
    day.tie()
    on = office.maker.do("/v1/channels/bank/switch-on", {"reason": "the bank mended it"})
    office.checker.approve(on)
    left = office.maker.read("/v1/channel-breaks", is_open="true")["data"]
    mine = [each for each in left if each["payment"] == order["id"]]
    day.check("差错已清 no open break of it", len(mine), 0)


def _find_channel(office: Office, name: str) -> dict[str, Any]:
    channels = office.maker.read("/v1/channels")["data"]
    found: dict[str, Any] = next(each for each in channels if each["name"] == name)
    return found


def _wait_for_break(office: Office, payment_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        breaks = office.maker.read("/v1/channel-breaks", is_open="true")["data"]
        mine: list[dict[str, Any]] = [one for one in breaks if one["payment"] == payment_id]
        if mine:
            return mine[0]
        time.sleep(_POLL_SECONDS)
    raise StoryBroken(f"nobody found out that {payment_id} was paid. Does a worker run?")


def _read_file(bank: Client, day: date) -> tuple[int, int]:
    """Return how many payouts stand in the bank's file of a day, and their sum in fen."""
    answer = bank.get(f"/files/{day}")
    rows = [line.split(",") for line in answer.content.decode().splitlines()[2:]]
    paid = [row for row in rows if row[3] == "out" and row[7] == "succeeded"]
    return len(paid), sum(minor({"amount": row[4], "currency": CURRENCY}) for row in paid)


def _expect(answer: Any) -> None:
    if not answer.is_success:
        raise StoryBroken(f"the simulated bank answered {answer.status}")
