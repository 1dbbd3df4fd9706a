"""Two shops on different plans: paid, refunded, disputed; settled the next business day."""

import time
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from huitong.demo.day import Day, StoryBroken, minor, money, short, yuan
from huitong.demo.settlement_day.office import Office
from huitong.kernel.calendar import china_calendar

_WHY: Final = "for the demonstration"
_OPENING: Final = 200_000
_WAIT_SECONDS_MAX: Final = 90.0
_POLL_SECONDS: Final = 0.1
_DISPUTE_FEE: Final = 2_000
_HOURS_AFTER_OPENING: Final = 9


@dataclass(slots=True, kw_only=True)
class Shop:
    """A shop of the scene, its plan, and what its next sheet must say, reckoned here."""

    name: str
    rate: Decimal
    fee_min: int
    reserve: int
    id: str = ""
    account: str = ""
    paid: int = 0
    refunded: int = 0
    fees: int = 0

    def fee_of(self, amount: int) -> int:
        """Return what a payment costs by the plan: per mille, half up, at least the minimum."""
        rated = int((amount * self.rate / 1_000).quantize(Decimal(1), ROUND_HALF_UP))
        return min(max(rated, self.fee_min), amount)


def play(office: Office) -> None:
    """Play the scene: plans and terms by two, a day of sales, a dispute, and the sheets."""
    day = office.day
    day.stage.scene(
        "两家商户：费率、退款、争议，次日结算",
        "Two shops: plans, refunds and a dispute, settled the next day",
    )
    tea = Shop(name="汇通茶馆", rate=Decimal(6), fee_min=0, reserve=0)
    books = Shop(name="日升书店", rate=Decimal("3.8"), fee_min=20, reserve=100)
    for place, shop in enumerate((tea, books)):
        _begin(office, shop, f"plan_{day.run}_{place}")
    payer = _open_payer(day)
    day.stage.tell("一天的买卖。", "A day of sales.")
    disputed = _sell(day, payer, tea, (1_800, 6_600, 12_000))
    _sell(day, payer, books, (2_580, 4_900))
    _refund(day, tea, disputed[0], 800)
    _settle(office, (tea, books))
    _dispute(office, tea, disputed[2], 12_000)


def _begin(office: Office, shop: Shop, plan: str) -> None:
    """Open a shop and agree on its plan and terms: one asks, another one approves."""
    day, today = office.day, office.now().date().isoformat()
    opened = day.do(
        "/v1/merchants",
        {
            "name": shop.name,
            "name_latin": "HUITONG SHOP",
            "city_latin": "PINGYAO",
            "category_code": "5812",
            "fee_rate": "0",
        },
    )
    shop.id, shop.account = opened["id"], opened["account"]
    rule = {"rate_permille": str(shop.rate), "fee_min": money(shop.fee_min)}
    asked = office.maker.do(
        "/v1/fee-plans",
        {
            "plan": plan,
            "name_zh": shop.name,
            "name_en": "A plan of the demonstration",
            "effective_from": today,
            "refunds_return_fee": True,
            "rules": [rule],
            "reason": _WHY,
        },
    )
    office.checker.approve(asked)
    terms = {
        "effective_from": today,
        "plan": plan,
        "cycle_days": 1,
        "reserve_permille": shop.reserve,
        "reserve_days": 7 if shop.reserve else 0,
        "reason": _WHY,
    }
    office.checker.approve(office.maker.do(f"/v1/merchants/{shop.id}/terms", terms))
    found = day.read(f"/v1/merchants/{shop.id}/settlement")
    what = f"{shop.name} 费率 {shop.rate}‰ per mille"
    day.check(what, [each["plan"] for each in found["terms"]], [plan])


def _open_payer(day: Day) -> str:
    mobile = f"139{day.chance.randint(0, 99_999_999):08d}"
    body = {"name": "李雷", "mobile": mobile, "account_class": 1}
    account: str = day.do("/v1/customers", body)["account"]
    order = day.do("/v1/top-ups", {"account": account, "amount": money(_OPENING)})
    day.check("充值 topped up", day.wait_for_payment(order["id"])["status"], "succeeded")
    return account


def _sell(day: Day, payer: str, shop: Shop, amounts: tuple[int, ...]) -> list[str]:
    """Let the shop be paid, and reckon its fees."""
    orders = []
    for amount in amounts:
        body = {"payer": payer, "payee": shop.account, "amount": money(amount)}
        orders.append(day.do("/v1/payments", body)["id"])
        shop.paid += amount
        shop.fees += shop.fee_of(amount)
    day.stage.aside(f"{shop.name} {' + '.join(yuan(amount) for amount in amounts)}")
    return orders


def _refund(day: Day, shop: Shop, order: str, amount: int) -> None:
    paid = minor(day.read(f"/v1/payments/{order}")["amount"])
    day.do(f"/v1/payments/{order}/refunds", {"amount": money(amount)})
    shop.refunded += amount
    fee = shop.fee_of(paid)
    shop.fees -= int((Decimal(fee * amount) / paid).quantize(Decimal(1), ROUND_HALF_UP))
    day.stage.aside(f"{shop.name} 退款 refunds {yuan(amount)}")


