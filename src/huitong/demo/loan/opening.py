"""The scenes before the loan: rules and product by two people, accounts, and sales."""

import time
from decimal import Decimal
from typing import Any, Final

from huitong.demo.cast import HAN_MEIMEI, LI_LEI, MARKET, customer_body, merchant_body
from huitong.demo.day import Person, money, yuan
from huitong.demo.loan.branch import Branch
from huitong.demo.loan.reminding import agree_on_strategy
from huitong.demo.risk.rules import NEWS_SECONDS, set_live

PRODUCT: Final = "shop_loan"
#: In minor units: what the regulars pay the shop in a month, and bring with them.
SALES: Final = (5_000_00, 3_000_00)
#: What the owner pays the supplier at once, below what PIN and telephone may pay in a day.
STOCK: Final = 4_900_00
MONTHS: Final = 3
_REGULARS_HAVE: Final = 40_000_00
_ORDER: Final = ("fee", "penalty", "interest", "principal")
_WHY: Final = "decided in the committee"
_DAY_OF_SALES: Final = 5


def set_terms(branch: Branch) -> None:
    """Staff bring rules, tables and the product live, always two of them."""
    day, today = branch.day, branch.now().date()
    day.stage.scene("规则与产品上线", "Rules and the product go live")
    day.stage.tell("一人提出，另一人批准", "One proposes, another one approves")
    set_live(day, branch.risk, branch.checker, "loan", today=today)
    for table in ("loan_eligibility", "loan_price"):
        version = branch.credit.do(f"/v1/risk/tables/{table}/defaults")
        path = f"/v1/risk/table-versions/{version['id']}"
        body = {
            "digest": version["digest"],
            "effective_from": today.isoformat(),
            "reason": _WHY,
        }
        branch.checker.approve(branch.credit.do(f"{path}/live", body))
        day.check(f"决策表上线 table {table}", branch.risk.read(path)["state"], "live")
    asked = branch.credit.do("/v1/loan-products", _describe(today.isoformat()))
    branch.checker.approve(asked)
    listed = branch.credit.read("/v1/loan-products")["data"]
    day.check("产品上线 the product", [each["code"] for each in listed], [PRODUCT])
    agree_on_strategy(branch)
    time.sleep(NEWS_SECONDS)


def open_accounts(branch: Branch) -> None:
    """The shop owner and the second applicant open accounts; two regulars and a supplier exist."""
    day = branch.day
    day.stage.scene("店主开户", "A shop owner opens an account")
    day.stage.tell("手机号、身份证、人脸，加一张银行卡", "A number, a card, a face, a bank card")
    for borrower in (branch.owner, branch.second):
        borrower.open_account()
    for place, facts in enumerate((LI_LEI, HAN_MEIMEI)):
        mobile = f"15{place}{int(day.run, 16) % 10**8:08d}"
        made = day.do("/v1/customers", customer_body(facts[0], mobile, facts[1]))
        regular = Person(facts[0], made["id"], made["account"], mobile)
        top_up = {"account": regular.account, "amount": money(_REGULARS_HAVE)}
        day.wait_for_payment(day.do("/v1/top-ups", top_up)["id"])
        regular.posted = _REGULARS_HAVE
        branch.regulars.append(regular)
    made = day.do("/v1/merchants", merchant_body(MARKET))
    fee = Decimal(MARKET[4])
    branch.supplier = Person(MARKET[0], made["id"], made["account"], fee_rate=fee)
    day.people.extend(branch.regulars)
    day.tie()


def sell(branch: Branch) -> None:
    """Three months pass in which the regulars pay the shop."""
    day = branch.day
    day.stage.scene("三个月的生意", "Three months of sales")
    for _ in range(MONTHS):
        receive_sales(branch)
        branch.owner.log_in()
        branch.owner.pay(branch.supplier, STOCK)
        branch.wait_until(_next_month(branch))
    day.stage.aside(f"每月收 a month {yuan(sum(SALES))}，进货 spent {yuan(STOCK)}")
    day.tie()


def receive_sales(branch: Branch) -> None:
    """The regulars pay the shop for a month."""
    owner = branch.owner.person
    for regular, amount in zip(branch.regulars, SALES, strict=True):
        body = {"payer": regular.account, "payee": owner.account, "amount": money(amount)}
        branch.day.wait_for_payment(branch.day.do("/v1/payments", body)["id"])
        regular.posted -= amount
        owner.posted += amount


def _next_month(branch: Branch) -> Any:
    today = branch.now()
    months = today.year * 12 + today.month
    first = today.replace(year=months // 12, month=months % 12 + 1, day=_DAY_OF_SALES)
    return first.replace(hour=10, minute=0, second=0, microsecond=0)


def _describe(effective_from: str) -> dict[str, Any]:
    return {
        "code": PRODUCT,
        "effective_from": effective_from,
        "name_zh": "商户周转贷",
        "name_en": "Shop loan",
        "purpose": "business",
        "uses": ["stock"],
        "payees": ["borrower"],
        "amount_min": money(1_000_00),
        "amount_max": money(200_000_00),
        "count_min": 1,
        "count_max": 12,
        "rate_min": "0.03",
        "rate_max": "0.18",
        "month": "30",
        "methods": ["level_payment", "equal_principal"],
        "penalty_share": "0.5",
        "order": list(_ORDER),
        "order_bad": list(_ORDER[::-1]),
        "mandatory": ["monthly_income"],
        "reason": _WHY,
    }
