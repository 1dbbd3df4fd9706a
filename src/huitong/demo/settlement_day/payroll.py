"""A payroll of 300 lines by two people of a company, and three banks netted and settled.

One file is bad and refused line by line; the good one is approved by somebody else with a PIN for
exactly its bytes, and paid once by the worker. Then banks join clearing by two members of staff,
and a window of their payments is closed and settled in one journal entry.
"""

import hashlib
import time
from typing import Any, Final

from huitong.demo.day import Person, StoryBroken, minor, money, yuan
from huitong.demo.onboarding.telephone import Telephone
from huitong.demo.settlement_day.banks import play_clearing
from huitong.demo.settlement_day.office import Office
from huitong.kernel.money import Money

WORKERS: Final = 60
LINES: Final = 300
_PIN: Final = "802753"
_FUNDS: Final = 18_000_00
_BUYERS: Final = 4
_LIMIT: Final = 20_000_00
_WAIT_SECONDS_MAX: Final = 120.0
_POLL_SECONDS: Final = 0.3
_TITLES: Final = "reference,account,name,amount,currency,note"
_WHY: Final = "合同 contract 2026-17"


def play(office: Office) -> None:
    """Play the payroll, and then the window of clearing."""
    day = office.day
    day.stage.scene("代发工资：两个人，一个文件", "Payroll: two people and one file")
    company, workers = _open(office)
    maker, checker = (
        _name(office, company, role, place) for place, role in enumerate(("submitter", "approver"))
    )
    amounts = [day.some(30_00, 55_00) for _ in range(LINES)]
    _hand_in_badly(office, company, maker, _write(workers, amounts))
    content = _write(workers, amounts)
    file = _hand_in(office, company, maker, content)
    day.check("文件总额 its sum", yuan(minor(file["total"])), yuan(sum(amounts)))
    again = maker.send_file("/v1/bulk-files", content, "text/csv", merchant=company.id)
    day.check("同一文件再次提交 the same bytes again", again.code, "bulk_file_repeated")
    _approve(office, file, checker)
    done = _wait(file["id"], checker)
    day.check("已付笔数 lines paid", done["paid"]["lines"], LINES)
    day.check("已付金额 paid", yuan(minor(done["paid"]["amount"])), yuan(sum(amounts)))
    day.check("失败笔数 lines failed", done["failed"]["lines"], 0)
    expected = {
        person.account: sum(amounts[place::WORKERS]) for place, person in enumerate(workers)
    }
    found = {person.account: day.balance(person)[0] for person in workers}
    day.check(f"{WORKERS} 人的工资到账 each of them has it", found == expected, True)
    left = _FUNDS - sum(amounts)
    day.check("公司余额 the company has left", day.balance(company), (left, left))
    maker.close()
    checker.close()
    play_clearing(office)