def _settle(office: Office, shops: tuple[Shop, ...]) -> None:
    """Put the clock forward to the next business day, and compare the sheets."""
    day, today = office.day, office.now().date()
    following = china_calendar().add_business_days(today, 1)
    for shop in shops:
        _wait_for_lines(day, shop)
    office.wait_until(office.at((following - today).days, _HOURS_AFTER_OPENING, 5))
    day.stage.tell(
        f"{following.isoformat()}，T+1 结算：每家一张结算单，分录只有一笔。",
        "The next business day: one sheet for each shop, one journal entry each.",
    )
    rows = []
    for shop in shops:
        sheet = _wait_for_sheet(day, shop, 1)
        base = shop.paid - shop.refunded
        kept = int((base * Decimal(shop.reserve) / 1_000).quantize(Decimal(1), ROUND_HALF_UP))
        parts = {name: _signed(amount) for name, amount in sheet["parts"].items()}
        day.check(f"{shop.name} 交易 payments", parts["payments"], shop.paid)
        day.check(f"{shop.name} 手续费 fees", -parts["plan_fees"], shop.fees)
        day.check(f"{shop.name} 保证金 reserve", -parts["reserve_held"], kept)
        day.check(f"{shop.name} 结算 paid", minor(sheet["payout"]), base - shop.fees - kept)
        day.check(f"{shop.name} 分毫不差 sums to the cent", sum(parts.values()), 0)
        rows.append([shop.name, yuan(shop.paid), yuan(-shop.refunded), yuan(-shop.fees)])
        rows[-1] += [yuan(-kept), yuan(minor(sheet["payout"]))]
        _check_account(day, shop, sheet)
    columns = [("商户 Shop", "left")]
    columns += [(name, "right") for name in ("交易 Paid", "退款 Refunds", "手续费 Fees")]
    columns += [("保证金 Reserve", "right"), ("结算 Settled", "right")]
    day.stage.table("结算单 Settlement sheets", columns, rows)


def _dispute(office: Office, shop: Shop, order: str, amount: int) -> None:
    """A scheme takes a payment back; the merchant does not answer, and owes what it had."""
    day = office.day
    day.stage.tell(
        "卡组织发起拒付：先扣待结算款，再扣保证金，不足部分记欠款。",
        "A scheme charges a payment back: out of the payable, the reserve, and then a debt.",
    )
    body = {"payment": order, "reason": "not_received", "stage": "chargeback"}
    dispute = day.do("/v1/disputes", body)
    day.check("拒付金额 charged back", minor(dispute["amount"]), amount)
    day.check("轮到商户 the merchant's turn", dispute["turn"], "merchant")
    day.stage.aside(f"{short(dispute['id'])} {dispute['reason_zh']} {dispute['due_at']}")
    found = day.read(f"/v1/merchants/{shop.id}/settlement")
    day.check("欠款 owed", minor(found["owed"]), amount + _DISPUTE_FEE)
    day.refused(
        f"/v1/payments/{order}/refunds",
        {"amount": money(amount)},
        code="refund_exceeds_payment",
    )
    lost = day.do(f"/v1/disputes/{dispute['id']}/accept")
    day.check("商户认赔 accepted", lost["outcome"], "lost")


def _signed(shown: dict[str, str]) -> int:
    """Return minor units of an amount that may be below zero."""
    sign = -1 if shown["amount"].startswith("-") else 1
    return sign * minor({**shown, "amount": shown["amount"].removeprefix("-")})


def _wait_for_lines(day: Day, shop: Shop) -> None:
    """Wait until all that the shop sold is on its statement; what is not is in the next sheet."""
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        lines = day.read(f"/v1/accounts/{shop.account}/statement", limit=1)["data"]
        if lines and minor(lines[0]["balance_after"]) == shop.paid - shop.refunded:
            return
        time.sleep(_POLL_SECONDS)
    raise StoryBroken(f"{shop.name} has no statement after {_WAIT_SECONDS_MAX:.0f} s")


def _wait_for_sheet(day: Day, shop: Shop, number: int) -> dict[str, Any]:
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        found = day.read(f"/v1/merchants/{shop.id}/sheets")["data"]
        for sheet in found:
            if sheet["number"] == number:
                return dict(sheet)
        time.sleep(_POLL_SECONDS)
    raise StoryBroken(f"{shop.name} was not settled after {_WAIT_SECONDS_MAX:.0f} s")


def _check_account(day: Day, shop: Shop, sheet: dict[str, Any]) -> None:
    """Compare the settlement account with the sheet."""
    found = day.read(f"/v1/merchants/{shop.id}/settlement")
    balance = day.read(f"/v1/accounts/{found['settlement_account']}/balance")
    day.check(f"{shop.name} 到账 arrived", balance["balance"], sheet["payout"])
