"""Three banks: they join by two members of staff, pay each other, are netted, and settled."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from huitong.demo.day import StoryBroken, minor, money, yuan
from huitong.demo.settlement_day.office import Office
from huitong.kernel.money import Money

#: Head offices of ICBC, ABC and BOC.
_BANKS: Final = {
    "102100099996": ("工商银行", "ICBC"),
    "103100000026": ("农业银行", "ABC"),
    "104100000004": ("中国银行", "BOC"),
}
_CAP: Final = 1_000_000_00
_MONEY: Final = 500_000_00
_AT_ONCE: Final = 2
_WHY: Final = "清算协议 clearing agreement"


def play_clearing(office: Office) -> None:
    """Play one window of clearing from the first payment to settlement."""
    day = office.day
    day.stage.scene("清算：三家银行，一个场次", "Clearing: three banks, one window")
    for code, (zh, en) in _BANKS.items():
        _agree(
            office,
            "participants",
            {"participant": code, "name_zh": zh, "name_en": en, "net_debit_cap": money(_CAP)},
        )
        _agree(office, "deposits", {"participant": code, "amount": money(_MONEY)})
    due = dict.fromkeys(_BANKS, 0)
    payments, total, codes = [], 0, list(_BANKS)
    for place in range(6):
        debtor, creditor = codes[place % 3], codes[(place + 1 + place // 3) % 3]
        amount = day.some(20_000_00, 90_000_00)
        payments.append((debtor, creditor, Money(amount, "CNY").format()))
        due[debtor] -= amount
        due[creditor] += amount
        total += amount
    # Banks pay when they like: several commands at once.
    with ThreadPoolExecutor(_AT_ONCE) as clerks:
        list(clerks.map(lambda payment: _run(office, "pay", *payment), payments))
    _run(office, "settle", "--close")
    window = _find_settled(office)
    found = office.maker.read(f"/v1/clearing/windows/{window['id']}/positions")
    positions = {each["participant"]: _signed(each["due"]) for each in found["positions"]}
    day.check("轧差后应收应付 what each is due", positions == due, True)
    for code, amount in due.items():
        day.stage.aside(f"  {_BANKS[code][0]} {yuan(amount)}")
    day.check("合计为零 they sum to zero", sum(positions.values()), 0)
    moved = sum(amount for amount in due.values() if amount > 0)
    day.stage.tell(
        f"六笔共 {yuan(total)}，实际只划拨 {yuan(moved)}。",
        f"Six payments of {yuan(total)}; {yuan(moved)} move.",
    )
    day.check("一笔分录结清 settled in one entry", window["entry"] is not None, True)
    first = codes[0]
    statement = office.checker.read(
        f"/v1/clearing/windows/{window['id']}/statement", participant=first
    )
    signs = {"sent": -1, "received": 1}
    sums = sum(signs[each["side"]] * minor(each["amount"]) for each in statement["data"])
    day.check("对账单与头寸一致 its statement meets its position", sums, due[first])


def _agree(office: Office, path: str, body: dict[str, Any]) -> None:
    asked = office.maker.do(f"/v1/clearing/{path}", {**body, "reason": _WHY})
    office.checker.approve(asked)


def _run(office: Office, *arguments: str) -> None:
    done = office.operator.run("clearing", *arguments)
    if done.returncode:
        raise StoryBroken(f"huitong clearing {arguments[0]}: {done.stderr}", retryable=False)


def _find_settled(office: Office) -> dict[str, Any]:
    """Return the last window in which somebody paid; the worker may have closed others since."""
    windows = office.maker.read("/v1/clearing/windows")["data"]
    for window in windows:
        if window["state"] == "settled" and window["entry"] is not None:
            found: dict[str, Any] = window
            return found
    raise StoryBroken("no window is settled", retryable=False)


def _signed(shown: dict[str, str]) -> int:
    """Return the minor units of what a bank receives, or pays if it is negative."""
    amount = shown["amount"]
    if amount.startswith("-"):
        return -minor({**shown, "amount": amount.removeprefix("-")})
    return minor(shown)