def _open(office: Office) -> tuple[Person, list[Person]]:
    """Open a company with money and the people whom it pays."""
    day = office.day
    facts = {
        "name": "汇通织造",
        "name_latin": "HUITONG WEAVING",
        "city_latin": "PINGYAO",
        "category_code": "5411",
        "fee_rate": "0",
    }
    made = day.do("/v1/merchants", facts)
    company = Person("汇通织造", made["id"], made["account"])
    for place in range(_BUYERS):
        _buy(office, company, place, _FUNDS // _BUYERS)
    day.check("公司的货款 the company has", day.balance(company), (_FUNDS, _FUNDS))
    return company, [
        _add(office, f"织工{place:02d}", f"161{place:05d}") for place in range(WORKERS)
    ]


def _buy(office: Office, company: Person, place: int, amount: int) -> None:
    """Let somebody pay the company, within what one may pay in a day."""
    day = office.day
    buyer = _add(office, f"买主{place}", f"1600000{place}")
    asked = day.do("/v1/top-ups", {"account": buyer.account, "amount": money(amount)})
    day.wait_for_payment(asked["id"])
    order = day.do(
        "/v1/checkouts",
        {
            "merchant": company.id,
            "amount": money(amount),
            "reference": f"cloth-{day.run}-{place}",
            "description": "一批布",
        },
    )
    day.do(f"/v1/checkouts/{order['id']}/pay", {"payer": buyer.account})


def _add(office: Office, name: str, digits: str) -> Person:
    body = {"name": name, "mobile": f"{digits}{int(office.day.run, 16) % 1_000:03d}"}
    made = office.day.do("/v1/customers", {**body, "account_class": 3})
    return Person(name, made["id"], made["account"], body["mobile"])


def _name(office: Office, company: Person, role: str, place: int) -> Telephone:
    """Let a person act for the company, as two members of staff agree, and log in."""
    person = _add(office, ("李会计", "韩经理")[place], f"1620000{place}")
    asked = office.maker.do(
        "/v1/business-users",
        {
            "merchant": company.id,
            "customer": person.id,
            "role": role,
            "amount_max": money(_LIMIT),
            "reason": _WHY,
        },
    )
    office.checker.approve(asked)
    office.operator.open_login(person.id, person.mobile, now=office.now())
    phone = Telephone(office.operator, person.mobile)
    proof, _ = phone.ask_code()
    opened = phone.do("/v1/identity/sessions/by-code", {**proof, "device": {}})
    phone.use(opened["token"])
    return phone


def _write(workers: list[Person], amounts: list[int]) -> bytes:
    rows = [
        f"W-{place + 1:03d},{workers[place % WORKERS].account},{workers[place % WORKERS].name},"
        f"{Money(amount, 'CNY').format()},CNY,计件工资"
        for place, amount in enumerate(amounts)
    ]
    total = Money(sum(amounts), "CNY").format()
    return "\n".join([f"huitong-bulk,1,payroll,CNY,{len(rows)},{total}", _TITLES, *rows]).encode()


def _hand_in_badly(office: Office, company: Person, maker: Telephone, content: bytes) -> None:
    """Spoil four lines: all of them are told at once, and nothing of the file is ever paid."""
    rows = content.decode().split("\n")
    rows[4] = rows[4].replace(",CNY", "0,CNY")
    rows[6] = rows[6].replace("计件工资", "=HYPERLINK(1)")
    rows[8] = rows[8].replace("织工", "织女")
    rows[10] = ",".join(
        "acct_999999999999" if at == 1 else cell for at, cell in enumerate(rows[10].split(","))
    )
    bad = maker.send_file(
        "/v1/bulk-files", "\n".join(rows).encode(), "text/csv", merchant=company.id
    )
    office.day.check("坏文件 a bad file", bad.body["state"], "invalid")
    told = maker.read(f"/v1/bulk-files/{bad.body['id']}/problems")["data"]
    for each in told:
        office.day.stage.aside(f"  {each['line']}: {each['zh']} {each['en']}")
    office.day.check(
        "逐行说明 every bad line is told",
        [(each["line"], each["code"]) for each in told],
        [
            (3, "amount_decimals"),
            (5, "formula"),
            (7, "name_differs"),
            (9, "account_unknown"),
        ],
    )


def _hand_in(office: Office, company: Person, maker: Telephone, content: bytes) -> dict[str, Any]:
    sent = maker.send_file("/v1/bulk-files", content, "text/csv", merchant=company.id)
    if not sent.is_success:
        raise StoryBroken(f"the payroll was answered with {sent.body}", retryable=False)
    file: dict[str, Any] = sent.body
    office.day.check("文件状态 the file is", file["state"], "submitted")
    office.day.check("摘要 its digest", file["sha256"], hashlib.sha256(content).hexdigest())
    return file


def _approve(office: Office, file: dict[str, Any], checker: Telephone) -> None:
    """Approve with a PIN for exactly these bytes; without it, it is not done."""
    path, body = f"/v1/bulk-files/{file['id']}/approve", {"sha256": file["sha256"]}
    checker.put("/v1/identity/pin", {"pin": _PIN})
    bare = checker.try_to_do(path, body)
    office.day.check("没有验证 without a proof", bare.code, "step_up_required")
    act = {
        "kind": "payments.approve_file",
        "amount": file["total"],
        "payer": file["payer"],
        "payee": file["sha256"],
    }
    step_up = checker.do("/v1/identity/step-ups", {"act": act, "factor": "pin"})["id"]
    checker.do(f"/v1/identity/step-ups/{step_up}/proof", {"pin": _PIN})
    approved = checker.do(path, {**body, "step_up": step_up})
    office.day.check("复核后 approved", approved["state"] in ("approved", "paying", "done"), True)


def _wait(file_id: str, checker: Telephone) -> dict[str, Any]:
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while True:
        file = checker.read(f"/v1/bulk-files/{file_id}")
        if file["state"] in ("done", "stopped"):
            return file
        if time.monotonic() >= deadline:
            raise StoryBroken(f"{file_id} is still {file['state']}. Does a worker run?")
        time.sleep(_POLL_SECONDS)
