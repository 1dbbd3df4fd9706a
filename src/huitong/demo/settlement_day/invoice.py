"""Scene: a company pays a foreign invoice, and a person would pass the yearly quota.

One user of the company hands in contract and invoice, asks for a quote and orders; another one
approves. The payee's name is on a list, so two people of compliance look at it and let it go on.
The bank abroad says that it was accepted and credited. Then a person wants more than the quota.
"""

import base64
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final

import httpx

from huitong.demo.cast import customer_body, merchant_body
from huitong.demo.client import Answer, Client
from huitong.demo.day import StoryBroken, minor, money
from huitong.demo.settlement_day.office import Office
from huitong.kernel.trust import load_trust
from huitong.wiring.simulators import find_simulator

_PIN: Final = "802753"
_CODE: Final = re.compile("[0-9]{6}")
_SECONDS_MAX: Final = 120.0
_LIST: Final = "entry,name,born_on,country\nW-1,Dockyard Holdings,,GB\n"
_PAYEE: Final = {
    "name": "Dockyard Holdings Ltd",
    "account": "GB82WEST12345698765432",
    "country": "GB",
    "bank": "WESTGB22",
}
#: What the simulated market asks for a dollar, the margin of businesses, and our fees in fen.
_ASK: Final = Decimal("7.1100")
_MARGIN: Final = Decimal("0.0015")
_FEE: Final = 130_00
_DOLLARS: Final = 500


@dataclass(frozen=True, slots=True)
class _User:
    """A customer who is logged in and has a PIN."""

    id: str
    account: str
    client: Client

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _expect(path, self.client.post(path, body))

    def prove(self, act: dict[str, Any]) -> str:
        begun = self.ask("/v1/identity/step-ups", {"act": act, "factor": "pin"})
        step_up: str = begun["id"]
        self.ask(f"/v1/identity/step-ups/{step_up}/proof", {"pin": _PIN})
        return step_up


def play(office: Office) -> None:
    """Play the scene."""
    day = office.day
    day.stage.scene(
        "跨境发票：报价、单证、名单、UETR", "A foreign invoice: quote, papers, a name, UETR"
    )
    _load_list(office)
    merchant, users = _open_company(office)
    payment = _pay_invoice(office, merchant, users)
    _release(office, payment)
    _follow(office, users[0], payment)
    _pass_quota(office)
    for user in users:
        user.client.close()


def _load_list(office: Office) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "watch.csv"
        path.write_text(_LIST, encoding="utf-8")
        done = office.operator.run("fx", "load-list", "watch", str(path))
    office.day.check("名单 names to screen against", done.returncode, 0)


def _open_company(office: Office) -> tuple[dict[str, Any], list[_User]]:
    """Open a company with 4,900.00 yuan and two users, named by two members of staff."""
    day = office.day
    merchant = day.do(
        "/v1/merchants", merchant_body(("平遥进出口", "PINGYAO TRADING", "PINGYAO", "5999", "0"))
    )
    buyer = _open_customer(office, "乔映霞", 1)
    order = day.do("/v1/top-ups", {"account": buyer["account"], "amount": money(490_000)})
    day.wait_for_payment(order["id"])
    day.do(
        "/v1/payments",
        {"payer": buyer["account"], "payee": merchant["account"], "amount": money(490_000)},
    )
    users = [
        _log_in(office, _open_customer(office, name, at)) for at, name in ((2, "何灵"), (3, "曹正"))
    ]
    for user, role in zip(users, ("submitter", "approver"), strict=True):
        body = {
            "merchant": merchant["id"],
            "customer": user.id,
            "role": role,
            "amount_max": money(1_000_000),
            "reason": "invoices",
        }
        office.checker.approve(office.maker.do("/v1/business-users", body))
    return merchant, users


def _pay_invoice(office: Office, merchant: dict[str, Any], users: list[_User]) -> dict[str, Any]:
    day, (maker, checker) = office.day, users
    amount = {"amount": f"{_DOLLARS}.00", "currency": "USD"}
    papers = [_hand_in(maker, merchant, kind) for kind in ("contract", "invoice")]
    quote = maker.ask(
        "/v1/crossborder/quotes",
        {"merchant": merchant["id"], "side": "buy", "amount": amount, "other": "CNY"},
    )
    price = int((_DOLLARS * 100 * _ASK * (1 + _MARGIN)).quantize(Decimal(1), ROUND_HALF_UP))
    day.check("报价 quote", minor(quote["sell"]), price)
    order = {
        "merchant": merchant["id"],
        "amount": amount,
        "payee": _PAYEE,
        "purpose": "goods_trade",
        "charges": "SHAR",
        "quote": quote["id"],
    }
    bare = maker.client.post("/v1/crossborder/payments", order)
    day.check("缺单证 without papers", bare.code, "papers_missing")
    payment = maker.ask("/v1/crossborder/payments", {**order, "papers": papers})
    day.check("等待复核 waits for the second", payment["state"], "awaiting_approval")
    act = {
        "kind": "payments.approve_abroad",
        "amount": amount,
        "payer": merchant["account"],
        "payee": payment["id"],
    }
    path = f"/v1/crossborder/payments/{payment['id']}/approve"
    checker.ask(path, {"step_up": checker.prove(act)})
    found = day.read(f"/v1/accounts/{merchant['account']}/balance")
    day.check("余额 balance", minor(found["balance"]), 490_000 - price - _FEE)
    return payment


