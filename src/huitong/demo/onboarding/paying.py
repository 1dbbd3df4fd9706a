"""Scenes with money: the cap of the class, a bank card that raises it, and the payment again."""

from decimal import Decimal
from typing import Any, Final

from huitong.demo.cast import TEA_HOUSE, merchant_body
from huitong.demo.day import Person, minor, money, yuan
from huitong.demo.onboarding.journey import Journey
from huitong.demo.scenes_paying import check_paid

_TOP_UP: Final = 150_000
_PAID_FIRST: Final = 80_000
#: With what was paid first it is beyond 1,000 yuan, all that class Ⅰ may ever pay.
_PAID_LATER: Final = 30_000


def meet_the_cap(journey: Journey) -> dict[str, Any]:
    """Class Ⅰ may pay 1,000 yuan in all; the payment beyond it is refused, and returned."""
    day, customer = journey.day, journey.customer
    day.stage.scene("限额", "The cap of the class")
    made = day.do("/v1/merchants", merchant_body(TEA_HOUSE))
    tea_house = Person(TEA_HOUSE[0], made["id"], made["account"], fee_rate=Decimal(TEA_HOUSE[4]))
    day.people.append(tea_house)
    order = day.do("/v1/top-ups", {"account": customer.account, "amount": money(_TOP_UP)})
    settled = day.wait_for_payment(order["id"])
    day.check(f"充值 topped up {yuan(_TOP_UP)}", settled["status"], "succeeded")
    customer.posted += _TOP_UP
    first = {
        "payer": customer.account,
        "payee": tea_house.account,
        "amount": money(_PAID_FIRST),
    }
    check_paid(day, day.do("/v1/payments", first), customer, tea_house, _PAID_FIRST)
    later = first | {"amount": money(_PAID_LATER)}
    day.refused("/v1/payments", later, code="total_limit_exceeded")
    _show_limits(journey)
    day.tie()
    return later


def raise_the_class(journey: Journey, refused: dict[str, Any]) -> None:
    """A bank confirms the customer: a third channel, class Ⅱ, and what was refused is paid."""
    day, customer = journey.day, journey.customer
    day.stage.scene("升级", "A bank card raises the class")
    (card, *_) = journey.applicant.cards
    day.stage.tell("向发卡行核实；卡号不留存。", "Its bank is asked; the number is not kept.")
    proof = journey.phone.do(f"/v1/customers/{customer.id}/bank-cards", {"card_number": card})
    day.check("发卡行的答复 the bank says", proof["verdict"], "consistent")
    day.check("三个渠道，升为Ⅱ类 class Ⅱ", proof["customer"]["account_class"], 2)
    day.stage.tell("刚才被拒的那笔，再付一次", "What was refused before")
    tea_house = day.people[-1]
    check_paid(day, day.do("/v1/payments", refused), customer, tea_house, _PAID_LATER)
    _show_limits(journey)
    day.tie()


def _show_limits(journey: Journey) -> None:
    limits = journey.day.read(f"/v1/customers/{journey.customer.id}/limits")
    rows = [
        (meter["meter"], period, *(yuan(minor(cap[name])) for name in ("maximum", "used", "left")))
        for meter in limits["meters"]
        for period in ("day", "year", "total")
        if (cap := meter[period]) is not None
    ]
    journey.day.stage.table(
        f"{limits['account_class']} 类账户的限额 Caps of class {limits['account_class']}",
        (
            ("计量 Meter", "left"),
            ("期间 Period", "left"),
            ("上限 Cap", "right"),
            ("已用 Used", "right"),
            ("剩余 Left", "right"),
        ),
        rows,
    )
