"""The scenes of repayment: by itself on time, late once, caught up, and paid off before the end."""

import time
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from huitong.demo.day import StoryBroken, minor, money, yuan
from huitong.demo.loan.applying import AMOUNT, PAYMENTS
from huitong.demo.loan.branch import Branch
from huitong.demo.loan.opening import STOCK, receive_sales
from huitong.demo.loan.reminding import LATE_DAYS

_LEFT: Final = 300_00
_WAIT_SECONDS_MAX: Final = 120.0
_POLL_SECONDS: Final = 0.2
_MONTHS_OF_YEAR: Final = 12
_YEAR_DAYS: Final = 360


def repay_on_time(branch: Branch) -> None:
    """The first payment is taken from the account on its day, without anybody's doing."""
    day, owner = branch.day, branch.owner
    day.stage.scene("按期自动扣款", "The first payment, by itself")
    while owner.person.posted - _LEFT > _payment(branch):
        stock = min(STOCK, owner.person.posted - _LEFT - _payment(branch))
        owner.pay(branch.supplier, stock)
        day.stage.aside(f"进货 buys stock {yuan(stock)}")
        branch.wait_until(branch.at(1, 9))
        owner.log_in()
    due = branch.due_on(1)
    branch.wait_until(branch.morning_of(due))
    branch.close_days()
    owner.log_in()
    taken = _wait_for_debit(branch, due)
    day.check("扣款 debited", taken, _payment(branch))
    owner.person.posted -= taken
    day.tie()


def pay_late(branch: Branch) -> None:
    """The account has too little for the second payment: overdue, and penalty interest runs."""
    day, owner = branch.day, branch.owner
    day.stage.scene("逾期一次", "Late once")
    due = branch.due_on(2)
    branch.wait_until(branch.morning_of(due))
    branch.close_days()
    owner.log_in()
    taken = _wait_for_debit(branch, due)
    day.check("余额不足，只扣到 too little, taken", taken, _LEFT)
    owner.person.posted -= taken
    branch.wait_until(branch.morning_of(due + timedelta(days=LATE_DAYS)))
    branch.close_days()
    owner.log_in()
    loan = branch.read_loan()
    day.check("逾期天数 days overdue", loan["days_past_due"], LATE_DAYS)
    unpaid = minor(loan["overdue"]) + minor(loan["interest_overdue"])
    day.check("未还 unpaid", unpaid, _payment(branch) - _LEFT)
    penalty = int(unpaid * _rate(loan) * Decimal("1.5") * LATE_DAYS / _YEAR_DAYS)
    day.check("罚息 penalty interest", minor(loan["penalty"]) + minor(loan["compound"]), penalty)
    seen = branch.credit.read(f"/v1/loans/{branch.loan}")
    day.stage.aside(
        f"员工看到 staff see: {seen['asset_class']}, 拨备 provision {seen['provision']['amount']}"
    )
    day.tie()


def catch_up(branch: Branch) -> None:
    """Money comes in, and the owner pays all that is overdue."""
    day, owner = branch.day, branch.owner
    day.stage.scene("补还", "The owner catches up")
    owed = minor(branch.read_loan()["owed_now"])
    receive_sales(branch)
    paid = owner.phone.post(f"/v1/loans/{branch.loan}/repayments", {"amount": money(owed)})
    # The platform tries again each day, and may have been faster.
    day.check("已还 repaid", paid.is_success or paid.code == "nothing_due", True)
    day.check("逾期款与罚息 overdue and penalty", branch.find_repaid(branch.now().date()), [owed])
    loan = branch.read_loan()
    day.check("不再逾期 nothing is overdue", (loan["days_past_due"], loan["owed_now"]), _NOTHING)
    owner.person.posted -= owed
    day.tie()


_NOTHING: Final = (0, money(0))


def pay_off(branch: Branch) -> None:
    """A quote for today, and the loan is paid off by it, to the fen."""
    day, owner = branch.day, branch.owner
    day.stage.scene("提前结清", "Paid off before the end")
    branch.wait_until(branch.at(1, 9))
    owner.log_in()
    receive_sales(branch)
    path = f"/v1/loans/{branch.loan}"
    quote = owner.read(f"{path}/payoff-quote")
    parts = [
        (name, minor(quote[name])) for name in ("principal", "interest", "penalty", "early_fee")
    ]
    day.stage.table(
        "结清报价 Payoff quote",
        (("项目 Item", "left"), ("金额 Amount", "right")),
        [(name, yuan(amount)) for name, amount in parts],
    )
    total = minor(quote["total"])
    day.check("各项之和 the parts sum up", sum(amount for _, amount in parts), total)
    short_by_one = owner.phone.post(f"{path}/payoffs", {"amount": money(total - 1)})
    day.check("少一分不行 one fen less is refused", short_by_one.code, "loan_quote_changed")
    owner.do(f"{path}/payoffs", {"amount": money(total)})
    owner.person.posted -= total
    loan = branch.read_loan()
    day.check("已结清 paid off", (loan["state"], loan["not_due"]), ("paid_off", money(0)))
    _check_principal(branch)
    day.tie()


def _check_principal(branch: Branch) -> None:
    rows = branch.owner.read(f"/v1/loans/{branch.loan}/schedule")["data"]
    repaid = sum(minor(row["principal_paid"]) for row in rows)
    branch.day.check("还清的本金 principal repaid", repaid, AMOUNT)


def _payment(branch: Branch) -> int:
    """Return the level payment as the formula has it, in minor units."""
    monthly = _rate(branch.read_loan()) / _MONTHS_OF_YEAR
    exact = AMOUNT * monthly / (1 - (1 + monthly) ** -PAYMENTS)
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def _rate(loan: dict[str, Any]) -> Decimal:
    return Decimal(loan["rate"])


def _wait_for_debit(branch: Branch, on: date) -> int:
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        taken = branch.find_repaid(on)
        if taken:
            return taken[0]
        time.sleep(_POLL_SECONDS)
    raise StoryBroken("Nothing was debited. Does a worker run?", retryable=False)