def _hand_in(user: _User, merchant: dict[str, Any], kind: str) -> str:
    content = base64.b64encode(f"%PDF-1.7 {kind}".encode()).decode()
    body = {"merchant": merchant["id"], "kind": kind, "content": content}
    paper: str = user.ask("/v1/crossborder/papers", body)["id"]
    return paper


def _release(office: Office, payment: dict[str, Any]) -> None:
    """Two people of compliance look at the hit: another company of the same name."""
    first, second = office.compliance
    path = f"/v1/crossborder-reviews/{payment['id']}"
    _wait(lambda: bool(first.read("/v1/crossborder-reviews")["data"]), "held")
    dossier = first.read(path)
    office.day.check("命中 hits", [hit["entry"] for hit in dossier["hits"]], ["W-1"])
    asked = first.do(f"{path}/release", {"reason": "registered elsewhere"})
    second.approve(asked)


def _follow(office: Office, user: _User, payment: dict[str, Any]) -> None:
    """The bank abroad reports, doubled and in the wrong order; each step counts once."""
    path = f"/v1/crossborder/payments/{payment['id']}"

    def read() -> dict[str, Any]:
        return _expect(path, user.client.get(path))

    _wait(lambda: read()["payment"]["state"] == "sent", "sent")
    uetr = read()["payment"]["uetr"]
    url = find_simulator(office.operator.trial.home, "abroad")
    if url is None:
        raise StoryBroken("No simulated bank abroad runs on this platform", retryable=False)
    with httpx.Client(base_url=url, trust_env=False, verify=load_trust()) as bank:
        reports = [bank.get(f"/bank/reports/{uetr}/{each}").content for each in ("ACCC", "ACSP")]
    outcomes = [_hand_in_report(office, each) for each in (*reports, *reports)]
    office.day.check("报文 messages", outcomes, ["taken"] * 4)
    steps = [step["step"] for step in read()["steps"]]
    expected = ["initiated", "held", "released", "screened", "sent", "accepted", "credited"]
    office.day.check("全程 its way", steps, expected)


def _hand_in_report(office: Office, content: bytes) -> str:
    path = "/v1/crossborder-messages"
    answer = _expect(path, office.day.client.send_file(path, content, "application/xml"))
    result: str = answer["data"][0]["result"]
    return result


def _pass_quota(office: Office) -> None:
    """A person with money enough wants one cent more than USD 50,000 of this year."""
    day = office.day
    opened = _open_customer(office, "雷鸣", 4)
    order = day.do("/v1/top-ups", {"account": opened["account"], "amount": money(40_000_000)})
    day.wait_for_payment(order["id"])
    person = _log_in(office, opened)
    amount = {"amount": "50000.01", "currency": "USD"}
    quote = person.ask("/v1/crossborder/quotes", {"side": "buy", "amount": amount, "other": "CNY"})
    act = {
        "kind": "payments.exchange",
        "amount": quote["sell"],
        "payer": person.account,
        "payee": quote["id"],
    }
    body = {"quote": quote["id"], "step_up": person.prove(act)}
    refused = person.client.post("/v1/crossborder/exchanges", body)
    day.check("超过年度额度 above the quota", refused.code, "fx_quota_exceeded")
    found = day.read(f"/v1/accounts/{person.account}/balance")
    day.check("余额未变 nothing has moved", minor(found["balance"]), 40_000_000)
    person.client.close()


def _open_customer(office: Office, name: str, place: int) -> dict[str, Any]:
    mobile = f"15{place}{int(office.day.run, 16) % 10**8:08d}"
    made = office.day.do("/v1/customers", customer_body(name, mobile, 3))
    return {**made, "phone": mobile}


def _log_in(office: Office, customer: dict[str, Any]) -> _User:
    """Open a way in as a branch would, log in by a code, and set a PIN."""
    mobile = customer["phone"]
    office.operator.open_login(customer["id"], mobile, now=office.clock.now())
    url = office.operator.trial.url
    with Client(url, None) as stranger:
        sent = _expect("codes", stranger.post("/v1/identity/codes", {"mobile": mobile}))
        code = _CODE.search(office.operator.read_phone(mobile))
        if code is None:
            raise StoryBroken("The message has no code", retryable=False)
        body = {"code_id": sent["id"], "code": code[0]}
        opened = _expect("log-in", stranger.post("/v1/identity/sessions/by-code", body))
    client = Client(url, opened["token"])
    client.put("/v1/identity/pin", {"pin": _PIN})
    return _User(customer["id"], customer["account"], client)


def _wait(is_so: Callable[[], bool], what: str) -> None:
    """Wait for the worker; raises StoryBroken."""
    deadline = time.monotonic() + _SECONDS_MAX
    while not is_so():
        if time.monotonic() > deadline:
            raise StoryBroken(f"The payment was not {what} in time", retryable=False)
        time.sleep(0.2)


def _expect(what: str, answer: Answer) -> dict[str, Any]:
    if not answer.is_success:
        said = answer.content.decode(errors="replace")
        raise StoryBroken(f"{what} was answered with {answer.status}: {said}", retryable=False)
    found: dict[str, Any] = answer.body
    return found
