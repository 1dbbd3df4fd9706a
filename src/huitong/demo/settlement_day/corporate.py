"""A corporation pays by several people's word, by a schedule, sweeps its group, and is paid."""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from huitong.demo.cast import customer_body, merchant_body
from huitong.demo.client import Answer
from huitong.demo.day import Day, Person, StoryBroken, minor, money, short, yuan
from huitong.demo.risk.handset import Handset
from huitong.demo.settlement_day.office import Office

_PIN: Final = "802753"
_WHY: Final = "for the demonstration"
_WAIT_SECONDS_MAX: Final = 60.0
_ADDRESS: Final = "203.0.113.40"
#: How much needs two approvers, and the most that one payment may be.
_TWO_FROM: Final = 100_000
_MOST: Final = 300_000


@dataclass(slots=True, kw_only=True)
class _Group:
    """A corporation, its branch, a supplier, and who acts for the corporation."""

    office: Office
    corporation: Person
    branch: Person
    supplier: Person
    maker: Person
    checkers: tuple[Person, Person]
    phones: dict[str, Handset] = field(default_factory=dict)

    @property
    def day(self) -> Day:
        """The story's day."""
        return self.office.day

    def post(self, who: Person, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Ask as one of the corporation's people, who logs in again if the session has ended."""
        phone = self.phones[who.id]
        answer = phone.post(f"/v1/corporate/{path}", body)
        if answer.status == _NOT_AUTHENTICATED:
            _expect(phone.log_in())
            answer = phone.post(f"/v1/corporate/{path}", body)
        return answer

    def do(self, who: Person, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Have something done as one of its people; raises StoryBroken."""
        return _expect(self.post(who, path, body))

    def approve(self, who: Person, instruction: dict[str, Any]) -> dict[str, Any]:
        """Approve exactly what was instructed, proved by the PIN; raises StoryBroken."""
        act = {
            "kind": "payments.approve_instruction",
            "amount": instruction["amount"],
            "payer": self.corporation.account,
            "payee": instruction["sha256"],
        }
        phone = self.phones[who.id]
        asked = _expect(phone.post("/v1/identity/step-ups", {"act": act, "factor": "pin"}))
        _expect(phone.post(f"/v1/identity/step-ups/{asked['id']}/proof", {"pin": _PIN}))
        body = {"sha256": instruction["sha256"], "step_up": asked["id"]}
        return self.do(who, f"instructions/{instruction['id']}/approve", body)

    def payment(self, amount: int, **more: Any) -> dict[str, Any]:
        """Return an instruction to pay the supplier."""
        payee = {"account": self.supplier.account, "name": self.supplier.name}
        body = {
            "merchant": self.corporation.id,
            "payee": payee,
            "amount": money(amount),
            "description": "茶叶货款",
        }
        return body | more


_NOT_AUTHENTICATED: Final = 401


def play(office: Office) -> None:
    """Play the scene; what it opens is its own."""
    office.day.stage.scene("对公账户", "A corporation's accounts")
    group = _open_group(office)
    _give_mandate(group)
    _pay_supplier(group)
    _run_standing_order(group)
    _sweep(group)
    _collect(group)
    for phone in group.phones.values():
        phone.close()


def _open_group(office: Office) -> _Group:
    day = office.day
    digits = int(day.run, 16) % 10**8

    def person(name: str, place: int) -> Person:
        mobile = f"18{place}{digits:08d}"
        made = day.do("/v1/customers", customer_body(name, mobile, 3))
        return Person(name, made["id"], made["account"], mobile)

    def business(name: str, latin: str) -> Person:
        made = day.do("/v1/merchants", merchant_body((name, latin, "PINGYAO", "5411", "0")))
        opened = Person(name, made["id"], made["account"])
        day.people.append(opened)
        return opened

    group = _Group(
        office=office,
        corporation=business("晋商茶业集团", "JINSHANG TEA GROUP"),
        branch=business("晋商茶业太原公司", "JINSHANG TEA TAIYUAN"),
        supplier=business("祁县茶园", "QIXIAN TEA FARM"),
        maker=person("孙会计", 1),
        checkers=(person("周主管", 2), person("吴总监", 3)),
    )
    for owner, place in ((group.corporation, 4), (group.branch, 5)):
        buyer = person("大客户", place)
        day.people.append(buyer)
        _pay_in(day, buyer, owner, 400_000)
    for who, role in ((group.maker, "submitter"), *((each, "approver") for each in group.checkers)):
        asked = office.maker.do(
            "/v1/business-users",
            {
                "merchant": group.corporation.id,
                "customer": who.id,
                "role": role,
                "amount_max": money(_MOST),
                "reason": _WHY,
            },
        )
        office.checker.approve(asked)
        office.operator.open_login(who.id, who.mobile, now=office.clock.now())
        phone = Handset(office.operator, who.mobile, address=_ADDRESS)
        _expect(phone.log_in())
        phone.set_pin(_PIN)
        group.phones[who.id] = phone
    day.tie()
    return group


def _pay_in(day: Day, buyer: Person, owner: Person, amount: int) -> None:
    order = day.do("/v1/top-ups", {"account": buyer.account, "amount": money(amount)})
    day.wait_for_payment(order["id"])
    day.do(
        "/v1/payments",
        {"payer": buyer.account, "payee": owner.account, "amount": money(amount)},
    )
    owner.posted += amount


def _give_mandate(group: _Group) -> None:
    day, office = group.day, group.office
    day.stage.tell("两名员工设定授权：金额越大，复核人越多", "Two of staff set what it may pay")
    without = group.post(group.maker, "payments", group.payment(10_000))
    day.check("未授权不能付款 no mandate, no payment", without.code, "mandate_missing")
    asked = office.maker.do(
        "/v1/corporate-desk/mandates",
        {
            "merchant": group.corporation.id,
            "payment_max": money(_MOST),
            "day_max": money(2 * _MOST),
            "bands": [
                {"amount_from": money(0), "approvers": 1},
                {"amount_from": money(_TWO_FROM), "approvers": 2},
            ],
            "reason": _WHY,
        },
    )
    office.checker.approve(asked)


def _pay_supplier(group: _Group) -> None:
    day = group.day
    amount = _TWO_FROM + day.some(10_000, 20_000)
    day.stage.tell("付供应商货款，两人复核", f"The supplier is paid {yuan(amount)} by three people")
    made = group.do(group.maker, "payments", group.payment(amount))
    own = group.post(group.maker, f"instructions/{made['id']}/reject", {"sha256": made["sha256"]})
    day.check("经办人不能复核 its maker decides nothing", own.code, "corporate_not_allowed")
    first = group.approve(group.checkers[0], made)
    day.check("一人复核后仍待复核 one of two", first["state"], "waiting")
    second = group.approve(group.checkers[1], made)
    day.check(f"付款 paid {short(second['payment'])}", second["state"], "approved")
    group.corporation.posted -= amount
    group.supplier.posted += amount
    day.tie()


def _run_standing_order(group: _Group) -> None:
    day, office = group.day, group.office
    rent = 20_000
    due = office.at(1, 9)
    day.stage.tell("定期付款，到期由系统扣款一次", "A standing order pays by itself, once")
    body = group.payment(
        rent, rhythm="days", day=30, first_on=due.date().isoformat(), count_max=2, retry_days=3
    )
    made = group.do(group.maker, "schedules", body)
    group.approve(group.checkers[0], made)
    office.wait_until(office.at(1, 9, 1))
    order = _wait(lambda: _read_runs(group, made["id"]))
    day.check("到期付款一次 paid on its day", [run["state"] for run in order["runs"]], ["paid"])
    day.check("金额 amount", minor(order["runs"][0]["amount"]), rent)
    group.corporation.posted -= rent
    group.supplier.posted += rent
    day.tie()
    cancelled = group.do(group.maker, f"schedules/{made['id']}/cancel")
    day.check("撤销余下各期 the rest is cancelled", cancelled["state"], "cancelled")


def _read_runs(group: _Group, order_id: str) -> dict[str, Any] | None:
    phone = group.phones[group.maker.id]
    answer = phone.get(f"/v1/corporate/schedules/{order_id}")
    if answer.status == _NOT_AUTHENTICATED:
        _expect(phone.log_in())
        answer = phone.get(f"/v1/corporate/schedules/{order_id}")
    order = _expect(answer)
    return order if order["runs"] else None


def _sweep(group: _Group) -> None:
    day, office = group.day, group.office
    keeps = 50_000
    day.stage.tell(f"资金池：太原公司留 {yuan(keeps)}，其余归集", "The branch keeps what it needs")
    asked = office.maker.do(
        "/v1/corporate-desk/pools",
        {
            "name": "晋商茶业资金池",
            "merchant": group.corporation.id,
            "members": [
                {"merchant": group.branch.id, "rule": "target", "keeps": money(keeps)},
            ],
            "interval_minutes": 60,
            "reason": _WHY,
        },
    )
    pool = office.checker.approve(asked)["approval"]["outcome"]["pool"]
    office.wait_until(office.at(0, office.now().hour, 0).replace(minute=59))
    office.clock.put_forward(office.at(0, 1) - office.at(0, 0))
    path = f"/v1/corporate-desk/pools/{pool}/sweeps"
    sweep = _wait(lambda: next(iter(office.maker.read(path)["data"]), None))
    swept = group.branch.posted - keeps
    day.check(f"归集 swept {yuan(swept)}", minor(sweep["up"]), swept)
    group.branch.posted -= swept
    group.corporation.posted += swept
    day.tie()
    pools = office.maker.read("/v1/corporate-desk/pools")["data"]
    (lent,) = [each["members"][0]["lent"] for each in pools if each["id"] == pool]
    day.check("内部往来头寸 what the branch has lent", minor(lent), swept)
    ending = office.maker.do(f"/v1/corporate-desk/pools/{pool}/end", {"reason": _WHY})
    office.checker.approve(ending)


def _collect(group: _Group) -> None:
    day, office = group.day, group.office
    day.stage.tell("来账按虚拟子账户自动匹配", "Incoming payments find their invoices")
    asked = office.maker.do(
        "/v1/corporate-desk/collections", {"merchant": group.corporation.id, "reason": _WHY}
    )
    number = office.checker.approve(asked)["approval"]["outcome"]["number"]
    invoices = [
        group.do(
            group.maker,
            "virtual-accounts",
            {
                "merchant": group.corporation.id,
                "purpose": "invoice",
                "reference": f"INV-{place}",
                "expected": money(amount),
            },
        )
        for place, amount in enumerate((80_000, 60_000), 1)
    ]
    found = [
        _report(day, 80_000, invoices[0]["number"]),
        _report(day, 60_000, number, remittance="货款 INV-2"),
        _report(day, 80_000, invoices[0]["number"]),
        _report(day, 7_700, "6222021234567890"),
    ]
    day.check(
        "匹配结果 findings",
        [(each["matched_by"], each["finding"]) for each in found],
        [
            ("number", "exact"),
            ("reference", "exact"),
            ("number", "doubled"),
            ("nothing", "unmatched"),
        ],
    )
    asked = office.maker.do(
        f"/v1/corporate-desk/pay-ins/{found[3]['id']}/resolve",
        {"account": invoices[1]["id"], "reason": _WHY},
    )
    office.checker.approve(asked)
    for invoice in invoices:
        group.do(group.maker, f"virtual-accounts/{invoice['id']}/release", {})
    group.corporation.posted += 80_000 + 60_000 + 80_000 + 7_700
    day.tie()


def _report(day: Day, amount: int, number: str, **more: str) -> dict[str, Any]:
    body = {
        "channel": "bank",
        "bank_reference": day.next_key(),
        "amount": money(amount),
        "number": number,
    }
    return day.do("/v1/pay-ins", body | more)


def _wait(read: Any) -> dict[str, Any]:
    """Read until there is something, or raise StoryBroken."""
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        found = read()
        if found is not None:
            kept: dict[str, Any] = found
            return kept
        time.sleep(0.2)
    raise StoryBroken("Nothing has happened. Does a worker run?")


def _expect(answer: Answer) -> dict[str, Any]:
    if not answer.is_success:
        said = answer.content.decode(errors="replace")
        raise StoryBroken(f"The platform answered {answer.status}: {said}", retryable=False)
    found: dict[str, Any] = answer.body
    return found
