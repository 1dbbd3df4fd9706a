"""Scene: the night's file of the channel, and five differences that two members of staff cure.

People put money in by day. After midnight the bank's file is fetched, and somebody at the bank got
it wrong: an amount, a payment left out, one twice, one of nobody, a fee. `huitong reconcile` finds
exactly these; each is cured by two, suspense returns to zero, and the trial balance ties.
"""

import json
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import httpx

from huitong import payments
from huitong.demo.cast import customer_body
from huitong.demo.day import Person, StoryBroken, money
from huitong.demo.settlement_day.office import Office
from huitong.wiring.simulators import find_simulator

_CHANNEL: Final = "bank"
_BREAKS_WAIT: Final = 3
_NAMES: Final = ("孙一", "钱二", "赵三", "周四", "吴五")
#: What the bank wrote too much of the first payment, and what it carried for nobody, in fen.
_TOO_MUCH: Final = 30_00
_NOBODYS: Final = 50_00
#: How each kind of difference is cured, and with what words.
_CURES: Final = {
    "amount_differs": ("suspense", "the bank holds more than we booked"),
    "missing_at_channel": ("replay", "ask the bank again"),
    "doubled_in_file": ("accept", "the bank says that it wrote the line twice"),
    "unknown_reference": ("suspense", "money of nobody that we know"),
    "fee_differs": ("accept_fee", "the new price list counts"),
}


@dataclass(frozen=True, slots=True)
class _Paid:
    """A person and the amount of their top-up, with the id that the channel knows it by."""

    person: Person
    amount: int
    payment: str


def play(office: Office) -> None:
    """Play the scene."""
    office.day.stage.scene(
        "夜间对账：文件、差错、挂账归零", "The night's file, its breaks, suspense"
    )
    # A day of its own, so that the file has nothing of other scenes.
    office.wait_until(office.at(1, 10))
    on = office.now().date()
    paid = [_top_up(office, name, at) for at, name in enumerate(_NAMES, 1)]
    # After midnight, and before the worker asks for the file itself.
    office.wait_until(office.at(1, 0, 20))
    _reconcile(office, on, _spoil(_fetch(office, on), paid))
    found = _read_breaks(office, on)
    for each in found:
        _cure(office, each)
    office.day.check("待处理 breaks that wait", len(_read_breaks(office, on)), 0)
    _clear_suspense(office, {each["id"]: each["kind"] for each in found}, paid[0])
    office.day.tie()
    for book in office.day.read("/v1/ledger/trial-balance")["data"]:
        office.day.check(f"试算平衡 trial balance {book['currency']}", book["is_tied"], True)


def _top_up(office: Office, name: str, at: int) -> _Paid:
    day, amount = office.day, at * 100_00
    mobile = f"17{at}{int(day.run, 16) % 10**8:08d}"
    made = day.do("/v1/customers", customer_body(name, mobile, 3))
    person = Person(name, made["id"], made["account"], mobile)
    day.people.append(person)
    order = day.do("/v1/top-ups", {"account": person.account, "amount": money(amount)})
    settled = day.wait_for_payment(order["id"])
    day.check(f"{name} 充值 top-up", settled["status"], "succeeded")
    person.posted += amount
    return _Paid(person, amount, order["id"])


def _fetch(office: Office, on: date) -> list[str]:
    """Return the lines of the bank's file for a day, without its head."""
    url = find_simulator(office.operator.trial.home, _CHANNEL)
    if url is None:
        raise StoryBroken("the platform has no simulated bank")
    answer = httpx.get(f"{url}/files/{on.isoformat()}", timeout=10.0)
    answer.raise_for_status()
    lines = answer.text.splitlines()[2:]
    office.day.check("渠道文件笔数 lines of the bank's file", len(lines), len(_NAMES))
    return lines


def _spoil(lines: list[str], paid: list[_Paid]) -> list[str]:
    """Return the file as it comes from a bank that has a bad night."""
    rows = {int(row[4].replace(".", "")): row for row in (line.split(",") for line in lines)}
    first, _, third, fourth, fifth = (rows[each.amount] for each in paid)
    first[4] = _show(paid[0].amount + _TOO_MUCH)
    fourth[6] = "0.35"
    nobody = [*fifth[:1], "", "NOBODY-1", "in", _show(_NOBODYS), "CNY", "0.00", *fifth[7:]]
    return [",".join(row) for row in (first, third, third, fourth, fifth, nobody)]


def _reconcile(office: Office, on: date, lines: list[str]) -> None:
    """Let the operator's command compare the day with the file."""
    rows = [line.split(",") for line in lines]
    total = sum(int(row[4].replace(".", "")) for row in rows)
    fees = sum(int(row[6].replace(".", "")) for row in rows)
    head = payments.reconciliation.Head(_CHANNEL, on, len(rows), {"CNY": (total, 0, fees)})
    text = "".join(f"{line}\n" for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bank.csv"
        path.write_bytes(payments.reconciliation.write_head(head) + text.encode())
        arguments = ("--day", on.isoformat(), "--file", str(path), "--json")
        done = office.operator.run("reconcile", *arguments)
    office.day.check("huitong reconcile", done.returncode, _BREAKS_WAIT)
    report = json.loads(done.stdout)
    office.day.check("对平 lines that agree", report["files"][0]["matched"], 2)
    office.day.check("差错 breaks", report["waiting"], len(_CURES))


def _read_breaks(office: Office, on: date) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = office.checker.read(
        "/v1/reconciliation/breaks", day=on.isoformat()
    )["data"]
    return found


def _cure(office: Office, found: dict[str, Any]) -> None:
    cure, reason = _CURES[found["kind"]]
    asked = office.maker.do(
        f"/v1/reconciliation/breaks/{found['id']}/cure", {"cure": cure, "reason": reason}
    )
    decided = office.checker.approve(asked)
    name = f"{found['kind_zh']} {found['kind_en']} → {cure}"
    office.day.check(name, decided["approval"]["outcome"]["state"], "cured")


def _clear_suspense(office: Office, kinds: dict[str, str], first: _Paid) -> None:
    """Give the bank back what is nobody's, and the first person what the bank holds for them."""
    day = office.day
    items = office.checker.read("/v1/reconciliation/suspense")["data"]
    mine = [item for item in items if item["break_id"] in kinds]
    held = sorted(item["amount"]["amount"] for item in mine)
    day.check("挂账 in suspense", held, [_show(_TOO_MUCH), _show(_NOBODYS)])
    for item in mine:
        is_theirs = kinds[item["break_id"]] == "amount_differs"
        where = (
            {"to": "customer", "account": first.person.account} if is_theirs else {"to": "channel"}
        )
        asked = office.maker.do(
            f"/v1/reconciliation/suspense/{item['id']}/clear", {**where, "reason": "explained"}
        )
        office.checker.approve(asked)
    first.person.posted += _TOO_MUCH
    left = office.checker.read("/v1/reconciliation/suspense")["balances"]
    ours = {e["amount"]["amount"] for e in left if e["account"].startswith("reconciliation.")}
    day.check("挂账归零 suspense of reconciliation", ours, {"0.00"})


def _show(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
