"""Papers: receipts that prove themselves, and a shop's statement in three formats.

A guest pays a shop three times. The receipt of the first payment is downloaded twice, verified by
its bytes and by number and code, and a changed one is found out. Then the shop's statement agrees
in CSV, ISO 20022 and PDF with what the story reckoned.
"""

import csv
import io
from datetime import timedelta
from typing import Final

from huitong import payments
from huitong.demo.day import Day, Person, StoryBroken, money, yuan
from huitong.demo.settlement_day.office import Office
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money

documents: Final = payments.documents

_FUNDS: Final = 500_00
_PAYMENTS: Final = 3
#: So far back, whenever the story is played and however far its clock is.
_DAYS: Final = 60
_BALANCE, _DEBIT, _CREDIT = 8, 6, 7


def play(office: Office) -> None:
    """Play the receipts, and then the statements."""
    day = office.day
    day.stage.scene("电子回单与对账单", "Receipts and statements")
    guest, shop = _open(day)
    amounts = [day.some(10_00, 90_00) for _ in range(_PAYMENTS)]
    transfers = [_pay(day, guest, shop, amount) for amount in amounts]
    _verify(office, guest, transfers[0], amounts[0])
    _compare(office, shop, sum(amounts))


def _open(day: Day) -> tuple[Person, Person]:
    mobile = f"16200990{int(day.run, 16) % 1_000:03d}"
    person = {"name": "顾小满", "mobile": mobile, "account_class": 3}
    made = day.do("/v1/customers", person)
    guest = Person("顾小满", made["id"], made["account"])
    facts = {
        "name": "汇通书局",
        "name_latin": "HUITONG BOOKS",
        "city_latin": "PINGYAO",
        "category_code": "5942",
        "fee_rate": "0",
    }
    opened = day.do("/v1/merchants", facts)
    top_up = {"account": guest.account, "amount": money(_FUNDS)}
    paid_in = day.do("/v1/top-ups", top_up)
    day.wait_for_payment(paid_in["id"])
    return guest, Person("汇通书局", opened["id"], opened["account"])


def _pay(day: Day, guest: Person, shop: Person, amount: int) -> str:
    body = {
        "payer": guest.account,
        "payee": shop.account,
        "amount": money(amount),
        "description": "新书 new books",
    }
    paid = day.do("/v1/payments", body)
    return f"tr_{paid['id'].removeprefix('pay_')}"


def _verify(office: Office, guest: Person, transfer: str, amount: int) -> None:
    """Download a receipt, prove it by its bytes and by its code, and change it."""
    day = office.day
    path = f"/v1/accounts/{guest.account}/receipts/{transfer}"
    paper = _download(day, path)
    day.check("两次下载的字节相同 the same bytes twice", _download(day, path) == paper, True)
    keys = documents.load_receipt_keys(office.operator.trial.home)
    receipt = documents.check_paper(keys, paper)
    day.check("回单金额 the receipt says", yuan(receipt.facts.money.minor), yuan(amount))
    words = documents.write_capitals(Money(amount, "CNY"))
    given = {"number": receipt.facts.number, "code": receipt.code}
    told = day.do("/v1/receipts/verify", given)
    day.check("凭码核验 verified by its code", told["capitals"], words)
    day.check("核验只见掩码 names are masked", told["payer"]["name"], "顾*满")
    other = {**given, "code": receipt.code[::-1]}
    day.refused("/v1/receipts/verify", other, code="receipt_not_found")
    middle = len(paper) // 2
    forged = paper[:middle] + bytes([paper[middle] ^ 1]) + paper[middle + 1 :]
    day.check("改一个字节 one byte changed", _read_forged(keys, forged), "paper_changed")


def _read_forged(keys: payments.documents.ReceiptKeys, forged: bytes) -> str:
    try:
        documents.check_paper(keys, forged)
    except Refusal as refusal:
        return refusal.code
    return "genuine"


def _compare(office: Office, shop: Person, total: int) -> None:
    """Read a statement in three formats, and compare each with what was paid."""
    day = office.day
    path = f"/v1/accounts/{shop.account}/statement-file"
    last_on = office.now().date()
    period = {"from": (last_on - timedelta(days=_DAYS)).isoformat(), "to": last_on.isoformat()}
    table = _download(day, path, format="csv", **period).decode("utf-8-sig")
    _, opening, *lines, closing = csv.reader(io.StringIO(table, newline=""))
    day.check("CSV 笔数 lines in CSV", len(lines), _PAYMENTS)
    found = (opening[_BALANCE], closing[_DEBIT], closing[_CREDIT], closing[_BALANCE])
    shown = Money(total, "CNY").format()
    day.check("CSV 期初、借、贷、期末 its balances", found, ("0.00", "0.00", shown, shown))
    message = _download(day, path, format="camt.053", **period)
    (statement,) = payments.read_message(io.BytesIO(message)).body.statements  # type: ignore[attr-defined]
    entries = Money.total([entry.amount for entry in statement.entries], "CNY")
    day.check("camt.053 发生额 its entries", yuan(entries.minor), yuan(total))
    balances = [(each.code, each.amount.format()) for each in statement.balances]
    day.check("camt.053 余额 its balances", balances, [("OPBD", "0.00"), ("CLBD", shown)])
    day.check("账上余额 the ledger says", yuan(day.balance(shop)[0]), yuan(total))
    paper = _download(day, path, format="pdf", **period)
    is_whole = paper.startswith(b"%PDF-1.7") and paper.endswith(b"%%EOF\n")
    day.check(f"PDF 一页 one page, {yuan(total)}", is_whole and b"/Count 1 " in paper, True)


def _download(day: Day, path: str, **query: str) -> bytes:
    answer = day.client.get(path, **query)
    if not answer.is_success:
        said = answer.content.decode(errors="replace")
        raise StoryBroken(f"{path} was answered with {answer.status}: {said}", retryable=False)
    return answer.content
